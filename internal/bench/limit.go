package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// LimitServer is the practical limit for a durable blob server in Go: a body
// goes through SHA-256 into a temporary file, the file is synced, renamed, and
// its folder synced; a download is the standard library's file server. It
// checks no permission, keeps no metadata, and its block list does nothing.
type LimitServer struct {
	Dir string
}

// Serve answers at the address until ctx ends.
func (l LimitServer) Serve(ctx context.Context, address string) error {
	s := &http.Server{Addr: address, Handler: l, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the limit: %w", err)
	}
	return nil
}

// ServeHTTP implements http.Handler. Names are single segments.
func (l LimitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := filepath.Join(l.Dir, filepath.Base(r.URL.Path))
	if r.Method != http.MethodPut {
		http.ServeFile(w, r, name)
		return
	}
	q := r.URL.Query()
	if block := q.Get("blockid"); block != "" {
		name += "." + hex.EncodeToString([]byte(block))
	}
	if q.Get("comp") != "blocklist" {
		if err := l.put(name, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.WriteHeader(http.StatusCreated)
}

func (l LimitServer) put(name string, body io.Reader) error {
	temp := name + ".tmp"
	f, err := os.Create(temp)
	if err != nil {
		return err
	}
	// A writer without ReadFrom, or the buffer would not be used.
	to := struct{ io.Writer }{io.MultiWriter(f, sha256.New())}
	_, err = io.CopyBuffer(to, body, make([]byte, 256<<10))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	return syncFolder(l.Dir)
}

// syncFolder makes renames durable. Windows has no such thing.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
