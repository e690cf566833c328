package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// TestBlocks stages blocks in any order, some of them twice, commits any list
// of them and reads any ranges, and compares with byte slices.
func TestBlocks(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		rapid.Check(t, func(rt *rapid.T) {
			u := &upload{shed: s, at: s.reserve(rt), staged: map[string][]byte{}}
			for range rapid.IntRange(1, 8).Draw(rt, "blocks") {
				u.putBlock(rt)
			}
			u.wantStaged(rt)
			u.commit(rt)
			for range 4 {
				u.readRange(rt)
			}
			u.wantClosed(rt)
		})
	})
}

// upload is one upload and what should come of it.
type upload struct {
	*shed
	at     catalog.Target
	staged map[string][]byte
	ids    []string // committed
	etag   string
	body   []byte
}

func (u *upload) putBlock(t *rapid.T) {
	id := fmt.Sprintf("block-%d", rapid.IntRange(0, 5).Draw(t, "id"))
	body := random(rapid.OneOf(rapid.IntRange(1, 4), rapid.IntRange(1, 5000)).Draw(t, "size"))
	u.stage(t, u.at, id, body)
	u.staged[id] = body
}

func (u *upload) wantStaged(t *rapid.T) {
	blocks, err := u.db.Blocks(context.Background(), u.slot(t, u.at).Upload)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, b := range blocks {
		got[b.ID] = b.Size
	}
	want := map[string]int64{}
	for id, body := range u.staged {
		want[id] = int64(len(body))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("staged blocks (-want +got):\n%s", diff)
	}
}

// commit lists up to 300 blocks, more than a Reader looks up at a time.
func (u *upload) commit(t *rapid.T) {
	var staged []string
	for id := range u.staged {
		staged = append(staged, id)
	}
	n := rapid.OneOf(rapid.IntRange(0, 6), rapid.IntRange(0, 6), rapid.IntRange(0, 40), rapid.IntRange(250, 300)).Draw(t, "listed")
	u.ids = rapid.SliceOfN(rapid.SampledFrom(staged), n, n).Draw(t, "list")
	for _, id := range u.ids {
		u.body = append(u.body, u.staged[id]...)
	}
	v := u.list(t, u.at, u.ids...)
	if v.Size != int64(len(u.body)) || v.ETag == "" {
		t.Fatalf("version %+v, want %d bytes", v, len(u.body))
	}
	u.etag = v.ETag
	blocks, err := u.db.CommittedBlocks(context.Background(), v.ID)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, b := range blocks {
		ids = append(ids, b.ID)
	}
	if diff := cmp.Diff(strings.Join(u.ids, " "), strings.Join(ids, " ")); diff != "" {
		t.Fatalf("committed blocks (-want +got):\n%s", diff)
	}
}

func (u *upload) readRange(t *rapid.T) {
	size := int64(len(u.body))
	offset := rapid.Int64Range(0, size).Draw(t, "offset")
	length := rapid.Int64Range(0, size-offset).Draw(t, "length")
	r, err := u.Open(context.Background(), u.slot(t, u.at), offset, length)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// A reader may be read for a while and then written out.
	var got bytes.Buffer
	if _, err := io.CopyN(&got, struct{ io.Reader }{r}, rapid.Int64Range(0, length).Draw(t, "read")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.WriteTo(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), u.body[offset:offset+length]) {
		t.Fatalf("range %d+%d has %d other bytes", offset, length, got.Len())
	}
}

// wantClosed repeats the commit, and tries what must not be possible after it.
func (u *upload) wantClosed(t *rapid.T) {
	if v := u.list(t, u.at, u.ids...); v.ETag != u.etag {
		t.Fatalf("a repeated commit has ETag %s, want %s", v.ETag, u.etag)
	}
	ctx := context.Background()
	if _, err := u.PutBlockList(ctx, u.at, append(u.ids, u.ids...), coreshed.BlobHeaders{}, []byte("other")); !errors.Is(err, store.ErrOtherCommit) {
		t.Fatalf("another commit = %v, want ErrOtherCommit", err)
	}
	if err := u.PutBlock(ctx, u.at, "block-0", strings.NewReader("x"), 1, catalog.Sums{}); !errors.Is(err, store.ErrOtherCommit) {
		t.Fatalf("PutBlock after the commit = %v, want ErrOtherCommit", err)
	}
	u.want(t, u.at, u.body)
}
