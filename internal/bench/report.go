// Package bench measures the product from outside: it starts the real binary
// in its own process and drives it over HTTP on loopback. The blob plane is
// measured beside a limit server that does the least a durable store can do,
// and beside nginx, in one run and in turns, because a machine's disk and load
// change from minute to minute: what counts is the ratio within a round.
package bench

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// The systems that are measured.
const (
	shedName  = "coreshed"
	limitName = "limit"
	nginxName = "nginx"
	floorName = "floor"
)

// Report is what a benchmark found.
type Report struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPUs int    `json:"cpus"`
	Rows []Row  `json:"tests"`
}

// Row is one test.
type Row struct {
	Test    string            `json:"test"`
	Unit    string            `json:"unit"`
	Figures map[string]Spread `json:"figures"` // by system
	Ratio   *Spread           `json:"ratio"`   // of Coreshed to the limit; null without a limit
	Target  string            `json:"target"`  // "" when there is none
	Met     *bool             `json:"met"`     // null when there is no target
}

// Spread is what the rounds of a test gave.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

func spreadOf(samples []float64) Spread {
	s := slices.Sorted(slices.Values(samples))
	middle := s[len(s)/2]
	if len(s)%2 == 0 {
		middle = (middle + s[len(s)/2-1]) / 2
	}
	return Spread{Median: middle, Low: s[0], High: s[len(s)-1]}
}

// String writes the median and, when rounds differ, what lies around it.
func (s Spread) String() string {
	if short(s.Low) == short(s.High) {
		return short(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", short(s.Median), short(s.Low), short(s.High))
}

// short writes three significant digits, or all of the integer part.
func short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Missed counts the targets that were not met.
func (r Report) Missed() int {
	n := 0
	for _, row := range r.Rows {
		if row.Met != nil && !*row.Met {
			n++
		}
	}
	return n
}

// Write prints the report as a table. Of several rounds it shows the median
// and, in brackets, the lowest and the highest.
func (r Report) Write(w io.Writer) error {
	systems := r.systems()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "TEST\tUNIT\t%s\tRATIO\tTARGET\t\n", strings.ToUpper(strings.Join(systems, "\t")))
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", row.Test, row.Unit, strings.Join(row.figures(systems), "\t"), row.verdict())
	}
	return t.Flush()
}

// systems returns those that have figures, in a fixed order.
func (r Report) systems() []string {
	var systems []string
	for _, name := range []string{limitName, floorName, nginxName, shedName} {
		if slices.ContainsFunc(r.Rows, func(row Row) bool { _, ok := row.Figures[name]; return ok }) {
			systems = append(systems, name)
		}
	}
	return systems
}

func (row Row) figures(systems []string) []string {
	cells := make([]string, len(systems))
	for i, name := range systems {
		if f, ok := row.Figures[name]; ok {
			cells[i] = f.String()
		}
	}
	return cells
}

func (row Row) verdict() string {
	ratio, met := "", ""
	if row.Ratio != nil {
		ratio = row.Ratio.String()
	}
	if row.Met != nil {
		met = "MISSED"
		if *row.Met {
			met = "ok"
		}
	}
	return strings.Join([]string{ratio, row.Target, met}, "\t")
}

func newReport(rows []Row) Report {
	return Report{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Rows: rows}
}
