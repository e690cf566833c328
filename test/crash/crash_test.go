//go:build ring2 && linux

package crash

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/coreshed/coreshed/test/live"
)

var binaryPath string // of the server; set once, by TestMain

func TestMain(m *testing.M) { os.Exit(live.Main(m, &binaryPath)) }

// TestKill goes through each operation and kills the server at each step of it
// in turn; when there are many, at a sample of them.
func TestKill(t *testing.T) {
	s := &shed{Shed: live.Start(t, binaryPath, t.TempDir()+"/data"), files: map[string]*file{}}
	for _, op := range []operation{
		{"put blob", s.putBlob},
		{"put blocks", s.putBlocks},
		{"new version", s.newVersion},
		{"delete", s.delete},
		{"restore", s.restore},
	} {
		t.Run(op.name, func(t *testing.T) { s.sweep(t, op) })
	}
	s.checkAll(t)
	s.collectAll(t)
	s.checkAll(t)
}

// operation is something a client does in one or more requests.
type operation struct {
	name string
	// prepare makes what the operation needs and returns what it does: steps,
	// each one request.
	prepare func(t *testing.T) []request
}

// request is one request of an operation. Its do returns an error without a
// whole answer; applied tells the model that it has happened. A client may
// always repeat it.
type request struct {
	name    string
	do      func() error
	applied func()
	// happened asks the server whether a request that was not answered has
	// happened; nil when nobody can see it.
	happened func(t *testing.T) bool
}

// killsPerOperation bounds the time.
const killsPerOperation = 140

// sweep kills the server at step 1 of the operation, at step 2 and so on, until
// the operation is over before the kill.
func (s *shed) sweep(t *testing.T, op operation) {
	total := s.round(t, op, 0)
	stride := max(1, (total+killsPerOperation-1)/killsPerOperation)
	kills := 0
	for n := 1; n <= total && !t.Failed(); n += stride {
		s.round(t, op, n)
		kills++
	}
	t.Logf("%d steps, killed at %d of them", total, kills)
}

// round does the operation once, with a kill at a step or, for 0, right after
// its last answer, and returns how many steps it took.
func (s *shed) round(t *testing.T, op operation, killAt int) int {
	t.Helper()
	requests := op.prepare(t)
	w, err := newWatch(s.PID(), killAt)
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	for next < len(requests) {
		if err := requests[next].do(); err != nil {
			wantCut(t, requests[next], err, w)
			break
		}
		requests[next].applied()
		next++
	}
	w.kill()
	s.Kill()
	s.Run()
	s.checkNamed(t)
	if next < len(requests) && requests[next].happened != nil && requests[next].happened(t) {
		requests[next].applied()
	}
	s.check(t)
	s.finish(t, requests[next:])
	if t.Failed() {
		t.Fatalf("killed at step %d of %v, in request %d", killAt, w.taken, next)
	}
	return w.steps
}

// wantCut wants an error to be that of a killed server.
func wantCut(t *testing.T, r request, err error, w *watch) {
	t.Helper()
	if refused := (*live.Refused)(nil); errors.As(err, &refused) || w.killAt == 0 {
		t.Errorf("%s: %v", r.name, err)
	}
}

// finish repeats the request that was not answered and goes on, as a client
// does.
func (s *shed) finish(t *testing.T, requests []request) {
	t.Helper()
	for _, r := range requests {
		if err := r.do(); err != nil {
			t.Fatalf("%s, after the restart: %v", r.name, err)
		}
		r.applied()
	}
	s.check(t)
}

func random(size int) []byte {
	b := make([]byte, size)
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}
