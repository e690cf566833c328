package store

import (
	"context"
	"database/sql"
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/coreshed/coreshed"
	auditlog "github.com/coreshed/coreshed/internal/audit"
)

// AuditVerifiers returns the public halves of all keys that have signed
// checkpoints, the one that signs first.
func (db *DB) AuditVerifiers(ctx context.Context) ([]string, error) {
	keys, err := db.Keys(ctx, AuditKey)
	if err != nil {
		return nil, err
	}
	verifiers := make([]string, len(keys))
	for i, k := range keys {
		if verifiers[i], err = auditlog.VerifierKey(string(k.Material)); err != nil {
			return nil, coreshed.Errorf(coreshed.StoreFailed, "audit key %s", k.ID).Because(err)
		}
	}
	return verifiers, nil
}

// AuditExtends fails unless the log goes on from a checkpoint that one of its own
// keys has signed.
func (db *DB) AuditExtends(ctx context.Context, signed string) error {
	keys, err := db.AuditVerifiers(ctx)
	if err != nil {
		return err
	}
	older, err := auditlog.OpenCheckpoint(signed, keys...)
	if err != nil || older.Size == 0 {
		return err
	}
	return db.view(ctx, func(ctx context.Context, t tx) error {
		tr, _, err := treeOf(ctx, t, older.Size)
		if errors.Is(err, coreshed.NotFound) {
			return errors.New("the log has lost entries since")
		}
		if err != nil {
			return err
		}
		if root, err := tlog.TreeHash(tr.size, tr); err != nil || root != older.Root {
			return errors.Join(err, errors.New("the log was rewritten since"))
		}
		return nil
	})
}

const (
	checkRows = 1000    // at a time
	maxNumber = 1 << 53 // no log is that long; positions in the tree are twice as many
)

// CheckAudit goes through the whole log and tells what is wrong with it: about
// its entries, their details, the tree and the checkpoints, of which older is one
// that was kept elsewhere; "" is none. The keys, as AuditVerifiers gives them, are
// those that may have signed. It fails only when the database does.
func (db *DB) CheckAudit(ctx context.Context, older string, keys ...string) (auditlog.Report, error) {
	var report auditlog.Report
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		notes, err := all(ctx, t, value[string], `SELECT note FROM audit_checkpoints ORDER BY size`)
		if err != nil {
			return err
		}
		c := auditlog.NewChecker(notes, older, keys)
		for next := int64(0); ; {
			entries, err := all(ctx, t, scanAudit, `SELECT `+auditColumns+` FROM audit_entries e LEFT JOIN audit_details d ON d.entry_id = e.id
				WHERE e.number >= $1 AND e.number < $3 ORDER BY e.number LIMIT $2`, next, checkRows, maxNumber)
			if err != nil {
				return err
			}
			if len(entries) == 0 {
				break
			}
			last := entries[len(entries)-1].Number
			hashes, err := hashesOf(ctx, t, next, last)
			if err != nil {
				return err
			}
			c.Add(entries, hashes)
			others, err := notRemoved(ctx, t, next, last)
			if err != nil {
				return err
			}
			c.NotRemoved(others)
			next = last + 1
		}
		beyond, err := hashesBeyond(ctx, t, c.Size())
		if err != nil {
			return err
		}
		waiting, err := all(ctx, t, value[int64], `SELECT subject_id FROM audit_entries WHERE number IS NULL AND action = $1`, string(coreshed.ActPurgeExecute))
		if err != nil {
			return err
		}
		c.Executed(waiting...)
		tombstones, err := tombstonesOf(ctx, t)
		if err != nil {
			return err
		}
		c.Tombstones(tombstones)
		report = c.End(beyond)
		report.Waiting, err = one(ctx, t, value[int64], `SELECT count(*) FROM audit_entries WHERE number IS NULL`)
		return err
	})
	return report, err
}

// notRemoved returns the entries from one number to another whose details a purge is
// to have erased that has no tombstone of what they tell of.
func notRemoved(ctx context.Context, q querier, from, to int64) ([]coreshed.AuditEntry, error) {
	return all(ctx, q, scanAudit, `SELECT `+auditColumns+` FROM audit_entries e JOIN audit_details d ON d.entry_id = e.id
		WHERE e.number >= $1 AND e.number <= $2 AND d.erased_by IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tombstones s
			WHERE s.kind = CASE e.kind WHEN 'version' THEN 0 WHEN 'run' THEN 1 WHEN 'recipe' THEN 2 WHEN 'file' THEN 3 END
				AND s.item_id = e.subject_id AND s.purge_id = d.erased_by) ORDER BY e.number`, from, to)
}

// tombstonesOf counts what each purge has left tombstones of. Those of files are not
// counted: each has one of a version beside it, which the doctor checks.
func tombstonesOf(ctx context.Context, q querier) (map[int64]auditlog.Removed, error) {
	found := map[int64]auditlog.Removed{}
	return found, each(ctx, q, func(rows *sql.Rows) error {
		var purge int64
		var r auditlog.Removed
		err := rows.Scan(&purge, &r.Versions, &r.Runs, &r.Recipes)
		found[purge] = r
		return err
	}, `SELECT purge_id, count(CASE WHEN kind = 0 THEN 1 END), count(CASE WHEN kind = 1 THEN 1 END), count(CASE WHEN kind = 2 THEN 1 END)
		FROM tombstones GROUP BY purge_id`)
}

// hashesOf returns the hashes that the tree has for its entries from one number
// to another, by their positions.
func hashesOf(ctx context.Context, q querier, from, to int64) (map[int64]auditlog.Hash, error) {
	rows, err := all(ctx, q, scanHash, `SELECT position, hash FROM audit_hashes WHERE position >= $1 AND position < $2`,
		tlog.StoredHashCount(from), tlog.StoredHashCount(to+1))
	found := make(map[int64]auditlog.Hash, len(rows))
	for _, h := range rows {
		found[h.position] = h.hash
	}
	return found, err
}

// hashesBeyond counts the hashes that a tree of a size does not have.
func hashesBeyond(ctx context.Context, q querier, size int64) (int64, error) {
	n, err := one(ctx, q, value[sql.NullInt64], `SELECT count(*) FROM audit_hashes WHERE position >= $1`, tlog.StoredHashCount(size))
	return n.Int64, err
}
