package catalog

import (
	"context"
	"sync"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
)

// space knows how much room there is above the free-space floor. What running
// uploads are about to write counts as taken: otherwise many at once would each
// find room, and together fill the disk on which the metadata lies, too.
type space struct {
	blobs blob.Store
	floor uint64
	now   func() time.Time

	mu       sync.Mutex
	free     uint64 // at the last reading, less what has been written since
	read     time.Time
	promised uint64
}

// spaceFresh is how long a reading of the free space counts.
const spaceFresh = time.Second

// promiseMost is how much one upload keeps from others. Whoever sends slowly
// would otherwise keep the whole disk; the floor is for what this leaves open.
const promiseMost = 64 << 20

// promise fails with Full when there is no room for size more bytes. Otherwise
// they count as taken until done is called, when they are written.
func (s *space) promise(ctx context.Context, size int64) (done func(), err error) {
	spacer, ok := s.blobs.(blob.Spacer)
	if !ok {
		return func() {}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); now.Sub(s.read) > spaceFresh {
		free, _, err := spacer.Free(ctx)
		if err != nil {
			return nil, err
		}
		s.free, s.read = free, now
	}
	n := uint64(max(size, 0))
	if s.free < s.floor+s.promised+n {
		return nil, coreshed.Errorf(coreshed.Full, "The server's disk is full: %d MiB are free, of which uploads in progress need %d MiB, "+
			"and %d MiB must stay free. Whoever runs the server must add space.", s.free>>20, s.promised>>20, s.floor>>20)
	}
	n = min(n, promiseMost)
	s.promised += n
	return func() { s.keep(n) }, nil
}

// keep turns a promise into bytes written, until the next reading sees them.
func (s *space) keep(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.promised -= n
	s.free -= min(s.free, n)
}
