package client

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

var sample = note{
	Source: "/tmp/x", Target: "http://hub/x", Stamp: "1 2 3", Size: 1000, Piece: 64,
	FileID: uuid.MustParse("13771ee0-c399-4b52-8ccb-ed3a114dcc0d"), VersionID: 1701303755570785597,
}

func reopen(t *testing.T, path string, n note) *journal {
	t.Helper()
	j, err := openJournal(path, n)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", sample.key())
	asked := sample
	asked.FileID, asked.VersionID = uuid.Nil, 0

	j := reopen(t, path, asked)
	if err := j.begin(slot{FileID: sample.FileID, VersionID: sample.VersionID}); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int64{0, 3, 15} {
		if err := j.add(i); err != nil {
			t.Fatal(err)
		}
	}
	if second := reopen(t, path, asked); second.lock != nil || second.note.VersionID != 0 {
		t.Error("two use one journal")
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	// A crash in the middle of a line, which must not become a number.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("1")
	f.Close()

	j = reopen(t, path, asked)
	if err := j.add(4); err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	j = reopen(t, path, asked)
	if diff := cmp.Diff(sample, j.note); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[int64]bool{0: true, 3: true, 4: true, 15: true}, j.done); diff != "" {
		t.Error(diff)
	}
	if got, want := j.bytes(), int64(3*64+1000%64); got != want {
		t.Errorf("%d bytes have arrived, want %d", got, want)
	}
	if j.complete() {
		t.Error("4 of 16 pieces are all")
	}
	if err := j.remove(); err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	changed := asked
	changed.Stamp = "another"
	if j = reopen(t, path, changed); j.note.VersionID != 0 || len(j.done) != 0 {
		t.Errorf("a changed file has %+v", j)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
}

func FuzzJournal(f *testing.F) {
	line, err := json.Marshal(sample)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(line) + "\n0.\n7.\n15.\n")
	f.Add(string(line) + "\n1\n16.\n-1.\n99999999999999999999.\n\n.\n")
	f.Add(`{"size":9223372036854775807,"piece":1,"version_id":"1"}` + "\n9223372036854775806.\n")
	f.Add(`{"size":-1,"piece":0,"version_id":"x"}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		n, done, err := readJournal(strings.NewReader(text))
		if err != nil {
			return
		}
		for i := range done {
			if i < 0 || i >= n.pieces() || i*n.Piece >= n.Size {
				t.Errorf("piece %d of %d bytes in pieces of %d", i, n.Size, n.Piece)
			}
		}
		// What is read is what would be written.
		again, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		m, same, err := readJournal(strings.NewReader(string(again) + text[strings.IndexByte(text+"\n", '\n'):]))
		if err != nil || m != n || !maps.Equal(done, same) {
			t.Errorf("read %+v %v, then %+v %v (%v)", n, done, m, same, err)
		}
	})
}
