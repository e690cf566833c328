package disk

import "sync"

// folder groups the syncs of one folder.
type folder struct {
	path string

	making sync.Mutex
	made   bool // and synced in the folder above

	running sync.Mutex // held during a sync

	mu   sync.Mutex
	next *round // the sync that has not begun, if someone waits for it
}

// round is one sync for everybody who asked before it began.
type round struct {
	done chan struct{}
	err  error
}

// sync returns when a sync that began after the call has ended. All who call
// while one runs share the next. It cannot be cancelled: what the caller
// changed is in the folder already, and only the end tells whether it stays.
func (f *folder) sync() error {
	r, leader := f.join()
	if leader {
		f.lead(r)
	}
	<-r.done
	return r.err
}

// join returns the round that has not begun, and whether the caller made it
// and must lead it.
func (f *folder) join() (r *round, leader bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next != nil {
		return f.next, false
	}
	f.next = &round{done: make(chan struct{})}
	return f.next, true
}

func (f *folder) lead(r *round) {
	f.running.Lock()
	defer f.running.Unlock()
	// From here on a change may be too late for this round.
	f.mu.Lock()
	f.next = nil
	f.mu.Unlock()
	r.err = syncFolder(f.path)
	close(r.done)
}
