//go:build ring2 && linux

package crash

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite" // the "sqlite" driver

	"github.com/coreshed/coreshed/internal/blob/disk"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// check compares the lists with what must be there, and the bytes of the file
// that the last operation was on.
func (s *shed) check(t *testing.T) {
	t.Helper()
	for _, deleted := range []bool{false, true} {
		want := map[string]string{}
		for id, f := range s.files {
			if f.deleted == deleted {
				want[id] = f.path
			}
		}
		if diff := cmp.Diff(want, s.listed(t, deleted)); diff != "" {
			t.Errorf("files, deleted %t (-want +got):\n%s", deleted, diff)
		}
	}
	if s.last != "" {
		s.checkBytes(t, s.last)
	}
}

// checkAll also reads every version whole.
func (s *shed) checkAll(t *testing.T) {
	t.Helper()
	s.check(t)
	for id := range s.files {
		s.checkBytes(t, id)
	}
}

func (s *shed) checkBytes(t *testing.T, id string) {
	t.Helper()
	f := s.files[id]
	got, err := s.Contents(id)
	if err != nil {
		t.Errorf("%s: %v", f.path, err)
		return
	}
	if len(got) != len(f.versions) {
		t.Errorf("%s has %d versions, want %d", f.path, len(got), len(f.versions))
		return
	}
	for i := range got {
		if !bytes.Equal(got[i], f.versions[i]) {
			t.Errorf("version %d of %s has %d other bytes than the %d uploaded", i, f.path, len(got[i]), len(f.versions[i]))
		}
	}
}

// checkNamed wants each row that names an object, staged blocks' too, to have
// one of its size.
func (s *shed) checkNamed(t *testing.T) {
	t.Helper()
	db := s.database(t)
	defer db.Close()
	for _, object := range column(t, db, `SELECT object_key || ' ' || size FROM blocks
		UNION ALL SELECT object_key || ' ' || size FROM extents`) {
		key, size, _ := strings.Cut(object, " ")
		info, err := os.Stat(filepath.Join(s.Data, "objects", key[:2], strings.Replace(key, "/", ".", 1)))
		if err != nil {
			t.Errorf("a row without bytes: %v", err)
		} else if got := strconv.FormatInt(info.Size(), 10); got != size {
			t.Errorf("an object of %s bytes for a row of %s", got, size)
		}
	}
}

// database reads the server's database beside it.
func (s *shed) database(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.Data, "coreshed.db")+"?_pragma=query_only(1)")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// collectAll ends the grace time of everything that the kills have left, and
// looks at the stopped data folder itself.
func (s *shed) collectAll(t *testing.T) {
	s.Stop()
	defer s.Run()
	ctx := context.Background()
	later := func() time.Time { return time.Now().Add(2 * store.UploadLifetime) }
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(s.Data, "coreshed.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	objects, err := disk.Open(filepath.Join(s.Data, "objects"))
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	c := catalog.New(catalog.Config{DB: db, Blobs: objects, Now: later})
	if err := c.Sweep(ctx); err != nil {
		t.Error(err)
	}
	done, err := c.Collect(ctx)
	if err != nil {
		t.Error(err)
	}
	t.Logf("collected %+v", done)
	if again, err := c.Collect(ctx); err != nil || again != (catalog.Collected{}) {
		t.Errorf("collecting again removed %+v, %v", again, err)
	}
	s.checkFolder(t)
}

// checkFolder wants the objects to be those that the rows name, the very ones,
// and the database to be sound.
func (s *shed) checkFolder(t *testing.T) {
	db := s.database(t)
	defer db.Close()
	if diff := cmp.Diff([]string{"ok"}, column(t, db, `PRAGMA integrity_check`)); diff != "" {
		t.Errorf("integrity of the database (-want +got):\n%s", diff)
	}
	if bad := column(t, db, `SELECT "table" FROM pragma_foreign_key_check`); len(bad) > 0 {
		t.Errorf("rows that name rows that are not there: %v", bad)
	}
	named := map[string]bool{}
	for _, key := range column(t, db, `SELECT object_key FROM extents`) {
		named[strings.Replace(key, "/", ".", 1)] = true
	}
	found := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(s.Data, "objects"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found[d.Name()] = true
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(named, found); diff != "" {
		t.Errorf("objects (-named +found):\n%s", diff)
	}
	want := []string{fmt.Sprintf("%d used, 0 staged", s.size())}
	if diff := cmp.Diff(want, column(t, db, `SELECT used_bytes || ' used, ' || staged_bytes || ' staged' FROM workspaces`)); diff != "" {
		t.Errorf("bytes of the workspace (-want +got):\n%s", diff)
	}
}

// size is the bytes of all versions.
func (s *shed) size() int {
	size := 0
	for _, f := range s.files {
		for _, v := range f.versions {
			size += len(v)
		}
	}
	return size
}

func column(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
