package api

import (
	"net/http"
	"sync"
)

// Handler serves the documents at /api/<name>, and at /api/ a page that lists
// their operations for reading. The page is made at the first request for it,
// so that a server's start does not wait for it.
func Handler() http.Handler {
	page := sync.OnceValues(render)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/{$}", func(w http.ResponseWriter, _ *http.Request) {
		html, err := page()
		if err != nil {
			// The documents are part of the program: only a broken build gets here.
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		send(w, "text/html; charset=utf-8", html)
	})
	mux.HandleFunc("GET /api/{name}", func(w http.ResponseWriter, r *http.Request) {
		data, err := FS.ReadFile(r.PathValue("name"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		send(w, "application/yaml", data)
	})
	return mux
}

func send(w http.ResponseWriter, contentType string, data []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// A client that went away is nobody's error.
	_, _ = w.Write(data)
}
