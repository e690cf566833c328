package disk

import "sync"

// folder groups the syncs of one fan-out folder.
type folder struct {
	path    string
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
	f.mu.Lock()
	r := f.next
	leader := r == nil
	if leader {
		r = &round{done: make(chan struct{})}
		f.next = r
	}
	f.mu.Unlock()
	if leader {
		f.lead(r)
	}
	<-r.done
	return r.err
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
