package bench

import (
	"fmt"
	"io"
)

// test is what is measured, in which unit, and what is good enough.
type test struct {
	name, unit string
	target     target
}

// target is what the median must reach; the zero value is none.
type target struct {
	ratio bool    // judges the ratio to the limit, not the figure
	least float64 // at least, when not 0
	below float64 // below, when not 0
	part  float64 // when not 0, the ratio is at most that too
}

func (t target) String() string {
	switch {
	case t.least > 0:
		return "≥ " + short(t.least)
	case t.part > 0:
		return "< " + short(t.below) + ", ratio ≤ " + short(t.part)
	case t.below > 0:
		return "< " + short(t.below)
	}
	return ""
}

func (t target) met(v float64) bool {
	if t.least > 0 {
		return v >= t.least
	}
	return v < t.below
}

// sheet collects samples. Tests keep the order in which they first came.
type sheet struct {
	log     io.Writer
	tests   []test
	samples map[string]map[string][]float64 // by test and system
}

func newSheet(log io.Writer) *sheet {
	return &sheet{log: log, samples: map[string]map[string][]float64{}}
}

func (s *sheet) add(t test, system string, v float64) {
	if s.samples[t.name] == nil {
		s.tests = append(s.tests, t)
		s.samples[t.name] = map[string][]float64{}
	}
	s.samples[t.name][system] = append(s.samples[t.name][system], v)
	fmt.Fprintf(s.log, "%s: %s %s %s\n", t.name, system, short(v), t.unit)
}

func (s *sheet) report() Report {
	rows := make([]Row, len(s.tests))
	for i, t := range s.tests {
		rows[i] = s.row(t)
	}
	return newReport(rows)
}

func (s *sheet) row(t test) Row {
	row := Row{Test: t.name, Unit: t.unit, Figures: map[string]Spread{}, Target: t.target.String()}
	for system, samples := range s.samples[t.name] {
		row.Figures[system] = spreadOf(samples)
	}
	judged, within := row.Figures[shedName].Median, true
	if ratios := s.ratios(t); ratios != nil {
		r := spreadOf(ratios)
		row.Ratio = &r
		if t.target.ratio {
			judged = r.Median
		}
		within = t.target.part == 0 || r.Median <= t.target.part
	}
	if t.target != (target{}) {
		met := t.target.met(judged) && within
		row.Met = &met
	}
	return row
}

// ratios compares round by round: what slows the machine for a while slows
// both.
func (s *sheet) ratios(t test) []float64 {
	limit, shed := s.samples[t.name][limitName], s.samples[t.name][shedName]
	if len(limit) == 0 {
		limit = s.samples[t.name][floorName]
	}
	if len(limit) == 0 || len(limit) != len(shed) {
		return nil
	}
	ratios := make([]float64, len(limit))
	for i := range limit {
		ratios[i] = shed[i] / limit[i]
	}
	return ratios
}
