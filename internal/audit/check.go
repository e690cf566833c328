package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/coreshed/coreshed"
)

// Report is what a check of a whole log has found.
type Report struct {
	Entries     int64    `json:"entries"`     // that have numbers
	Waiting     int64    `json:"waiting"`     // that have none yet, and which nothing protects
	Erased      int64    `json:"erased"`      // whose details are erased
	Checkpoints int      `json:"checkpoints"` // that the log matches
	Findings    []string `json:"findings"`    // what is wrong; empty for a log that is whole
	More        int64    `json:"more"`        // findings that are not listed
}

// maxFindings bounds what is told of a log of which everything is wrong.
const maxFindings = 100

// Checker goes through a log in the order of its numbers. It holds as many
// hashes as the tree is high.
type Checker struct {
	report      Report
	checkpoints map[int64][]kept // by size
	size        int64
	edge        map[int64]Hash    // the roots of the largest whole subtrees
	lost        bool              // what follows cannot be checked
	erasing     map[int64]int64   // the first entry that each purge has erased the details of
	executed    map[int64]bool    // purges of whose execution the log tells
	ended       map[int64]Removed // what ended purges have removed, as the log tells
}

// Removed is how much a purge has removed.
type Removed struct{ Versions, Runs, Recipes int64 }

type kept struct {
	Checkpoint
	name string
}

// NewChecker begins a check against signed checkpoints of the log itself, and an
// older one that was kept elsewhere, or "".
func NewChecker(notes []string, older string, keys []string) *Checker {
	c := &Checker{
		checkpoints: map[int64][]kept{}, edge: map[int64]Hash{}, report: Report{Findings: []string{}},
		erasing: map[int64]int64{}, executed: map[int64]bool{}, ended: map[int64]Removed{},
	}
	origin := ""
	for _, note := range notes {
		cp, err := OpenCheckpoint(note, keys...)
		if err != nil {
			c.found("a checkpoint of the log: %v", err)
			continue
		}
		origin = cp.Origin
		c.expect(cp, "the log's own checkpoint")
	}
	if older == "" {
		return c
	}
	cp, err := OpenCheckpoint(older, keys...)
	switch {
	case err != nil:
		c.found("the checkpoint that was kept: %v", err)
	case origin != "" && cp.Origin != origin:
		c.found("the checkpoint that was kept is of the log %q, this one is %q", cp.Origin, origin)
	default:
		c.expect(cp, "the checkpoint that was kept")
	}
	return c
}

func (c *Checker) expect(cp Checkpoint, name string) {
	c.checkpoints[cp.Size] = append(c.checkpoints[cp.Size], kept{cp, name})
}

func (c *Checker) found(format string, args ...any) {
	if len(c.report.Findings) == maxFindings {
		c.report.More++
		return
	}
	c.report.Findings = append(c.report.Findings, fmt.Sprintf(format, args...))
}

// Size is how far the check has come.
func (c *Checker) Size() int64 { return c.size }

// Add checks the next entries, in the order of their numbers, against the hashes
// that the tree has for them and those between.
func (c *Checker) Add(entries []coreshed.AuditEntry, hashes map[int64]Hash) {
	for _, e := range entries {
		if c.lost {
			return
		}
		if e.Number < c.size {
			c.found("entry %d (id %d): another has the same number", e.Number, e.ID)
			continue
		}
		if !c.skipTo(e.Number, hashes) {
			return
		}
		c.details(e)
		hash := LeafHash(Leaf(e))
		was, ok := hashes[tlog.StoredHashIndex(0, c.size)]
		switch {
		case !ok:
			c.found("entry %d (id %d): the tree has no hash of it", e.Number, e.ID)
		case was != hash:
			c.found("entry %d (id %d): it is not what was recorded under that number", e.Number, e.ID)
			hash = was // so that what comes after is checked for itself
		}
		c.grow(hash, hashes)
	}
}

// details checks that an entry has the details that it was written with, or that a
// purge has erased them.
func (c *Checker) details(e coreshed.AuditEntry) {
	if e.Action == coreshed.ActPurgeExecute {
		c.Executed(e.Subject)
	}
	if e.Action == coreshed.ActPurgeEnd && e.Details != nil && Kept(e) {
		c.end(e)
	}
	switch {
	case !Kept(e):
		c.found("entry %d (id %d): its details are not those that it was written with", e.Number, e.ID)
	case e.Details != nil:
	case e.ErasedBy == 0:
		c.found("entry %d (id %d): its details are missing, and no purge has erased them", e.Number, e.ID)
	default:
		c.report.Erased++
		if _, ok := c.erasing[e.ErasedBy]; !ok {
			c.erasing[e.ErasedBy] = e.Number
		}
	}
}

// end remembers what the last entry of a purge says that it has removed.
func (c *Checker) end(e coreshed.AuditEntry) {
	var said struct{ Sources, Products, Runs, Recipes int64 }
	if json.Unmarshal(e.Details, &said) == nil {
		c.ended[e.Subject] = Removed{said.Sources + said.Products, said.Runs, said.Recipes}
	}
}

// NotRemoved tells of entries whose details a purge is to have erased that has no
// tombstone of what they tell of.
func (c *Checker) NotRemoved(entries []coreshed.AuditEntry) {
	for _, e := range entries {
		c.found("entry %d (id %d): purge %d is to have erased its details, and has not removed what it tells of", e.Number, e.ID, e.ErasedBy)
	}
}

// Tombstones tells how many tombstones name each purge: more than it has removed
// would let it erase what is not its to erase.
func (c *Checker) Tombstones(of map[int64]Removed) {
	for _, purge := range slices.Sorted(maps.Keys(of)) {
		if removed, ok := c.ended[purge]; ok && removed != of[purge] {
			c.found("purge %d: it has removed %d versions, %d runs and %d recipes, and its tombstones are of %d, %d and %d",
				purge, removed.Versions, removed.Runs, removed.Recipes, of[purge].Versions, of[purge].Runs, of[purge].Recipes)
		}
	}
}

// Executed tells of purges, by their row ids, of whose execution entries tell that
// have no number yet.
func (c *Checker) Executed(purges ...int64) {
	for _, id := range purges {
		c.executed[id] = true
	}
}

// skipTo takes the hashes of entries that are not there, to go on after them. It
// reports whether the tree had them.
func (c *Checker) skipTo(number int64, hashes map[int64]Hash) bool {
	for c.size < number {
		hash, ok := hashes[tlog.StoredHashIndex(0, c.size)]
		if !ok {
			c.found("entries from %d to %d are missing, with their hashes: what comes after cannot be checked", c.size, number-1)
			c.lost = true
			return false
		}
		c.found("entry %d is missing", c.size)
		c.grow(hash, hashes)
	}
	return true
}

// grow adds a leaf, compares the inner hashes that are complete with it, and the
// checkpoints of the size that the tree then has.
func (c *Checker) grow(leaf Hash, hashes map[int64]Hash) {
	added, err := tlog.StoredHashesForRecordHash(c.size, leaf, c)
	if err != nil {
		panic(err) // the edge has all that a tree of that size needs
	}
	first := tlog.StoredHashCount(c.size)
	for i, h := range added {
		if was, ok := hashes[first+int64(i)]; i > 0 && (!ok || was != h) {
			c.found("the tree's hash at %d is not that of the entries below it", first+int64(i))
		}
		c.edge[first+int64(i)] = h
	}
	c.size++
	c.trim()
	for _, cp := range c.checkpoints[c.size] {
		root, err := tlog.TreeHash(c.size, c)
		if err != nil {
			panic(err) // as above
		}
		if root != cp.Root {
			c.found("%s of size %d: the log was rewritten, its first %d entries are not those that were signed", cp.name, cp.Size, cp.Size)
			continue
		}
		c.report.Checkpoints++
	}
}

// trim forgets all hashes but those of the largest whole subtrees.
func (c *Checker) trim() {
	keep := map[int64]Hash{}
	for level, at := 0, int64(0); at < c.size; {
		for level = 0; at%(2<<level) == 0 && at+(2<<level) <= c.size; {
			level++
		}
		i := tlog.StoredHashIndex(level, at>>level)
		keep[i] = c.edge[i]
		at += 1 << level
	}
	c.edge = keep
}

// ReadHashes gives tlog the hashes of the tree so far.
func (c *Checker) ReadHashes(positions []int64) ([]Hash, error) {
	hashes := make([]Hash, len(positions))
	for i, p := range positions {
		h, ok := c.edge[p]
		if !ok {
			return nil, errors.New("no such hash")
		}
		hashes[i] = h
	}
	return hashes, nil
}

// End tells what was found. Beyond is how many hashes the tree has for entries
// that are not there.
func (c *Checker) End(beyond int64) Report {
	if beyond > 0 {
		c.found("the tree has %d hashes for entries that are missing at the end", beyond)
	}
	signed := int64(0)
	for size := range maps.Keys(c.checkpoints) {
		signed = max(signed, size)
		for _, cp := range c.checkpoints[size] {
			if size > c.size {
				c.found("%s of size %d: the log was cut, it has %d entries", cp.name, size, c.size)
			}
		}
	}
	if signed < c.size {
		c.found("the last %d entries have numbers, and no checkpoint was signed of them", c.size-signed)
	}
	for _, purge := range slices.Sorted(maps.Keys(c.erasing)) {
		if !c.executed[purge] {
			c.found("entry %d and maybe others: purge %d is to have erased their details, and the log has no entry of its execution", c.erasing[purge], purge)
		}
	}
	c.report.Entries = c.size
	return c.report
}
