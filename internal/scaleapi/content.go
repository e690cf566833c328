package scaleapi

import (
	"cmp"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// fileURL is where the bytes of a version are: under the workspace's own
// address when they lie in its folders, else here. It is null when they are
// nowhere.
func (q *request) fileURL(e coreshed.Entry) *string {
	if !e.State.Served() {
		return nil
	}
	text := q.url("/files/" + decimal(e.ID) + "/content/")
	if e.State == coreshed.InPlace && e.Workspace.BaseURL != "" && e.StoragePath != "" {
		path := url.URL{Path: "/" + strings.TrimPrefix(e.StoragePath, "/")}
		text = strings.TrimSuffix(e.Workspace.BaseURL, "/") + path.EscapedPath()
	}
	return &text
}

// patience is how long a download may go on without a byte.
const patience = time.Minute

// getContent sends the bytes of a version, or a range of them. Those of a
// deleted file are sent while they are kept.
func (a *api) getContent(w http.ResponseWriter, q *request) error {
	s, err := a.DB.CommittedEntry(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	v := s.Version
	if unchanged(q.Header, v.ETag) {
		w.Header().Set("Etag", v.ETag)
		return web.Empty(w, http.StatusNotModified)
	}
	offset, length, status := part(q.Header, v)
	if status == http.StatusRequestedRangeNotSatisfiable {
		w.Header().Set("Content-Range", "bytes */"+decimal(v.Size))
		return web.Refuse(status, "The range lies behind the end of the file.")
	}
	r, err := a.Catalog.Open(q.Context(), s, offset, length)
	if err != nil {
		return err
	}
	defer r.Close()
	describeContent(w.Header(), s)
	w.Header().Set("Content-Length", decimal(length))
	if status == http.StatusPartialContent {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, offset+length-1, v.Size))
	}
	w.WriteHeader(status)
	if q.Method == http.MethodHead {
		return nil
	}
	out := web.NewDownload(w, patience)
	out.While(r.Served)
	if _, err := io.Copy(out, r); err != nil {
		return err
	}
	return out.End()
}

// unchanged reports whether the caller has that version already.
func unchanged(h http.Header, etag string) bool {
	for tag := range strings.SplitSeq(strings.Join(h["If-None-Match"], ","), ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == "*" || tag == etag {
			return true
		}
	}
	return false
}

// part returns which bytes are wanted, and the status of the answer that has
// them. A range of another version (If-Range) is of no use to the caller.
func part(h http.Header, v coreshed.Version) (offset, length int64, status int) {
	first, last, ok := web.ParseRange(h.Get("Range"), v.Size)
	if tag := h.Get("If-Range"); !ok || tag != "" && tag != v.ETag {
		return 0, v.Size, http.StatusOK
	}
	if first >= v.Size {
		return 0, 0, http.StatusRequestedRangeNotSatisfiable
	}
	return first, min(last, v.Size-1) - first + 1, http.StatusPartialContent
}

// describeContent sets the headers of a download. Browsers get nothing that
// they would show or run: what is stored is whatever someone uploaded.
func describeContent(h http.Header, s store.Slot) {
	v := s.Version
	h.Set("Content-Type", cmp.Or(v.Headers.ContentType, coreshed.DefaultContentType))
	if v.Headers.ContentEncoding != "" {
		h.Set("Content-Encoding", v.Headers.ContentEncoding)
	}
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": s.Name}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Accept-Ranges", "bytes")
	h.Set("Etag", v.ETag)
	h.Set("Last-Modified", v.CreatedAt.UTC().Format(http.TimeFormat))
}
