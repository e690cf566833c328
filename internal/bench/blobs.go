package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// How the blob tests load a server.
const (
	blockSize    = 4 << 20
	blockClients = 8
	smallSize    = 4 << 10
	smallClients = 16
	manyClients  = 64 // transfers at once while memory is measured
)

// Blobs measures the blob plane: uploads and downloads on signed URLs.
type Blobs struct {
	Binary string // of Coreshed
	Dir    string // where the temporary folder goes; "" is the system's place
	Rounds int

	Size  int64 // of the large blob; a multiple of 4 MiB
	Small int   // how many blobs of 4 KiB

	CommitBlocks    int // in the block list whose commit is timed
	CommitBlockSize int64
	CommitRounds    int
	TransferSize    int64 // of each of the 64 transfers at once

	Log io.Writer // progress
}

// Run starts the servers, measures, and removes all that it wrote.
func (b Blobs) Run(ctx context.Context) (Report, error) {
	if b.Size < blockSize || b.Size%blockSize != 0 {
		return Report{}, errors.New("the size of the large blob must be a multiple of 4 MiB")
	}
	dir, err := os.MkdirTemp(b.Dir, "coreshed-bench-")
	if err != nil {
		return Report{}, fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(dir)
	results := newSheet(b.Log)
	for _, part := range []func(context.Context, string, *sheet) error{b.compare, b.commit, b.memory} {
		if err := part(ctx, dir, results); err != nil {
			return Report{}, err
		}
	}
	return results.report(), nil
}

// compare runs every test against every server, in turns.
func (b Blobs) compare(ctx context.Context, dir string, results *sheet) error {
	subjects, err := b.startSubjects(ctx, dir)
	defer stopAll(subjects)
	if err != nil {
		return err
	}
	c := newCaller()
	defer c.close()
	content := randomBytes(b.Size)
	for n := range b.Rounds {
		r := round{Blobs: b, caller: c, content: content, name: fmt.Sprintf("round-%d", n)}
		for _, t := range r.tests() {
			// Nobody is always first after the others' writing.
			for i := range subjects {
				s := subjects[(i+n)%len(subjects)]
				if s.uploads == nil && t.writes {
					continue
				}
				v, err := t.run(ctx, s)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", t.name, s.name, err)
				}
				results.add(t.test, s.name, v)
			}
		}
	}
	return nil
}
