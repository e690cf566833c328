package catalog

import (
	"context"
	"errors"
	"io/fs"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/geo"
	"github.com/coreshed/coreshed/internal/ingest"
)

const notTaken = "The metadata document beside the file was not taken: "

// sidecar is the metadata document beside a file. It goes where the file goes,
// and before it: what is left would describe the next file of that name.
type sidecar struct {
	in       broker.Broker
	path     string // "" when there is none
	document *geo.Document
	remark   string // why it cannot be used, which does not keep the file from being taken
}

func beside(file string) string { return file + ingest.SidecarSuffix }

// readSidecar reads what is beside a file.
func readSidecar(ctx context.Context, in broker.Broker, file string) sidecar {
	text, err := broker.ReadAll(ctx, in, beside(file), geo.MaxDocument)
	if broker.Absent(err) || errors.Is(err, broker.ErrUnavailable) {
		return sidecar{}
	}
	s := sidecar{in: in, path: beside(file)}
	if err == nil {
		var read geo.Document
		if read, err = geo.Read(text); err == nil {
			s.document = &read
			return s
		}
	}
	s.remark = notTaken + reasonOf(err)
	return s
}

// sidecarOf reads the document beside a file that is an entry, and lies there.
// Where it was found, another file of its name may have arrived by now, with
// another document.
func (a *arrival) sidecarOf(ctx context.Context, lies string) (sidecar, error) {
	if a.to != nil {
		if s := readSidecar(ctx, a.to, lies); s.path != "" {
			return s, nil
		}
	}
	if a.work.NewWorkspace == 0 {
		if a.moves() {
			return readSidecar(ctx, a.from, a.work.NewPath), nil
		}
		return readSidecar(ctx, a.from, a.work.Path), nil
	}
	if there, err := a.originalThere(ctx); err != nil || !there {
		return sidecar{}, ignoreNothing(err)
	}
	return readSidecar(ctx, a.from, a.work.Path), nil
}

// sendAhead moves the document to where the file is about to be moved.
func (a *arrival) sendAhead(ctx context.Context) error {
	_, err := a.from.Move(ctx, beside(a.object.Path), beside(a.work.NewPath))
	return ignoreNothing(err)
}

// bring lets a document that was read follow its file, which lies there: moved
// within a folder, copied into another. Beside what went into Coreshed's own
// store, one that was taken is not needed any more.
func (a *arrival) bring(ctx context.Context, s sidecar, lies string) error {
	switch {
	case s.path == "" || (s.in == a.to && s.path == beside(lies)):
		return nil
	case s.in == a.to:
		_, err := s.in.Move(ctx, s.path, beside(lies))
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return ignoreNothing(err)
	case a.to != nil:
		if err := copyDocument(ctx, s, a.to, beside(lies)); err != nil {
			return err
		}
	case s.remark != "":
		return nil
	}
	if a.removes() {
		return s.in.Delete(ctx, s.path)
	}
	return nil
}

// copyDocument copies a document, unless something is there.
func copyDocument(ctx context.Context, s sidecar, to broker.Broker, path string) error {
	f, err := s.in.Open(ctx, s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	size := f.Object().Size
	body, err := f.Range(ctx, 0, size)
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = to.Put(ctx, path, body, size, broker.PutOptions{MediaType: coreshed.MediaType(path)})
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// ignoreNothing is no error when there was nothing to move.
func ignoreNothing(err error) error {
	if broker.Absent(err) || errors.Is(err, broker.ErrUnavailable) {
		return nil
	}
	return err
}
