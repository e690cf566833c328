package catalog

import (
	"context"
	"errors"

	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/geo"
	"github.com/coreshed/coreshed/internal/ingest"
)

// sidecar reads the metadata document beside the file. One that cannot be used
// does not keep the file from being taken: the remark says why.
func (a *arrival) sidecar(ctx context.Context) (d *geo.Document, remark string) {
	text, err := broker.ReadAll(ctx, a.from, a.work.Path+ingest.SidecarSuffix, geo.MaxDocument)
	if broker.Absent(err) || errors.Is(err, broker.ErrUnavailable) {
		return nil, ""
	}
	if err == nil {
		var read geo.Document
		if read, err = geo.Read(text); err == nil {
			return &read, ""
		}
	}
	return nil, "The metadata document beside the file was not taken: " + reasonOf(err)
}
