//go:build ring2

package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestLockOrder: on PostgreSQL two that change a run and its files never wait
// for each other. Who does is told so after a second and begins again, which
// nobody sees but by the clock; the server counts it.
func TestLockOrder(t *testing.T) {
	url := storetest.MustPostgres(t)
	db, err := store.Open(t.Context(), store.Config{URL: url})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	server, err := sql.Open("pgx", url)
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	s := storetest.New(t, db)
	view, access := s.View(t, s.Editor), s.Access(t, s.Editor)
	type pair [2]func(context.Context) error
	for name, prepare := range map[string]func(round int) pair{
		"an upload and the end of its run": func(round int) pair {
			run := s.Record(t, storetest.NewRun())
			slot, err := s.ReserveOutput(t, run.ID, output(round, 0))
			must(t, err)
			return pair{
				func(ctx context.Context) error {
					_, err := db.Commit(ctx, storetest.Whole(s.Workspace.UUID, slot.Reservation, "x"))
					return err
				},
				func(ctx context.Context) error {
					return db.EndRun(ctx, view, run.ID, store.RunEnd{Status: coreshed.Failed})
				},
			}
		},
		"publishing and deleting": func(round int) pair {
			s.Made(t, fmt.Sprint(round, ".tif"))
			again := s.Record(t, storetest.NewRun())
			f := s.Entry(t, s.Upload(t, again.ID, fmt.Sprint(round, ".tif"), "again"))
			return pair{
				func(ctx context.Context) error {
					return db.EndRun(ctx, view, again.ID, store.RunEnd{Status: coreshed.Completed})
				},
				func(ctx context.Context) error { return db.DeleteFile(ctx, access, f.FileUUID) },
			}
		},
		"adopting and deleting": func(round int) pair {
			run, f := s.Record(t, storetest.NewRun()), s.Put(t, s.Editor, fmt.Sprint("adopted", round), "x")
			return pair{
				func(ctx context.Context) error {
					return db.AdoptOutputs(ctx, view, run.ID, []store.Output{{Name: "OUTPUT", Version: coreshed.Ref{ID: f.Version.ID}}})
				},
				func(ctx context.Context) error { return db.DeleteFile(ctx, access, f.UUID) },
			}
		},
		"late inputs and deleting": func(round int) pair {
			in := s.Put(t, s.Editor, fmt.Sprint("late", round), "x")
			run := s.Record(t, storetest.NewRun())
			f := s.Entry(t, s.Upload(t, run.ID, fmt.Sprint("of late ", round), "x"))
			return pair{
				func(ctx context.Context) error {
					return db.UpdateRun(ctx, view, run.ID, store.RunUpdate{Inputs: []coreshed.Input{{Name: "I", Version: coreshed.Ref{ID: in.Version.ID}}}})
				},
				func(ctx context.Context) error { return db.DeleteFile(ctx, access, f.FileUUID) },
			}
		},
		"the same products the other way round": func(round int) pair {
			first := s.Record(t, storetest.NewRun())
			_, err := db.AddOutputs(t.Context(), view, first.ID, nil, []store.NewOutput{output(round, 1), output(round, 2)})
			must(t, err)
			announce := func(a, b int) func(context.Context) error {
				run := s.Record(t, storetest.NewRun())
				return func(ctx context.Context) error {
					_, err := db.AddOutputs(ctx, view, run.ID, nil, []store.NewOutput{output(round, a), output(round, b)})
					return err
				}
			}
			return pair{announce(1, 2), announce(2, 1)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := deadlocks(t, server)
			for round := range 40 {
				atOnce(t, prepare(round))
			}
			if n := deadlocks(t, server) - before; n > 0 {
				t.Errorf("%d of 40 pairs waited for each other", n)
			}
		})
	}
}

// TestReadWhileTakenAway: on PostgreSQL, who reads a version while its run puts it
// out no more comes from that version, as from any source.
func TestReadWhileTakenAway(t *testing.T) {
	url := storetest.MustPostgres(t)
	db, err := store.Open(t.Context(), store.Config{URL: url})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	s := storetest.New(t, db)
	s.Put(t, s.Editor, "raw.tif", "raw")
	for round := range 60 {
		r, name := tell(t, s), fmt.Sprint(round, ".tif")
		first, second := s.Put(t, s.Editor, name, "1").Version, s.Put(t, s.Editor, name, "2").Version
		r.say("COMPLETE", r.in("raw.tif"), r.out(name))
		away := r.event("RUNNING", r.out(fmt.Sprint(name, "@", first.VersionID)))
		reader := s.Record(t, storetest.NewRun())
		made := s.Upload(t, reader.ID, "of "+name, "x")
		atOnce(t, [2]func(context.Context) error{
			func(context.Context) error { return r.send(away) },
			func(ctx context.Context) error {
				return db.UpdateRun(ctx, s.View(t, s.Editor), reader.ID, store.RunUpdate{
					Inputs: []coreshed.Input{{Name: "I", Version: coreshed.Ref{ID: second.ID}}},
				})
			},
		})
		if diff := cmp.Diff([]int64{second.ID}, r.links(made)); diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
	}
}

func output(round, n int) store.NewOutput {
	return store.NewOutput{Name: "OUTPUT", File: fmt.Sprintf("%d-%d.tif", round, n), Prefix: storetest.Prefix()}
}

// atOnce runs both. One may come too late for what the other has done.
func atOnce(t *testing.T, pair [2]func(context.Context) error) {
	var ready, done sync.WaitGroup
	ready.Add(1)
	for _, fn := range pair {
		done.Go(func() {
			ready.Wait()
			switch err := fn(t.Context()); coreshed.KindOf(err) {
			case coreshed.Internal, coreshed.StoreFailed:
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	ready.Done()
	done.Wait()
}

// deadlocks is how many the server has found in the database, once its
// processes have told: they do when they have been idle for a second.
func deadlocks(t *testing.T, server *sql.DB) (n int) {
	t.Helper()
	time.Sleep(1200 * time.Millisecond)
	must(t, server.QueryRowContext(t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&n))
	return n
}
