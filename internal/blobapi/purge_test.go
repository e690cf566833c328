package blobapi_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blobapi"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// purge removes a version as another server would that has the same stores.
func (p *plane) purge(t *testing.T, version int64) {
	t.Helper()
	view, err := p.db.View(t.Context(), p.access.Actor, p.access.Workspace.OrgID)
	if err != nil {
		t.Fatal(err)
	}
	planned, err := p.db.PlanPurge(t.Context(), view, store.NewPurge{Versions: []int64{version}, Scope: coreshed.PurgeLineage})
	if err != nil {
		t.Fatal(err)
	}
	if planned, err = p.db.ExecutePurge(t.Context(), view, planned.UUID, planned.Fingerprint); err != nil {
		t.Fatal(err)
	}
	l := store.Lease{Name: "purge", Holder: "another"}
	if _, err := p.db.Lease(t.Context(), l.Name, l.Holder, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := catalog.New(catalog.Config{DB: p.db, Blobs: p.blobs}).Purge(t.Context(), l, planned.ID); err != nil {
		t.Fatal(err)
	}
}

// TestDownloadOfPurged: what is purged while it is read is not read to its end,
// though its file is open; what is not, is.
func TestDownloadOfPurged(t *testing.T) {
	for name, start := range map[string]func(testing.TB, blobapi.Config) *plane{"disk": onDisk, "memory": inMemory} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, blobapi.Config{})
			data := some(32 << 20)
			read := func(path string) (io.ReadCloser, int64) {
				b := p.uploaded(t, path, data)
				w := p.dial(t)
				if err := w.SetReadBuffer(64 << 10); err != nil {
					t.Fatal(err)
				}
				w.head(t, "GET", p.down(t, b))
				body := w.answer(t).Body
				if _, err := io.CopyN(io.Discard, body, 1<<20); err != nil {
					t.Fatal(err)
				}
				return body, p.slot(t, b).Version.ID
			}
			kept, _ := read("kept.bin")
			sold, version := read("sold.bin")
			p.purge(t, version)
			time.Sleep(2100 * time.Millisecond)
			if n, err := io.Copy(io.Discard, sold); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%d bytes more of what is purged, %v", n, err)
			}
			if n, err := io.Copy(io.Discard, kept); err != nil || n != 31<<20 {
				t.Errorf("%d bytes more of what is kept, %v", n, err)
			}
		})
	}
}
