package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/coreshed/coreshed"
	auditlog "github.com/coreshed/coreshed/internal/audit"
	"github.com/coreshed/coreshed/internal/killpoint"
)

// AuditWaits reports whether entries of the audit log wait for their numbers.
func (db *DB) AuditWaits(ctx context.Context) (bool, error) {
	return one(ctx, db, value[bool], `SELECT EXISTS (SELECT 1 FROM audit_entries WHERE number IS NULL)`)
}

// SequenceAudit gives entries that wait their numbers, at most limit of them, adds
// them to the tree, and keeps the checkpoint that sign makes of it, all or
// nothing. It returns how many they were. Conflict when the lease is over.
func (db *DB) SequenceAudit(ctx context.Context, l Lease, limit int, sign func(size int64, root auditlog.Hash) (string, error)) (int, error) {
	// What can be worked out beforehand is: other writers wait for the rest.
	tr, note, err := db.nextTree(ctx, limit, sign)
	if err != nil || len(tr.ids) == 0 {
		return 0, err
	}
	err = db.update(ctx, func(ctx context.Context, t tx) error {
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		size, err := auditSize(ctx, t)
		if err != nil {
			return err
		}
		if size+int64(len(tr.ids)) != tr.size {
			return coreshed.Errorf(coreshed.Conflict, "others have added to the audit log")
		}
		killpoint.Reach("audit.grown")
		if err := tr.save(ctx, t); err != nil {
			return err
		}
		killpoint.Reach("audit.saved")
		return keepCheckpoint(ctx, t, tr.size, note)
	})
	return len(tr.ids), err
}

// nextTree is the tree with the entries that wait, and its checkpoint.
func (db *DB) nextTree(ctx context.Context, limit int, sign func(int64, auditlog.Hash) (string, error)) (tr *tree, note string, err error) {
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		waiting, err := all(ctx, t, scanAudit, `SELECT `+auditColumns+` FROM audit_entries e LEFT JOIN audit_details d ON d.entry_id = e.id
			WHERE e.number IS NULL ORDER BY e.id LIMIT $1`, limit)
		if err != nil {
			return err
		}
		if tr, err = growTree(ctx, t, waiting); err != nil || len(waiting) == 0 {
			return err
		}
		root, err := tlog.TreeHash(tr.size, tr)
		if err != nil {
			return err
		}
		note, err = sign(tr.size, root)
		return err
	})
	return tr, note, err
}

// tree is the Merkle tree with what is to be added to it.
type tree struct {
	ctx   context.Context //nolint:containedctx // tlog's reader has no argument for it
	q     querier
	d     dialect
	size  int64
	first int64           // position of the first new hash
	added []auditlog.Hash // in order of their positions
	ids   []int64         // of the new entries, rising
}

// growTree adds entries to the tree.
func growTree(ctx context.Context, t tx, entries []coreshed.AuditEntry) (*tree, error) {
	size, err := auditSize(ctx, t)
	if err != nil {
		return nil, err
	}
	tr := &tree{ctx: ctx, q: t, d: t.db().dialect, size: size, first: tlog.StoredHashCount(size)}
	for _, e := range entries {
		hashes, err := tlog.StoredHashes(tr.size, auditlog.Leaf(e), tr)
		if err != nil {
			return nil, err
		}
		tr.added = append(tr.added, hashes...)
		tr.ids = append(tr.ids, e.ID)
		tr.size++
	}
	return tr, nil
}

// auditSize is how many entries have numbers.
func auditSize(ctx context.Context, q querier) (int64, error) {
	return one(ctx, q, value[int64], `SELECT COALESCE(MAX(size), 0) FROM audit_checkpoints`)
}

// ReadHashes is what tlog reads the tree by.
func (tr *tree) ReadHashes(positions []int64) ([]auditlog.Hash, error) {
	hashes := make([]auditlog.Hash, len(positions))
	var stored []int64
	for i, p := range positions {
		switch k := p - tr.first; {
		case k < 0:
			stored = append(stored, p)
		case k < int64(len(tr.added)):
			hashes[i] = tr.added[k]
		default:
			return nil, errors.New("the tree has no such hash")
		}
	}
	if len(stored) == 0 {
		return hashes, nil
	}
	found, err := storedHashes(tr.ctx, tr.q, tr.d, stored)
	if err != nil {
		return nil, err
	}
	for i, p := range positions {
		if p >= tr.first {
			continue
		}
		h, ok := found[p]
		if !ok {
			return nil, coreshed.Errorf(coreshed.StoreFailed, "the audit log lacks the hash at %d: coreshed audit verify tells what else is wrong", p)
		}
		hashes[i] = h
	}
	return hashes, nil
}

func storedHashes(ctx context.Context, q querier, d dialect, positions []int64) (map[int64]auditlog.Hash, error) {
	c := &conditions{}
	c.anyID(d, `position`, positions)
	rows, err := all(ctx, q, scanHash, `SELECT position, hash FROM audit_hashes WHERE `+c.text(), c.args...)
	found := make(map[int64]auditlog.Hash, len(rows))
	for _, h := range rows {
		found[h.position] = h.hash
	}
	return found, err
}

// save writes the new hashes, and the numbers of the entries. The hashes are one
// argument: the driver looks for each argument among all of them.
func (tr *tree) save(ctx context.Context, t tx) error {
	hashes := make([]string, len(tr.added))
	for i, h := range tr.added {
		hashes[i] = hex.EncodeToString(h[:])
	}
	list, err := json.Marshal(hashes)
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO audit_hashes (position, hash) SELECT $1 + n, b FROM `+tr.d.bytes(`$2`), tr.first, string(list)); err != nil {
		return err
	}
	number := tr.size - int64(len(tr.ids))
	for ids := tr.ids; len(ids) > 0; {
		n := 1
		for n < len(ids) && ids[n] == ids[n-1]+1 {
			n++
		}
		if _, err := t.exec(ctx, `UPDATE audit_entries SET number = id + $1 WHERE id BETWEEN $2 AND $3`, number-ids[0], ids[0], ids[n-1]); err != nil {
			return err
		}
		number, ids = number+int64(n), ids[n:]
	}
	return nil
}

// keepCheckpoint keeps of the checkpoints of an hour the last.
func keepCheckpoint(ctx context.Context, t tx, size int64, note string) error {
	now := t.db().now()
	if _, err := t.exec(ctx, `DELETE FROM audit_checkpoints WHERE signed_at >= $1 AND signed_at <= $2`,
		now.Truncate(time.Hour).UnixMicro(), now.UnixMicro()); err != nil {
		return err
	}
	killpoint.Reach("audit.signed")
	_, err := t.exec(ctx, `INSERT INTO audit_checkpoints (size, signed_at, note) VALUES ($1, $2, $3)`, size, now.UnixMicro(), note)
	return err
}
