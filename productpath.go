package coreshed

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// ProductPlace is what the path of a product is made of.
type ProductPlace struct {
	RecipeType     string // "" when the run is in no recipe
	RecipeRevision int64  // the type's current one
	JobType        string
	JobVersion     string

	// Date is the earliest time of the sources; when it is not known, Now takes
	// its place and the path says so.
	Date, Now time.Time
	Execution int64  // makes the path unique
	Name      string // relative to the run's output folder
}

// ProductPath is where a product lies in its workspace, unless the run says
// otherwise. Contract: Scale v6 §6.5.
func ProductPath(p ProductPlace) string {
	var b strings.Builder
	if p.RecipeType != "" {
		fmt.Fprintf(&b, "recipes/%s/revision_%d/", fileSafe(p.RecipeType), p.RecipeRevision)
	}
	fmt.Fprintf(&b, "jobs/%s/%s/", fileSafe(p.JobType), fileSafe(p.JobVersion))
	date := p.Date
	if date.IsZero() {
		b.WriteString("unknown_source_data_time/")
		date = p.Now
	}
	fmt.Fprintf(&b, "%s/job_exe_%d/%s", date.UTC().Format("2006/01/02"), p.Execution, p.Name)
	return b.String()
}

// fileSafe makes a name one that every file system takes.
func fileSafe(name string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '_'
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune("-_.", r):
			return r
		}
		return -1
	}, strings.TrimSpace(name))
	if strings.Trim(safe, ".") == "" {
		return "_" + safe
	}
	return safe
}
