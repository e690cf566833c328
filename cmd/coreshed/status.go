package main

import (
	"fmt"
	"io"
	"time"
)

// status is a line that says how far something is whose end is not known, on a
// terminal, once it has taken a second.
type status struct {
	w     io.Writer // nil without a terminal
	from  time.Time
	shown bool
}

func (a *app) newStatus() *status {
	s := &status{from: time.Now()}
	if terminal(a.stderr) && !a.json() {
		s.w = a.stderr
	}
	return s
}

func (s *status) show(format string, args ...any) {
	if s.w == nil || time.Since(s.from) < patience {
		return
	}
	s.shown = true
	fmt.Fprintf(s.w, "\r\x1b[K"+format, args...)
}

// close takes the line away.
func (s *status) close() {
	if s.shown {
		fmt.Fprint(s.w, "\r\x1b[K")
	}
}
