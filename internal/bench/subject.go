package bench

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// subject is one of the servers whose blob plane is measured.
type subject struct {
	name      string
	process   *process
	uploads   func(ctx context.Context, names ...string) ([]string, error) // nil when it takes none
	downloads func(ctx context.Context, names ...string) ([]string, error)
}

// startSubjects starts all that are to be compared. nginx serves what the
// limit server has written.
func (b Blobs) startSubjects(ctx context.Context, dir string) ([]subject, error) {
	limit, folder, err := b.startLimit(ctx, dir)
	if err != nil {
		return nil, err
	}
	subjects := []subject{limit}
	if program := findNginx(); program != "" {
		p, address, err := startNginx(ctx, program, dir, folder)
		if err != nil {
			return subjects, err
		}
		subjects = append(subjects, subject{name: nginxName, process: p, downloads: plainURLs(address)})
	}
	s, err := startShed(ctx, b.Binary, dir, filepath.Join(dir, "data"))
	if err != nil {
		return subjects, err
	}
	return append(subjects, subject{name: shedName, process: s.process, uploads: s.uploads, downloads: s.downloads}), nil
}

func (b Blobs) startLimit(ctx context.Context, dir string) (subject, string, error) {
	folder := filepath.Join(dir, limitName)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return subject{}, "", fmt.Errorf("make folder: %w", err)
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return subject{}, "", err
	}
	p, err := start(ctx, dir, b.Binary, "bench", "limit", "--dir", folder, "--listen", address)
	if err != nil {
		return subject{}, "", err
	}
	origin := "http://" + address
	urls := plainURLs(origin)
	return subject{name: limitName, process: p, uploads: urls, downloads: urls}, folder, p.ready(ctx, origin)
}

// plainURLs needs no one's leave. The query makes room for more parameters.
func plainURLs(origin string) func(context.Context, ...string) ([]string, error) {
	return func(_ context.Context, names ...string) ([]string, error) {
		urls := make([]string, len(names))
		for i, name := range names {
			urls[i] = origin + "/" + url.PathEscape(strings.ReplaceAll(name, "/", "-")) + "?sig=none"
		}
		return urls, nil
	}
}

func stopAll(subjects []subject) {
	for _, s := range subjects {
		s.process.stop()
	}
}
