package catalog_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// placed writes a file into the workspace's folder and registers it.
func (s *shed) placed(t *testing.T, dir, path string, content []byte) catalog.Target {
	t.Helper()
	write(t, filepath.Join(dir, path), content)
	return s.register(t, path)
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *shed) register(t *testing.T, path string) catalog.Target {
	t.Helper()
	b, err := s.Broker(t.Context(), s.access.Workspace.ID)
	if err != nil {
		t.Fatal(err)
	}
	f, err := b.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o := f.Object()
	r, err := s.db.AddInPlace(t.Context(), s.access, store.Place{Path: path, Size: o.Size, Modified: o.Modified, ETag: o.ETag})
	if err != nil {
		t.Fatal(err)
	}
	return catalog.Target{Workspace: s.access.Workspace.UUID, File: r.File, VersionID: r.VersionID}
}

// wantLost opens a version whose bytes are not what was registered.
func (s *shed) wantLost(t *testing.T, at catalog.Target, want coreshed.ByteState) {
	t.Helper()
	for _, length := range []int64{s.slot(t, at).Version.Size, 0} {
		if r, err := s.Open(t.Context(), s.slot(t, at), 0, length); !errors.Is(err, coreshed.Gone) {
			t.Errorf("Open = %v, %v; want Gone", r, err)
		}
	}
	if got := s.slot(t, at).Version.State; got != want {
		t.Errorf("the version is %s, want %s", got, want)
	}
}

func TestOpenInPlace(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir, content := reaching(t, s), random(300_000)
		at := s.placed(t, dir, "2026/grid.tif", content)
		s.want(t, at, content)
		if got := s.read(t, at, 100_000, 50_000); !bytes.Equal(got, content[100_000:150_000]) {
			t.Error("a range has other bytes")
		}
		slot, err := s.Committed(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), slot, 1, 299_999)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var out bytes.Buffer
		if n, err := io.Copy(&out, r); n != 299_999 || err != nil || !bytes.Equal(out.Bytes(), content[1:]) {
			t.Errorf("WriteTo = %d, %v", n, err)
		}
		if used := s.used(t, at); used != 0 {
			t.Errorf("bytes of others count %d", used)
		}
	})
}

// TestSendfileInPlace wants what lies in a folder to reach the writer in the
// shape that net/http hands on to sendfile.
func TestSendfileInPlace(t *testing.T) {
	s := onDisk(t)
	at := s.placed(t, reaching(t, s), "hole.las", []byte("depth"))
	r, err := s.Open(t.Context(), s.slot(t, at), 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var w fileWriter
	if n, err := io.Copy(&w, r); err != nil || n != 3 || w.String() != "ept" || w.fast != 1 || w.other != 0 {
		t.Errorf("wrote %q, %d, %v; %d times by the kernel, %d times not", w.String(), n, err, w.fast, w.other)
	}
}

func TestOpenInPlaceLost(t *testing.T) {
	const name = "hole.las"
	for what, tt := range map[string]struct {
		change func(t *testing.T, path string)
		want   coreshed.ByteState
	}{
		"gone":        {func(t *testing.T, path string) { remove(t, path) }, coreshed.Missing},
		"longer":      {func(t *testing.T, path string) { write(t, path, []byte("depth 12")) }, coreshed.ChangedOutside},
		"touched":     {func(t *testing.T, path string) { touch(t, path, time.Now().Add(time.Hour)) }, coreshed.ChangedOutside},
		"a folder":    {func(t *testing.T, path string) { remove(t, path); write(t, filepath.Join(path, "x"), nil) }, coreshed.Missing},
		"leading out": {func(t *testing.T, path string) { remove(t, path); symlink(t, "/etc/hostname", path) }, coreshed.Missing},
	} {
		t.Run(what, func(t *testing.T) {
			s := onDisk(t)
			dir := reaching(t, s)
			at := s.placed(t, dir, name, []byte("depth"))
			write(t, filepath.Join(dir, "other"), nil) // so that the folder is not empty
			tt.change(t, filepath.Join(dir, name))
			s.wantLost(t, at, tt.want)
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func touch(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// TestInPlaceUnmounted does not take a folder that is away for lost files.
func TestInPlaceUnmounted(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir := reaching(t, s)
		at := s.placed(t, dir, "hole.las", []byte("depth"))
		away := dir + ".away"
		if err := os.Rename(dir, away); err != nil {
			t.Fatal(err)
		}
		open := func(what string) {
			if _, err := s.Open(t.Context(), s.slot(t, at), 0, 5); !errors.Is(err, coreshed.BadGateway) {
				t.Errorf("Open %s = %v, want BadGateway", what, err)
			}
			if _, err := s.HashNext(t.Context(), 0, nil, fast()); !errors.Is(err, coreshed.BadGateway) || !errors.Is(err, broker.ErrUnavailable) {
				t.Errorf("HashNext %s = %v, want BadGateway, because of ErrUnavailable", what, err)
			}
			if _, err := s.HashNext(t.Context(), 0, []int64{s.access.Workspace.ID}, fast()); !errors.Is(err, coreshed.NotFound) {
				t.Errorf("HashNext of other workspaces = %v, want NotFound", err)
			}
		}
		open("without the folder")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		open("in an empty folder")
		remove(t, dir)
		if err := os.Rename(away, dir); err != nil {
			t.Fatal(err)
		}
		s.want(t, at, []byte("depth"))
	})
}

// TestRecheck finds files that are back.
func TestRecheck(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir := reaching(t, s)
		back, away := s.placed(t, dir, "back.las", []byte("depth")), s.placed(t, dir, "away.las", []byte("depth"))
		for _, name := range []string{"back.las", "away.las"} {
			if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, name+".moved")); err != nil {
				t.Fatal(err)
			}
		}
		s.wantLost(t, back, coreshed.Missing)
		s.wantLost(t, away, coreshed.Missing)
		if err := os.Rename(filepath.Join(dir, "back.las.moved"), filepath.Join(dir, "back.las")); err != nil {
			t.Fatal(err)
		}
		looked := 0
		for after := int64(0); ; looked++ {
			v, err := s.RecheckNext(t.Context(), after, nil)
			if errors.Is(err, coreshed.NotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			after = v.Version.ID
		}
		if looked != 2 {
			t.Errorf("it looked at %d versions", looked)
		}
		s.want(t, back, []byte("depth"))
		s.wantLost(t, away, coreshed.Missing)
	})
}

func TestHashInPlace(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir, content := reaching(t, s), random(100_000)
		at := s.placed(t, dir, "grid.tif", content)
		other := s.placed(t, dir, "other.tif", random(1000))
		// Other bytes of the same size and time: the recorded hash tells.
		if err := s.db.SetHashes(t.Context(), s.slot(t, other).Version.ID, make([]byte, 32), nil); err != nil {
			t.Fatal(err)
		}
		if errs := s.hashAll(t); errs != nil {
			t.Errorf("hashing: %v", errs)
		}
		sum, md := sha256.Sum256(content), md5.Sum(content)
		v := s.slot(t, at).Version
		if diff := cmp.Diff([][]byte{sum[:], md[:]}, [][]byte{v.SHA256, v.MD5}); diff != "" {
			t.Errorf("hashes (-want +got):\n%s", diff)
		}
		if state := s.slot(t, other).Version.State; state != coreshed.ChangedOutside {
			t.Errorf("with another hash it is %s", state)
		}
	})
}

// TestWrittenWhileRead does not take for whole what was written to meanwhile.
func TestWrittenWhileRead(t *testing.T) {
	for what, change := range map[string]func(t *testing.T, path string){
		"written to": func(t *testing.T, path string) { write(t, path, random(200_000)) },
		"cut":        func(t *testing.T, path string) { os.Truncate(path, 1000) },
	} {
		t.Run(what, func(t *testing.T) {
			s := onDisk(t)
			dir := reaching(t, s)
			write(t, filepath.Join(dir, "grid.tif"), random(200_000))
			touch(t, filepath.Join(dir, "grid.tif"), time.Now().Add(-time.Hour))
			at := s.register(t, "grid.tif")
			r, err := s.Open(t.Context(), s.slot(t, at), 0, 200_000)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			change(t, filepath.Join(dir, "grid.tif"))
			if _, err := io.Copy(io.Discard, r); !errors.Is(err, coreshed.Gone) {
				t.Errorf("reading = %v, want Gone", err)
			}
			if state := s.slot(t, at).Version.State; state != coreshed.ChangedOutside {
				t.Errorf("the version is %s", state)
			}
		})
	}
}

// TestDeleteInPlace keeps what others own.
func TestDeleteInPlace(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		dir := reaching(t, s)
		at := s.placed(t, dir, "hole.las", []byte("depth"))
		if err := s.db.DeleteFile(t.Context(), s.access, at.File); err != nil {
			t.Fatal(err)
		}
		s.clock.advance(30 * 24 * time.Hour)
		if _, err := s.Collect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if body, err := os.ReadFile(filepath.Join(dir, "hole.las")); string(body) != "depth" {
			t.Errorf("the file reads %q, %v", body, err)
		}
		if _, err := s.db.RestoreFile(t.Context(), s.access, at.File); err != nil {
			t.Fatal(err)
		}
		s.want(t, at, []byte("depth"))
	})
}
