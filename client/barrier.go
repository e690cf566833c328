package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
)

// Barrier is a place in a folder or bucket at which purged bytes lay, and where
// the same are not taken again. The path is not known any more.
type Barrier struct {
	Number    int64         `json:"barrier"`
	Purge     coreshed.UUID `json:"purge"`
	Size      int64         `json:"size"`
	SHA256    string        `json:"sha256"` // hex; "" when it was not known
	CreatedAt time.Time     `json:"created_at"`
}

func (f *Files) barriers() string {
	return nativeWorkspace(f.workspace) + "/barriers"
}

// Barriers returns up to limit barriers of the workspace that are not lifted, the
// newest first, and how many there are: those at a path, or all for "".
func (f *Files) Barriers(ctx context.Context, path string, limit int64) ([]Barrier, int64, error) {
	q := url.Values{"limit": {strconv.FormatInt(limit, 10)}}
	if path != "" {
		q.Set("path", path)
	}
	var list struct {
		Total   int64     `json:"total"`
		Results []Barrier `json:"results"`
	}
	_, err := f.c.do(ctx, call{method: http.MethodGet, path: f.barriers(), query: q, want: []int{http.StatusOK}}, &list)
	return list.Results, list.Total, err
}

// LiftBarriers lets what was purged at a path be taken again, and returns how many
// barriers there were.
func (f *Files) LiftBarriers(ctx context.Context, path, reason string) (int64, error) {
	var lifted struct {
		Lifted int64 `json:"lifted"`
	}
	body := map[string]string{"path": path, "reason": reason}
	_, err := f.c.do(ctx, call{method: http.MethodPost, path: f.barriers() + "/lift", body: body, want: []int{http.StatusOK}}, &lifted)
	return lifted.Lifted, err
}
