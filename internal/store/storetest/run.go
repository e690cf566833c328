package storetest

import (
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// View is what a person may see in the organisation.
func (s *Shed) View(t testing.TB, p coreshed.Person) coreshed.View {
	t.Helper()
	v, err := s.DB.View(t.Context(), coreshed.Actor{ID: p.ID}, s.Org.ID)
	must(t, err)
	return v
}

// Entry returns a version as the admin sees it.
func (s *Shed) Entry(t testing.TB, id int64) coreshed.Entry {
	t.Helper()
	e, err := s.DB.Entry(t.Context(), s.View(t, s.Admin), id)
	must(t, err)
	return e
}

// NewRun is a run of the type "parse" 1.0 that reads versions, by their ids, and
// has started.
func NewRun(inputs ...int64) store.NewRun {
	n := store.NewRun{Type: store.NewJobType{Name: "parse", Version: "1.0"}, Start: &store.RunStart{}}
	for _, id := range inputs {
		n.Inputs = append(n.Inputs, coreshed.Input{Name: "INPUT", Version: coreshed.Ref{ID: id}})
	}
	return n
}

// Record records a run as the editor.
func (s *Shed) Record(t testing.TB, n store.NewRun) coreshed.Run {
	t.Helper()
	r, _, err := s.DB.RecordRun(t.Context(), s.View(t, s.Editor), s.Workspace.ID, n)
	must(t, err)
	return r
}

// Upload uploads an output of a run as the editor, and returns its row id.
func (s *Shed) Upload(t testing.TB, run int64, file, content string) int64 {
	t.Helper()
	slot, err := s.ReserveOutput(t, run, store.NewOutput{Name: "OUTPUT", File: file, Prefix: Prefix()})
	must(t, err)
	return s.Commit(t, slot.Reservation, content).ID
}

// ReserveOutput announces an output of a run as the editor.
func (s *Shed) ReserveOutput(t testing.TB, run int64, n store.NewOutput) (store.OutputSlot, error) {
	t.Helper()
	slots, err := s.DB.AddOutputs(t.Context(), s.View(t, s.Editor), run, nil, []store.NewOutput{n})
	if err != nil {
		return store.OutputSlot{}, err
	}
	return slots[0], nil
}

// End ends a run as the editor.
func (s *Shed) End(t testing.TB, run int64, status coreshed.RunStatus) {
	t.Helper()
	must(t, s.DB.EndRun(t.Context(), s.View(t, s.Editor), run, store.RunEnd{Status: status}))
}

// Made records a run that has completed, with one output, and returns the run
// and the row id of the output.
func (s *Shed) Made(t testing.TB, file string, inputs ...int64) (coreshed.Run, int64) {
	t.Helper()
	r := s.Record(t, NewRun(inputs...))
	id := s.Upload(t, r.ID, file, "made by "+file)
	s.End(t, r.ID, coreshed.Completed)
	return r, id
}
