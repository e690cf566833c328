package watch

import (
	"container/heap"
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/ingest"
	"github.com/coreshed/coreshed/internal/store"
)

// The folders into which a strike moves what has arrived.
const (
	ingesting = "ingesting/"
	deferred  = "deferred/"
)

// errPartial is how a listing ends of which parts may not be read.
var errPartial = fs.ErrPermission

// settleTime is how long a file must not have been written to, to be whole
// without a suffix having been taken off.
const settleTime = 10 * time.Second

// maxHeld bounds how many files of a folder are in memory at a time.
var maxHeld = 20_000

// passState goes from one pass of a folder to the next: the last file that a
// pass without room for all has looked at.
type passState struct{ after *broker.Object }

// folderPass is one look at a folder: what lies at its top arrives, oldest
// first, and is moved below. Each step is recorded before it is done, so that
// whoever comes after a crash knows where each file is.
type folderPass struct {
	finder
	state     *passState
	unsettled bool
}

func (p *folderPass) run(ctx context.Context) (time.Duration, error) {
	if err := p.resume(ctx); err != nil {
		return p.config.Monitor.Interval, err
	}
	oldest, full, err := p.oldest(ctx)
	if err != nil && !errors.Is(err, errPartial) {
		return p.config.Monitor.Interval, err
	}
	for len(oldest) > 0 {
		n := min(len(oldest), batchSize/2)
		if err := p.look(ctx, oldest[:n]); err != nil {
			return p.config.Monitor.Interval, err
		}
		p.state.after = &oldest[n-1]
		oldest = oldest[n:]
	}
	if full {
		return 0, nil // the rest at once
	}
	p.state.after = nil
	if err == nil {
		err = p.vanished(ctx)
	}
	wait := p.config.Monitor.Interval
	if p.unsettled {
		// Soon, but not all the time in a large folder.
		wait = min(wait, max(p.settle(), 2*p.Now().Sub(p.now)))
	}
	return wait, err
}

// settle is how long a file must rest; less than the time between passes.
func (p *folderPass) settle() time.Duration { return min(settleTime, p.config.Monitor.Interval) }

// older is the order in which files are taken.
func older(a, b broker.Object) bool {
	if !a.Modified.Equal(b.Modified) {
		return a.Modified.Before(b.Modified)
	}
	return a.Path < b.Path
}

// newestFirst is a heap of files.
type newestFirst []broker.Object

func (h newestFirst) Len() int           { return len(h) }
func (h newestFirst) Less(i, j int) bool { return older(h[j], h[i]) }
func (h newestFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *newestFirst) Push(x any)        { *h = append(*h, x.(broker.Object)) }
func (h *newestFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// oldest returns the oldest files of the folder, in order, of those that this
// round has not looked at; full is true when there are more than fit.
func (p *folderPass) oldest(ctx context.Context) (files []broker.Object, full bool, err error) {
	var h newestFirst
	err = p.broker.List(ctx, broker.Listing{}, func(o broker.Object) error {
		if ingest.IsSidecar(o.Path) || (p.state.after != nil && !older(*p.state.after, o)) {
			return nil
		}
		heap.Push(&h, o)
		if h.Len() > maxHeld {
			heap.Pop(&h)
			full = true
		}
		return nil
	})
	files = make([]broker.Object, h.Len())
	for i := h.Len() - 1; i >= 0; i-- {
		files[i] = heap.Pop(&h).(broker.Object)
	}
	return files, full, err
}

// look records how far files have come, and delivers those that are whole.
func (p *folderPass) look(ctx context.Context, objects []broker.Object) error {
	finals := make([]string, len(objects))
	for i, o := range objects {
		finals[i], _ = p.config.Monitor.FinalName(o.Path)
	}
	last, err := p.DB.LastArrivals(ctx, p.of, finals)
	if err != nil {
		return err
	}
	var changed, whole []*store.Arrival
	for i, o := range objects {
		a, ready := p.progress(ctx, o, finals[i], last[finals[i]])
		switch {
		case a == nil:
		case ready:
			whole = append(whole, a)
		default:
			changed = append(changed, a)
		}
	}
	if err := p.DB.SaveArrivals(ctx, p.lease, p.of, changed); err != nil {
		return err
	}
	return p.deliver(ctx, whole)
}

// progress is what an arrival has become, nil when nothing changed. It is ready
// when the file is whole.
func (p *folderPass) progress(ctx context.Context, o broker.Object, final string, last *store.Arrival) (a *store.Arrival, ready bool) {
	transferring := final != o.Path
	if last != nil && last.Status != coreshed.IngestTransferring {
		if last.Same(o.Size, o.Modified, "") {
			return nil, false // it was refused, and is as it was then
		}
		last = nil // another file by the same name
	}
	if transferring && p.exists(ctx, final) {
		return nil, false // after that one
	}
	a = p.arrival(o)
	a.Name, a.Path, a.Status = final, final, coreshed.IngestTransferring
	a.Started, a.Ended = p.now, time.Time{}
	if last != nil {
		a.ID, a.Started = last.ID, last.Started
	}
	if transferring {
		a.Size = -1 // unknown until the suffix is gone
		if last != nil && last.Transferred == o.Size && last.Size < 0 {
			return nil, false
		}
		return a, false
	}
	if p.settled(o, last) {
		a.Ended = o.Modified
		if refused := refusedName(ingesting + final); refused != "" {
			a.Status, a.Reason = coreshed.IngestErrored, refused
			return a, false
		}
		return a, true
	}
	p.unsettled = true
	if last != nil && last.Same(o.Size, o.Modified, "") {
		return nil, false
	}
	return a, false
}

// settled reports whether a file without the suffix is whole: it had one, has
// not been written to for a while, or has been the same for a while, whatever
// the clock of its disk says.
func (p *folderPass) settled(o broker.Object, last *store.Arrival) bool {
	switch {
	case last != nil && last.Size < 0:
		return true
	case !o.Modified.After(p.now.Add(-p.settle())):
		return true
	}
	return last != nil && last.Same(o.Size, o.Modified, "") && !last.SeenAt.After(p.now.Add(-p.settle()))
}

func (p *folderPass) exists(ctx context.Context, name string) bool {
	f, err := p.broker.Open(ctx, name)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// deliver moves files below, to where the rules want them.
func (p *folderPass) deliver(ctx context.Context, list []*store.Arrival) error {
	taken := map[string]bool{}
	for _, a := range list {
		a.Path = ingesting + a.Name // on which the rules are tried, too
		if err := p.match(ctx, a); err != nil {
			return err
		}
		dir := ingesting
		if a.Status == coreshed.IngestDeferred {
			dir = deferred
		}
		a.Path, a.Status = p.freeName(ctx, dir+a.Name, taken), coreshed.IngestTransferred
	}
	// Before any is moved, it is known where each goes.
	if err := p.DB.SaveArrivals(ctx, p.lease, p.of, list); err != nil {
		return err
	}
	return p.moveAll(ctx, list)
}

// freeName numbers a name as often as a file lies there already, or a document
// beside it, which is of another.
func (p *folderPass) freeName(ctx context.Context, name string, taken map[string]bool) string {
	for n := 0; ; n++ {
		candidate := catalog.Numbered(name, n)
		if !taken[candidate] && !p.exists(ctx, candidate) && !p.exists(ctx, candidate+ingest.SidecarSuffix) {
			taken[candidate] = true
			return candidate
		}
	}
}

// moveAll moves arrivals to where they are recorded to go, and records that
// they are there. What cannot be moved now stays recorded, for the next pass.
func (p *folderPass) moveAll(ctx context.Context, list []*store.Arrival) error {
	var done []*store.Arrival
	var failure error
	for _, a := range list {
		switch err := p.moveOne(ctx, a); {
		case err == nil:
			done = append(done, a)
		case ctx.Err() != nil:
			return err
		default:
			failure = err
		}
	}
	return errors.Join(p.DB.SaveArrivals(ctx, p.lease, p.of, done), failure)
}

func (p *folderPass) moveOne(ctx context.Context, a *store.Arrival) error {
	here, err := p.find(ctx, a.Name)
	if err != nil {
		return err
	}
	there, err := p.find(ctx, a.Path)
	if err != nil {
		return err
	}
	was := broker.Object{Size: a.Size, Modified: a.Modified}
	switch {
	case here != nil && (here.Same(was) || there == nil && a.SeenAt.IsZero()):
		if err := p.moveSidecar(ctx, a); errors.Is(err, fs.ErrExist) {
			return p.moveElsewhere(ctx, a)
		} else if err != nil {
			return err
		}
		moved, err := p.broker.Move(ctx, a.Name, a.Path)
		if errors.Is(err, fs.ErrExist) {
			return p.moveElsewhere(ctx, a)
		}
		if err != nil {
			return err
		}
		there = &moved
	case there == nil || !there.Same(was):
		a.Status, a.Reason = coreshed.IngestErrored, "The file has gone from where it was found."
		return nil
	}
	a.Size, a.Transferred, a.Modified = there.Size, there.Size, there.Modified
	if a.Status = coreshed.IngestQueued; strings.HasPrefix(a.Path, deferred) {
		a.Status = coreshed.IngestDeferred
	}
	return nil
}

// find returns the file at a path, nil when there is none.
func (p *folderPass) find(ctx context.Context, name string) (*broker.Object, error) {
	f, err := p.broker.Open(ctx, name)
	if broker.Absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o := f.Object()
	return &o, nil
}

// moveElsewhere moves an arrival to another name, since something has come to
// lie where it was to go.
func (p *folderPass) moveElsewhere(ctx context.Context, a *store.Arrival) error {
	a.Path = p.freeName(ctx, a.Path, map[string]bool{})
	if err := p.DB.SaveArrivals(ctx, p.lease, p.of, []*store.Arrival{a}); err != nil {
		return err
	}
	return p.moveOne(ctx, a)
}

// moveSidecar takes a metadata document ahead of its file: a pass that is cut
// short in between leaves none that could be taken for the next file's.
func (p *folderPass) moveSidecar(ctx context.Context, a *store.Arrival) error {
	_, err := p.broker.Move(ctx, a.Name+ingest.SidecarSuffix, a.Path+ingest.SidecarSuffix)
	if broker.Absent(err) || errors.Is(err, broker.ErrUnavailable) {
		return nil
	}
	return err
}

// resume ends what an earlier pass has begun.
func (p *folderPass) resume(ctx context.Context) error {
	return p.eachOpen(ctx, coreshed.IngestTransferred, func(list []*store.Arrival) error { return p.moveAll(ctx, list) })
}

// vanished ends the arrivals whose file is no more.
func (p *folderPass) vanished(ctx context.Context) error {
	return p.eachOpen(ctx, coreshed.IngestTransferring, func(list []*store.Arrival) error {
		var gone []*store.Arrival
		for _, a := range list {
			there, err := p.find(ctx, a.Path)
			if err == nil && there == nil {
				there, err = p.find(ctx, a.Path+p.config.Monitor.Suffix)
			}
			if err != nil {
				return err
			}
			if there == nil {
				// Of no size, so that the same file counts as new when it is back.
				a.Status, a.Reason, a.Size = coreshed.IngestErrored, "The file has gone from where it was found.", -1
				gone = append(gone, a)
			}
		}
		return p.DB.SaveArrivals(ctx, p.lease, p.of, gone)
	})
}

// eachOpen calls fn with all arrivals of one status, some at a time.
func (p *folderPass) eachOpen(ctx context.Context, status coreshed.IngestStatus, fn func([]*store.Arrival) error) error {
	for after := int64(0); ; {
		list, err := p.DB.OpenArrivals(ctx, p.of, status, after, batchSize)
		if err != nil || len(list) == 0 {
			return err
		}
		after = list[len(list)-1].ID
		if err := fn(list); err != nil {
			return err
		}
	}
}
