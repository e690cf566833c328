package store

import "context"

// nameGroup is how many names are added to the index of names at once: fewer
// cost more each, and the names of those that wait are read one by one.
const nameGroup = 250

// countTail finds how many entries wait for the index of names.
func (db *DB) countTail(ctx context.Context) error {
	n, err := one(ctx, db, value[int64], `SELECT COALESCE(max(id), 0) - (SELECT upto FROM entry_names_done) FROM versions`)
	db.tail.Store(n)
	return err
}

// indexNames adds names that wait to the index of names.
func indexNames(ctx context.Context, t tx, limit int64) error {
	upto, err := one(ctx, t, value[int64], `SELECT COALESCE(max(id), 0) FROM (
		SELECT id FROM versions WHERE id > (SELECT upto FROM entry_names_done) ORDER BY id LIMIT $1)`, limit)
	if err != nil || upto == 0 {
		t.db().tail.Store(0)
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO entry_names (rowid, name)
		SELECT id, name_key FROM versions WHERE id > (SELECT upto FROM entry_names_done) AND id <= $1`, upto); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE entry_names_done SET upto = $1`, upto); err != nil {
		return err
	}
	t.db().tail.Add(-min(limit, t.db().tail.Load()))
	return nil
}
