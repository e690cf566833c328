package broker_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/fsnames"
)

// conform runs what every broker promises on new, empty ones.
func conform(t *testing.T, empty func(t *testing.T) broker.Broker) {
	for name, test := range map[string]func(*testing.T, broker.Broker){
		"put and open": testPut, "put refuses": testPutRefuses, "ranges": testRanges,
		"list": testList, "list goes on": testListGoesOn, "names": testNames,
		"move": testMove, "delete": testDelete, "erase": testErase, "changed": testChanged,
	} {
		t.Run(name, func(t *testing.T) { test(t, empty(t)) })
	}
}

func put(t *testing.T, b broker.Broker, path, content string) broker.Object {
	t.Helper()
	o, err := b.Put(t.Context(), path, strings.NewReader(content), int64(len(content)), broker.PutOptions{Replace: true})
	if err != nil {
		t.Fatalf("Put %q: %v", path, err)
	}
	return o
}

func read(t *testing.T, b broker.Broker, path string) string {
	t.Helper()
	body, err := broker.ReadAll(t.Context(), b, path, 1<<30)
	if err != nil {
		t.Fatalf("read %q: %v", path, err)
	}
	return string(body)
}

func list(t *testing.T, b broker.Broker, l broker.Listing) []string {
	t.Helper()
	paths := []string{}
	if err := b.List(t.Context(), l, func(o broker.Object) error {
		paths = append(paths, o.Path)
		return nil
	}); err != nil {
		t.Fatalf("List %+v: %v", l, err)
	}
	return paths
}

func testPut(t *testing.T, b broker.Broker) {
	put(t, b, "other", "so that it is not empty")
	want := put(t, b, "a/b/hole.las", "depth")
	if want.Path != "a/b/hole.las" || want.Size != 5 || want.Modified.IsZero() {
		t.Errorf("Put = %+v", want)
	}
	f, err := b.Open(t.Context(), "a/b/hole.las")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !f.Object().Same(want) {
		t.Errorf("Open found %+v, Put made %+v", f.Object(), want)
	}
	if err := f.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
	if got := read(t, b, "a/b/hole.las"); got != "depth" {
		t.Errorf("it reads %q", got)
	}
	if _, err := b.Open(t.Context(), "a/absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of an absent one = %v, want fs.ErrNotExist", err)
	}
}

func testPutRefuses(t *testing.T, b broker.Broker) {
	put(t, b, "hole.las", "first")
	_, err := b.Put(t.Context(), "hole.las", strings.NewReader("other"), 5, broker.PutOptions{})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("Put over another = %v, want fs.ErrExist", err)
	}
	if _, err := b.Put(t.Context(), "short", strings.NewReader("12"), 3, broker.PutOptions{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Put of a short body = %v, want io.ErrUnexpectedEOF", err)
	}
	broken := errors.New("the line was cut")
	if _, err := b.Put(t.Context(), "broken", io.MultiReader(strings.NewReader("12"), failing{broken}), 3, broker.PutOptions{}); !errors.Is(err, broken) {
		t.Errorf("Put of a broken body = %v, want %v", err, broken)
	}
	if diff := cmp.Diff([]string{"hole.las"}, list(t, b, broker.Listing{Recursive: true})); diff != "" {
		t.Errorf("what is there (-want +got):\n%s", diff)
	}
	if got := read(t, b, "hole.las"); got != "first" {
		t.Errorf("it reads %q", got)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func testRanges(t *testing.T, b broker.Broker) {
	content := make([]byte, 100_000)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	put(t, b, "grid.tif", string(content))
	f, err := b.Open(t.Context(), "grid.tif")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, r := range [][2]int64{{0, 1}, {99_999, 1}, {40_000, 20_000}, {0, 100_000}, {5, 0}, {100_000, 0}} {
		body, err := f.Range(t.Context(), r[0], r[1])
		if err != nil {
			t.Fatalf("Range %v: %v", r, err)
		}
		var got bytes.Buffer
		if _, err := io.Copy(&got, body); err != nil {
			t.Errorf("read %v: %v", r, err)
		}
		body.Close()
		if !bytes.Equal(got.Bytes(), content[r[0]:r[0]+r[1]]) {
			t.Errorf("range %v reads %d other bytes", r, got.Len())
		}
	}
	if _, err := f.Range(t.Context(), 99_999, 2); err == nil {
		t.Error("a range beyond the end is read")
	}
}

var tree = []string{"a-b", "a/x", "a/y/z", "a0", "b", "ba/c"}

func testList(t *testing.T, b broker.Broker) {
	for _, path := range tree {
		put(t, b, path, path)
	}
	for _, tt := range []struct {
		l    broker.Listing
		want []string
	}{
		{broker.Listing{Recursive: true}, tree},
		{broker.Listing{}, []string{"a-b", "a0", "b"}},
		{broker.Listing{Prefix: "a/"}, []string{"a/x"}},
		{broker.Listing{Prefix: "a/", Recursive: true}, []string{"a/x", "a/y/z"}},
		{broker.Listing{Prefix: "a", Recursive: true}, []string{"a-b", "a/x", "a/y/z", "a0"}},
		{broker.Listing{Prefix: "a"}, []string{"a-b", "a0"}},
		{broker.Listing{Prefix: "a/y/z", Recursive: true}, []string{"a/y/z"}},
		{broker.Listing{Prefix: "none/at/all", Recursive: true}, []string{}},
	} {
		if diff := cmp.Diff(tt.want, list(t, b, tt.l)); diff != "" {
			t.Errorf("List %+v (-want +got):\n%s", tt.l, diff)
		}
	}
	enough := errors.New("enough")
	if err := b.List(t.Context(), broker.Listing{}, func(broker.Object) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("List with an error of fn = %v", err)
	}
}

// testListGoesOn goes on from each object, and from what has gone.
func testListGoesOn(t *testing.T, b broker.Broker) {
	for _, path := range tree {
		put(t, b, path, path)
	}
	for _, after := range append(slices.Clone(tree), "a", "a/", "a/y", "a/y/", "a/y/a", "az", "c") {
		var want = []string{}
		for _, path := range tree {
			if path > after {
				want = append(want, path)
			}
		}
		if diff := cmp.Diff(want, list(t, b, broker.Listing{After: after, Recursive: true})); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", after, diff)
		}
	}
}

// testNames keeps names that are awkward, as far as the file system does.
func testNames(t *testing.T, b broker.Broker) {
	names := fsnames.Kept(t, "A.las", "a.las", "new\nline.las", "percent%41+ plus.las", "Bohrung Süd/Kern 1.las", `quote"&<>.las`)
	for _, name := range names {
		put(t, b, name, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, list(t, b, broker.Listing{Recursive: true})); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, name := range names {
		if got := read(t, b, name); got != name {
			t.Errorf("%q reads %q", name, got)
		}
	}
}

func testMove(t *testing.T, b broker.Broker) {
	put(t, b, "in/hole.las", "depth")
	put(t, b, "taken.las", "other")
	moved, err := b.Move(t.Context(), "in/hole.las", "done/2026/hole.las")
	if err != nil {
		t.Fatal(err)
	}
	if moved.Path != "done/2026/hole.las" || moved.Size != 5 {
		t.Errorf("Move = %+v", moved)
	}
	if _, err := b.Move(t.Context(), "done/2026/hole.las", "taken.las"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Move onto another = %v, want fs.ErrExist", err)
	}
	if _, err := b.Move(t.Context(), "absent", "there"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Move of an absent one = %v, want fs.ErrNotExist", err)
	}
	if diff := cmp.Diff([]string{"done/2026/hole.las", "taken.las"}, list(t, b, broker.Listing{Recursive: true})); diff != "" {
		t.Errorf("what is there (-want +got):\n%s", diff)
	}
	if got := read(t, b, "done/2026/hole.las") + read(t, b, "taken.las"); got != "depthother" {
		t.Errorf("they read %q", got)
	}
}

func testDelete(t *testing.T, b broker.Broker) {
	put(t, b, "a/hole.las", "depth")
	put(t, b, "b", "other")
	for range 2 {
		if err := b.Delete(t.Context(), "a/hole.las"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(t.Context(), "no/such/folder"); err != nil {
		t.Errorf("Delete of an absent one = %v", err)
	}
	if diff := cmp.Diff([]string{"b"}, list(t, b, broker.Listing{Recursive: true})); diff != "" {
		t.Errorf("what is there (-want +got):\n%s", diff)
	}
}

// testChanged replaces an object while it is open: it reads as what it was, or
// not at all.
func testErase(t *testing.T, b broker.Broker) {
	put(t, b, "other", "so that it is not empty")
	was := put(t, b, "a/hole.las", "depth")
	put(t, b, "a/hole.las", "another")
	if err := b.Erase(t.Context(), was); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b, "a/hole.las"); got != "another" {
		t.Errorf("what another has put there reads %q", got)
	}
	now := put(t, b, "a/hole.las", "depth")
	for range 2 { // it may be gone already
		if err := b.Erase(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"other"}, list(t, b, broker.Listing{Recursive: true})); diff != "" {
			t.Errorf("what is there (-want +got):\n%s", diff)
		}
	}
}

func testChanged(t *testing.T, b broker.Broker) {
	was := put(t, b, "hole.las", "depth")
	f, err := b.Open(t.Context(), "hole.las")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	now := put(t, b, "hole.las", "DEPTHS")
	if now.Same(was) {
		t.Errorf("%+v is the same as %+v", now, was)
	}
	r, err := f.Range(t.Context(), 0, 5)
	if err == nil {
		defer r.Close()
		var body []byte
		if body, err = io.ReadAll(r); err == nil {
			if string(body) != "depth" {
				t.Errorf("it reads %q", body)
			}
			return
		}
	}
	if !errors.Is(err, broker.ErrChanged) {
		t.Errorf("reading what has changed = %v, want ErrChanged", err)
	}
}
