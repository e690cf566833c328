package catalog

import (
	"context"
	"sync"
	"time"
)

const (
	// groupedIngests is how many files a process ingests at a time when those
	// that wait for the database share its syncs, else parallelIngests: each then
	// holds a connection.
	groupedIngests  = 64
	parallelIngests = 8
	// ingestPoll is how long a process without ingests waits for some.
	ingestPoll = 500 * time.Millisecond
)

// IngestAll performs ingests as they become due, until ctx ends and what it has
// begun has ended. The holder names the process, also when it was killed and
// started again: what it had claimed is then performed at once.
func (c *Catalog) IngestAll(ctx context.Context, holder string) {
	if err := c.db.ReleaseIngests(ctx, holder); err != nil && ctx.Err() == nil {
		c.log.Error("background work", "job", "ingest", "error", err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	n := parallelIngests
	if c.db.GroupsWrites() {
		n = groupedIngests
	}
	slots := make(chan struct{}, n)
	for ctx.Err() == nil {
		n := take(ctx, slots)
		work, err := c.ClaimIngests(ctx, holder, n)
		if err != nil && ctx.Err() == nil {
			c.log.Error("background work", "job", "ingest", "error", err)
		}
		for _, w := range work {
			running.Go(func() {
				defer func() { <-slots }()
				c.Ingest(ctx, w)
			})
		}
		for range n - len(work) {
			<-slots
		}
		if len(work) == 0 {
			sleep(ctx, ingestPoll)
		}
	}
}

// take takes at least one free slot, and all that are free then.
func take(ctx context.Context, slots chan struct{}) int {
	n := 0
	select {
	case slots <- struct{}{}:
		n++
	case <-ctx.Done():
		return 0
	}
	for {
		select {
		case slots <- struct{}{}:
			n++
		default:
			return n
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
