//go:build ring2 && linux

package crash

import (
	"fmt"
	"testing"

	"github.com/coreshed/coreshed/test/live"
)

// shed is a server and what must be in it.
type shed struct {
	*live.Shed
	files map[string]*file // by id; committed ones
	last  string           // id of the file of the last operation
	paths int
}

// file is what must be there of a file.
type file struct {
	path     string
	versions [][]byte // oldest first
	deleted  bool
}

func (s *shed) putBlob(*testing.T) []request {
	s.paths++
	var u live.Upload
	path, body := fmt.Sprintf("cores/blob-%d.las", s.paths), random(300_000)
	return []request{s.reserve(path, &u), {
		name:     "put blob",
		do:       func() error { _, err := s.PutBlob(u, body); return err },
		applied:  func() { s.commit(u, path, nil, body) },
		happened: func(t *testing.T) bool { return s.versions(t, u) > 0 },
	}}
}

// putBlocks also replaces a block and stages one that it does not list.
func (s *shed) putBlocks(*testing.T) []request {
	s.paths++
	var u live.Upload
	path, a, b := fmt.Sprintf("cores/blocks-%d.las", s.paths), random(200_000), random(5_000)
	block := func(id string, body []byte) request {
		return request{name: "put block " + id, do: func() error { return s.PutBlock(u, id, body) }, applied: func() {}}
	}
	return []request{
		s.reserve(path, &u),
		block("a", random(1000)), block("b", b), block("c", random(3000)), block("a", a),
		{
			name:     "put block list",
			do:       func() error { _, err := s.PutBlockList(u, "b", "a", "b"); return err },
			applied:  func() { s.commit(u, path, nil, b, a, b) },
			happened: func(t *testing.T) bool { return s.versions(t, u) > 0 },
		},
	}
}

// newVersion is of one file, each time.
func (s *shed) newVersion(t *testing.T) []request {
	const path = "cores/versions.las"
	id := s.find(t, path)
	before := s.files[id].versions
	var u live.Upload
	body := random(20_000)
	return []request{s.reserve(path, &u), {
		name:     "put blob",
		do:       func() error { _, err := s.PutBlob(u, body); return err },
		applied:  func() { s.commit(u, path, before, body) },
		happened: func(t *testing.T) bool { return s.versions(t, u) > len(before) },
	}}
}

func (s *shed) delete(t *testing.T) []request  { return s.mark(t, "delete", true, s.Delete) }
func (s *shed) restore(t *testing.T) []request { return s.mark(t, "restore", false, s.Restore) }

func (s *shed) mark(t *testing.T, name string, deleted bool, do func(id string) error) []request {
	id := s.find(t, "cores/deleted.las")
	s.last = id
	f := s.files[id]
	if f.deleted == deleted {
		undo := s.Delete
		if deleted {
			undo = s.Restore
		}
		if err := undo(id); err != nil {
			t.Fatal(err)
		}
		f.deleted = !deleted
	}
	return []request{{
		name:     name,
		do:       func() error { return do(id) },
		applied:  func() { f.deleted = deleted },
		happened: func(t *testing.T) bool { _, is := s.listed(t, deleted)[id]; return is },
	}}
}

func (s *shed) reserve(path string, u *live.Upload) request {
	return request{name: "reserve", applied: func() {}, do: func() error {
		var err error
		*u, err = s.Reserve(path)
		return err
	}}
}

// find returns the id of the file at a path, which is uploaded when absent.
func (s *shed) find(t *testing.T, path string) string {
	t.Helper()
	for id, f := range s.files {
		if f.path == path {
			return id
		}
	}
	u, err := s.Reserve(path)
	if err != nil {
		t.Fatal(err)
	}
	body := random(1000)
	if _, err := s.PutBlob(u, body); err != nil {
		t.Fatal(err)
	}
	s.commit(u, path, nil, body)
	return u.FileID
}

// commit notes that a version is there: before are the ones before it, parts
// its bytes.
func (s *shed) commit(u live.Upload, path string, before [][]byte, parts ...[]byte) {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	s.last = u.FileID
	s.files[u.FileID] = &file{path: path, versions: append(before[:len(before):len(before)], body)}
}

// versions is how many versions of an upload's file the server shows.
func (s *shed) versions(t *testing.T, u live.Upload) int {
	t.Helper()
	if _, live := s.listed(t, false)[u.FileID]; !live {
		return 0
	}
	contents, err := s.Contents(u.FileID)
	if err != nil {
		t.Fatal(err)
	}
	return len(contents)
}

// listed returns the paths of the live or the deleted files, by their ids.
func (s *shed) listed(t *testing.T, deleted bool) map[string]string {
	t.Helper()
	list, err := s.List(deleted)
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{}
	for _, f := range list {
		paths[f.FileID] = f.Address()
	}
	return paths
}
