package disk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/blob/disk"
	"github.com/coreshed/coreshed/internal/blob/mem"
)

// TestModel does the same to a store on disk, reopened now and then, and to
// one in memory, and wants the same answers.
func TestModel(t *testing.T) {
	prefix := blob.NewPrefix()
	keys := []string{blob.NewKey(prefix), blob.NewKey(prefix), blob.NewKey(blob.NewPrefix())}
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{
			key:    rapid.SampledFrom(keys),
			prefix: rapid.SampledFrom([]string{"", prefix, prefix[:1], keys[0], "x"}),
			dir:    filepath.Join(t.TempDir(), "objects"),
			mem:    mem.New(),
		}
		m.reopen(rt)
		defer func() { m.close(rt) }()
		// Few steps, because each may sync, and few keys, so that they meet.
		actions := []func(*rapid.T){m.put, m.put, m.open, m.open, m.delete, m.clear, m.list, m.reopen}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			rapid.SampledFrom(actions).Draw(rt, "action")(rt)
		}
	})
}

type model struct {
	key, prefix *rapid.Generator[string]
	dir         string
	disk        *disk.Store
	mem         *mem.Store
}

func (m *model) put(t *rapid.T) {
	key := m.key.Draw(t, "key")
	body := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "body")
	size := int64(len(body)) + rapid.SampledFrom([]int64{0, 0, 0, 0, 1, -1}).Draw(t, "off by")
	m.same(t, "Put", func(s blob.Store) (string, error) {
		return "", s.Put(context.Background(), key, bytes.NewReader(body), size)
	})
}

func (m *model) open(t *rapid.T) {
	key := m.key.Draw(t, "key")
	offset := rapid.Int64Range(-1, 101).Draw(t, "offset")
	length := rapid.Int64Range(-2, 101).Draw(t, "length")
	m.same(t, "Open", func(s blob.Store) (string, error) {
		rc, err := s.Open(context.Background(), key, offset, length)
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(rc)
		return string(body), errors.Join(err, rc.Close())
	})
}

func (m *model) delete(t *rapid.T) {
	key := m.key.Draw(t, "key")
	m.same(t, "Delete", func(s blob.Store) (string, error) {
		return "", s.Delete(context.Background(), key)
	})
}

// clear does on disk in one go what the memory does object by object.
func (m *model) clear(t *rapid.T) {
	prefix, _, _ := strings.Cut(m.key.Draw(t, "key"), "/")
	for o, err := range m.mem.List(context.Background(), prefix+"/") {
		if err := errors.Join(err, m.mem.Delete(context.Background(), o.Key)); err != nil {
			t.Fatal(err)
		}
	}
	if failed := m.disk.Clear(context.Background(), []string{prefix}); len(failed) > 0 {
		t.Fatalf("Clear = %v", failed)
	}
}

func (m *model) list(t *rapid.T) {
	prefix := m.prefix.Draw(t, "prefix")
	var lists [2][]blob.Object
	for i, s := range []blob.Store{m.mem, m.disk} {
		for o, err := range s.List(context.Background(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			lists[i] = append(lists[i], blob.Object{Key: o.Key, Size: o.Size})
		}
	}
	if diff := cmp.Diff(lists[0], lists[1]); diff != "" {
		t.Errorf("List(%q) (-mem +disk):\n%s", prefix, diff)
	}
}

// same wants the same result and the same promised error from both stores.
func (m *model) same(t *rapid.T, what string, do func(blob.Store) (string, error)) {
	want, wantErr := do(m.mem)
	got, gotErr := do(m.disk)
	if got != want || (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("%s: disk = %q, %v; mem = %q, %v", what, got, gotErr, want, wantErr)
	}
	for _, promised := range []error{fs.ErrExist, fs.ErrNotExist, io.ErrUnexpectedEOF, blob.ErrTooLong, blob.ErrRange} {
		if errors.Is(gotErr, promised) != errors.Is(wantErr, promised) {
			t.Fatalf("%s: disk = %v; mem = %v", what, gotErr, wantErr)
		}
	}
}

func (m *model) reopen(t *rapid.T) {
	m.close(t)
	s, err := disk.Open(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	m.disk = s
}

func (m *model) close(t *rapid.T) {
	if m.disk == nil {
		return
	}
	if err := m.disk.Close(); err != nil {
		t.Error(err)
	}
}
