package client_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

const block = 64 << 10

func TestRoundTrip(t *testing.T) {
	s := start(t)
	for name, size := range map[string]int{
		"empty": 0, "one": 1, "a block": block, "a block and one": block + 1, "blocks": 10*block + 7,
	} {
		t.Run(name, func(t *testing.T) {
			content := random(1, size)
			var sent atomic.Int64
			up, err := s.files.UploadFile(t.Context(), client.Path("a b/"+name+"%20é#.bin"), writeFile(t, content),
				client.UploadOptions{BlockSize: block, ContentType: "image/tiff", Progress: func(n int64) { sent.Add(n) }})
			if err != nil {
				t.Fatal(err)
			}
			if sent.Load() != int64(size) {
				t.Errorf("progress said %d of %d bytes", sent.Load(), size)
			}
			target := filepath.Join(t.TempDir(), "copy")
			var received atomic.Int64
			f, err := s.files.DownloadFile(t.Context(), client.ID(up.FileID), target,
				client.DownloadOptions{PieceSize: block, Progress: func(n int64) { received.Add(n) }})
			if err != nil {
				t.Fatal(err)
			}
			if f.VersionID != up.VersionID || f.Path != "a b/"+name+"%20é#.bin" || received.Load() != int64(size) {
				t.Errorf("got version %d of %q, %d bytes; want version %d, %d bytes", f.VersionID, f.Path, received.Load(), up.VersionID, size)
			}
			if got, err := os.ReadFile(target); err != nil || !bytes.Equal(got, content) {
				t.Errorf("the copy differs (%v)", err)
			}
			if got := s.download(t, client.ID(up.FileID)); !bytes.Equal(got, content) {
				t.Error("the stream differs")
			}
			onlyFile(t, filepath.Dir(target))
		})
	}
}

// onlyFile checks that a download has left nothing beside its target.
func onlyFile(t *testing.T, dir string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Errorf("the folder has %v (%v), want one file", list, err)
	}
}

// TestBrokenConnections breaks connections in the middle of bodies, both ways.
func TestBrokenConnections(t *testing.T) {
	s := start(t)
	content := random(2, 40*block)
	name := writeFile(t, content)
	s.faults.arm(3, 2*block, 0)
	up, err := s.files.UploadFile(within(t, time.Minute), client.Path("x.bin"), name, client.UploadOptions{BlockSize: 4 * block})
	if err != nil {
		t.Fatal(err)
	}
	if left := s.faults.breaks.Load(); left > 0 {
		t.Fatalf("%d connections were not broken", left)
	}
	s.faults.arm(3, 0, 2*block)
	target := filepath.Join(t.TempDir(), "copy")
	if _, err := s.files.DownloadFile(within(t, time.Minute), client.ID(up.FileID), target, client.DownloadOptions{PieceSize: 8 * block}); err != nil {
		t.Fatal(err)
	}
	if left := s.faults.breaks.Load(); left > 0 {
		t.Fatalf("%d connections were not broken", left)
	}
	if got, err := os.ReadFile(target); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the copy differs (%v)", err)
	}
	s.faults.arm(2, 0, 2*block)
	if got := s.download(t, client.ID(up.FileID)); !bytes.Equal(got, content) {
		t.Error("the stream differs")
	}
}

// TestUploadResumes interrupts an upload; the next one sends only the rest,
// into the same version.
func TestUploadResumes(t *testing.T) {
	s := start(t)
	content := random(3, 40*block)
	name, journal := writeFile(t, content), t.TempDir()
	options := client.UploadOptions{BlockSize: block, Journal: journal}

	interrupted := interrupt(t, &options, 20*block, func(ctx context.Context) error {
		_, err := s.files.UploadFile(ctx, client.Path("x.bin"), name, options)
		return err
	})
	if !errors.Is(interrupted, context.Canceled) {
		t.Fatalf("the upload ended with %v", interrupted)
	}
	if _, err := s.files.Get(t.Context(), client.Path("x.bin"), client.GetOptions{}); !errors.Is(err, coreshed.NotFound) {
		t.Fatalf("half a file can be seen: %v", err)
	}
	before := s.faults.sent.Load()
	options.Progress = nil
	up, err := s.files.UploadFile(t.Context(), client.Path("x.bin"), name, options)
	if err != nil {
		t.Fatal(err)
	}
	if up.Resumed < 10*block || up.Resumed >= int64(len(content)) {
		t.Errorf("resumed %d of %d bytes", up.Resumed, len(content))
	}
	if sent, most := s.faults.sent.Load()-before, int64(len(content))-up.Resumed+64<<10; sent > most {
		t.Errorf("sent %d bytes again, want at most %d", sent, most)
	}
	if !bytes.Equal(s.download(t, client.ID(up.FileID)), content) {
		t.Error("the file differs")
	}
	empty(t, journal)
}

// interrupt cancels what do does when it has made so much progress.
func interrupt(t *testing.T, o *client.UploadOptions, after int64, do func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var sent atomic.Int64
	o.Progress = func(n int64) {
		if sent.Add(n) > after {
			cancel()
		}
	}
	return do(ctx)
}

func empty(t *testing.T, dir string) {
	t.Helper()
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("%s is not empty: %v (%v)", dir, list, err)
	}
}

// TestStaleJournals makes sure that what was noted is not taken for more than
// it says.
func TestStaleJournals(t *testing.T) {
	s := start(t)
	tests := map[string]func(t *testing.T, f client.Ref, name, journal string) []byte{
		"the local file has changed": func(t *testing.T, _ client.Ref, name, _ string) []byte {
			content := random(5, 40*block)
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
			return content
		},
		"the reservation is gone": func(t *testing.T, f client.Ref, name, _ string) []byte {
			if err := s.files.Delete(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			return must(os.ReadFile(name))(t)
		},
		"the journal is damaged": func(t *testing.T, _ client.Ref, name, journal string) []byte {
			for _, entry := range must(os.ReadDir(journal))(t) {
				if err := os.WriteFile(filepath.Join(journal, entry.Name()), []byte("{\"size\": 1e99}\n\x00\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			return must(os.ReadFile(name))(t)
		},
	}
	for what, change := range tests {
		t.Run(what, func(t *testing.T) {
			path := client.Path(what)
			// A version is there before, so that deleting the file takes the
			// reservation with it.
			if _, err := s.files.Upload(t.Context(), path, bytes.NewReader([]byte("old")), 3, client.UploadOptions{}); err != nil {
				t.Fatal(err)
			}
			name, journal := writeFile(t, random(4, 40*block)), t.TempDir()
			options := client.UploadOptions{BlockSize: block, Journal: journal}
			if err := interrupt(t, &options, 20*block, func(ctx context.Context) error {
				_, err := s.files.UploadFile(ctx, path, name, options)
				return err
			}); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			want := change(t, path, name, journal)
			options.Progress = nil
			up, err := s.files.UploadFile(t.Context(), path, name, options)
			if err != nil {
				t.Fatal(err)
			}
			if up.Resumed != 0 {
				t.Errorf("resumed %d bytes", up.Resumed)
			}
			if !bytes.Equal(s.download(t, client.ID(up.FileID)), want) {
				t.Error("the file differs")
			}
			empty(t, journal)
		})
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestCommitAnswerLost repeats an upload whose commit arrived and whose answer
// did not: the version is there once.
func TestCommitAnswerLost(t *testing.T) {
	s := start(t)
	content := random(6, 4*block)
	name, journal := writeFile(t, content), t.TempDir()
	options := client.UploadOptions{BlockSize: block, Journal: journal}
	// A second link keeps the journal as it lies there between the commit and
	// its removal.
	kept := filepath.Join(t.TempDir(), "kept")
	var once sync.Once
	var journalName string
	options.Progress = func(int64) {
		once.Do(func() {
			found, err := filepath.Glob(filepath.Join(journal, "*.journal"))
			if err != nil || len(found) != 1 || os.Link(found[0], kept) != nil {
				t.Errorf("no journal to keep: %v, %v", found, err)
			}
			journalName = found[0]
		})
	}
	first, err := s.files.UploadFile(t.Context(), client.Path("x.bin"), name, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(kept, journalName); err != nil {
		t.Fatal(err)
	}
	again, err := s.files.UploadFile(t.Context(), client.Path("x.bin"), name, options)
	if err != nil {
		t.Fatal(err)
	}
	if again.VersionID != first.VersionID || again.Resumed != int64(len(content)) {
		t.Errorf("made %+v after %+v", again, first)
	}
	empty(t, journal)
}

// TestFileChangesMeanwhile refuses to make a version of what never was a file.
func TestFileChangesMeanwhile(t *testing.T) {
	s := start(t)
	name := writeFile(t, random(7, 20*block))
	var once atomic.Bool
	_, err := s.files.UploadFile(t.Context(), client.Path("x.bin"), name, client.UploadOptions{
		BlockSize: block,
		Progress: func(int64) {
			if once.CompareAndSwap(false, true) {
				if f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0); err == nil {
					f.WriteString("more")
					f.Close()
				}
			}
		},
	})
	if err == nil {
		t.Fatal("a file that changed was uploaded")
	}
	if _, err := s.files.Get(t.Context(), client.Path("x.bin"), client.GetOptions{}); !errors.Is(err, coreshed.NotFound) {
		t.Errorf("there is a version: %v", err)
	}
}

// TestDownloadResumes interrupts a download; the next one asks for the rest.
func TestDownloadResumes(t *testing.T) {
	s := start(t)
	content := random(8, 40*block)
	if _, err := s.files.Upload(t.Context(), client.Path("x.bin"), bytes.NewReader(content), int64(len(content)), client.UploadOptions{}); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(target, []byte("the old one"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var received atomic.Int64
	_, err := s.files.DownloadFile(ctx, client.Path("x.bin"), target, client.DownloadOptions{PieceSize: block, Progress: func(n int64) {
		if received.Add(n) > 20*block {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := must(os.ReadFile(target))(t); string(got) != "the old one" {
		t.Fatal("a download that did not end has changed its target")
	}
	before := s.faults.received.Load()
	if _, err := s.files.DownloadFile(t.Context(), client.Path("x.bin"), target, client.DownloadOptions{PieceSize: block}); err != nil {
		t.Fatal(err)
	}
	if got := s.faults.received.Load() - before; got > 32*block {
		t.Errorf("received %d bytes again", got)
	}
	if !bytes.Equal(must(os.ReadFile(target))(t), content) {
		t.Error("the copy differs")
	}
	onlyFile(t, filepath.Dir(target))
}
