package server

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/web"
)

// Static is a folder that is served to everybody under a path, such as a web
// page that uses the API from the same origin.
type Static struct {
	Path string // "/" or "/ui"
	Dir  string
}

// site is an open Static. Files are opened below its root alone, whatever links
// there say.
type site struct {
	prefix string // with slashes at both ends
	root   *os.Root
}

type sites []site

// reserved are the first segments of paths that are never a site's.
var reserved = []string{
	"file", "workspace", "evo", "coreshed", "v6", "v7", "connect", ".well-known", "api", "healthz", "readyz", "metrics",
}

// openSites opens the folders. None may hold the data folder, or lie in it.
func openSites(list []Static, data string) (sites, error) {
	var s sites
	for _, static := range list {
		one, err := openSite(static, data)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("static %s=%s: %w", static.Path, static.Dir, err), s.close())
		}
		s = append(s, one)
	}
	// The longest first, so that one may lie under another.
	slices.SortFunc(s, func(a, b site) int { return cmp.Compare(len(b.prefix), len(a.prefix)) })
	return s, nil
}

func openSite(static Static, data string) (site, error) {
	prefix := path.Clean("/" + static.Path)
	first, _, _ := strings.Cut(strings.TrimPrefix(prefix, "/"), "/")
	if !strings.HasPrefix(static.Path, "/") {
		return site{}, errors.New("the path must begin with a slash")
	}
	if _, err := web.ParseID(first); err == nil || slices.Contains(reserved, first) {
		return site{}, errors.New("the path is one of the API's")
	}
	if err := broker.CheckRoot(static.Dir, data); err != nil {
		return site{}, err
	}
	root, err := os.OpenRoot(static.Dir)
	return site{strings.TrimSuffix(prefix, "/") + "/", root}, err
}

func (s sites) close() error {
	var errs []error
	for _, one := range s {
		errs = append(errs, one.root.Close())
	}
	return errors.Join(errs...)
}

// serve serves a path that is a site's; false when it is none's.
func (s sites) serve(w http.ResponseWriter, r *http.Request) bool {
	for _, one := range s {
		if r.URL.Path+"/" == one.prefix {
			web.Note(r, "static")
			http.Redirect(w, r, one.prefix, http.StatusMovedPermanently)
			return true
		}
		if name, ok := strings.CutPrefix(r.URL.Path, one.prefix); ok {
			web.Note(r, "static")
			one.serve(w, r, name)
			return true
		}
	}
	return false
}

// serve sends a file. A page that is asked for and is not there is one of the
// single page's own, so that gets its index.
func (s site) serve(w http.ResponseWriter, r *http.Request, name string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		plain(w, http.StatusMethodNotAllowed, "Only GET and HEAD are allowed here.\n")
		return
	}
	if name == "" || strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	f, info, err := s.open(name)
	if err != nil && !hidden(name) && strings.Contains(r.Header.Get("Accept"), "text/html") {
		name = "index.html"
		f, info, err = s.open(name)
	}
	if err != nil {
		plain(w, http.StatusNotFound, "There is no such file.\n")
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Type", typeOf(name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// open opens a regular file that is not hidden.
func (s site) open(name string) (*os.File, fs.FileInfo, error) {
	if hidden(name) {
		return nil, nil, fs.ErrNotExist
	}
	// Before it is opened, since that waits where it is a pipe.
	info, err := s.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil, errors.Join(err, fs.ErrNotExist)
	}
	f, err := s.root.Open(name)
	return f, info, err
}

// hidden reports whether a path has a segment that begins with a dot, such as
// "..", or that is none of ours to read.
func hidden(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), func(s string) bool {
		return s == "" || strings.HasPrefix(s, ".") || strings.ContainsAny(s, "\\\x00:")
	})
}

// types are those that pages need, whatever the system's own tables say.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".map": "application/json", ".mjs": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm", ".webmanifest": "application/manifest+json",
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".ico": "image/x-icon", ".png": "image/png",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
}

func typeOf(name string) string {
	extension := strings.ToLower(path.Ext(name))
	return cmp.Or(types[extension], mime.TypeByExtension(extension), "application/octet-stream")
}
