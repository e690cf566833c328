package store

import (
	"fmt"
	"sync"
)

// marks remember, for lists that have been asked for, how many files match and
// where pages ended, so that a caller who goes through a long list page by page
// does not make the store skip all that went before each time. A mark counts
// only while nothing in its workspace has changed since, so it never makes an
// answer differ.
type marks struct {
	mu   sync.Mutex
	list map[markKey]mark
}

// markKey is a place in a list.
type markKey struct {
	list   string // what is listed, in which order
	offset int64  // of the page that begins there; -1 for the whole
}

type mark struct {
	changes int64 // of the workspace, when it was true
	total   int64
	key, id int64 // the last row before the offset
}

// maxMarks bounds the memory: some 200 bytes each.
const maxMarks = 4096

// wholeList is the offset under which a list's total is kept.
const wholeList = -1

func (m *marks) find(k markKey, changes int64) (mark, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.list[k]
	return found, ok && found.changes == changes
}

func (m *marks) put(k markKey, v mark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil || len(m.list) >= maxMarks {
		m.list = map[markKey]mark{}
	}
	m.list[k] = v
}

// listName tells lists apart: by what they must hold, and their order.
func listName(c *conditions, order string) string {
	return fmt.Sprint(c.text(), c.args, order)
}
