package main

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// patience is for how long nobody needs to be told that work goes on.
const patience = time.Second

// bar shows how much of a transfer is done, on a terminal, once it has taken a
// second.
type bar struct {
	total int64
	done  atomic.Int64
	timer *time.Timer

	mu        sync.Mutex
	container *mpb.Progress
	shown     *mpb.Bar
	closed    bool
}

// newBar returns a bar for total bytes. It must be closed before anything else
// is printed.
func (a *app) newBar(total int64) *bar {
	b := &bar{total: total}
	if terminal(a.stderr) && !a.json() {
		b.timer = time.AfterFunc(patience, func() { b.show(a.stderr) })
	}
	return b
}

func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (b *bar) show(w io.Writer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.container = mpb.New(mpb.WithOutput(w), mpb.WithWidth(40))
	b.shown = b.container.AddBar(b.total,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.CountersKibiByte("% .1f / % .1f")),
		mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), "")))
	b.shown.SetCurrent(min(b.done.Load(), b.total-1))
}

// add says that n bytes more are done, or fewer.
func (b *bar) add(n int64) {
	done := b.done.Add(n)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown != nil && !b.closed {
		// The bar ends itself at its total, and that is for close to do.
		b.shown.SetCurrent(max(0, min(done, b.total-1)))
	}
}

// close takes the bar away.
func (b *bar) close() {
	if b.timer != nil {
		b.timer.Stop()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed && b.shown != nil {
		b.shown.Abort(true)
		b.container.Wait()
	}
	b.closed = true
}
