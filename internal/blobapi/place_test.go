package blobapi_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/internal/blobapi"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
)

// placed registers a file of the workspace's folder.
func (p *plane) placed(t *testing.T, name string, data []byte) signedurl.Blob {
	t.Helper()
	before, err := p.db.StorageOf(t.Context(), p.access.Workspace.ID)
	if err != nil {
		t.Fatal(err)
	}
	after, err := p.catalog.Configure(t.Context(), fmt.Appendf(nil, `{"broker": {"type": "host", "host_path": %q}}`, p.folder), before)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.db.SetStorage(t.Context(), p.access, after); err != nil {
		t.Fatal(err)
	}
	p.write(t, name, data)
	info, err := os.Stat(filepath.Join(p.folder, name))
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.db.AddInPlace(t.Context(), p.access, store.Place{Path: name, Size: info.Size(), Modified: info.ModTime()})
	if err != nil {
		t.Fatal(err)
	}
	return signedurl.Blob{Workspace: p.access.Workspace.UUID, File: r.File, VersionID: r.VersionID}
}

func (p *plane) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.folder, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestInPlace(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		data := some(200_000)
		b := p.placed(t, "grid.tif", data)
		r := p.wantContent(t, b, data)
		if got := r.Header.Get("Content-Type"); got != "image/tiff" {
			t.Errorf("Content-Type %q", got)
		}
		part := p.want(t, 206, "", p.get(t, p.down(t, b), "Range: bytes=100000-100009"))
		if !bytes.Equal(part.body, data[100_000:100_010]) {
			t.Errorf("a range has %q", part.body)
		}
		p.want(t, 304, "ConditionNotMet", p.get(t, p.down(t, b), "If-None-Match: "+r.Header.Get("Etag")))
		head := p.want(t, 200, "", p.do(t, http.MethodHead, p.down(t, b), nil))
		if head.ContentLength != 200_000 {
			t.Errorf("HEAD says %d bytes", head.ContentLength)
		}
	})
}

// TestInPlaceChanged never serves other bytes, nor what HEAD could promise.
func TestInPlaceChanged(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		onEach(t, func(t *testing.T, p *plane) {
			b := p.placed(t, "grid.tif", some(100))
			p.write(t, "grid.tif", some(101))
			p.want(t, 404, "BlobNotFound", p.do(t, method, p.down(t, b), nil))
			if strings.Contains(p.log.String(), "grid.tif") {
				t.Errorf("the log names the file:\n%s", p.log)
			}
		})
	}
}

// TestInPlaceAway asks to come back while the folder is not there.
func TestInPlaceAway(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	data := some(100)
	b := p.placed(t, "grid.tif", data)
	away := p.folder + ".away"
	if err := os.Rename(p.folder, away); err != nil {
		t.Fatal(err)
	}
	p.want(t, 503, "ServerBusy", p.get(t, p.down(t, b)))
	if err := os.Rename(away, p.folder); err != nil {
		t.Fatal(err)
	}
	p.wantContent(t, b, data)
}

// TestInPlaceDeleted serves a deleted file to nobody, nor those of a deleted
// workspace.
func TestInPlaceDeleted(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	data := some(100)
	b := p.placed(t, "grid.tif", data)
	if err := p.db.DeleteFile(t.Context(), p.access, b.File); err != nil {
		t.Fatal(err)
	}
	p.want(t, 404, "BlobNotFound", p.get(t, p.down(t, b)))
	if _, err := p.db.RestoreFile(t.Context(), p.access, b.File); err != nil {
		t.Fatal(err)
	}
	p.wantContent(t, b, data)
	if err := p.db.DeleteWorkspace(t.Context(), p.access); err != nil {
		t.Fatal(err)
	}
	p.want(t, 404, "BlobNotFound", p.get(t, p.down(t, b)))
}
