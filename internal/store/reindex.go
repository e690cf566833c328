package store

import (
	"context"
	"database/sql"
	"fmt"
)

// deferred is a statement that a bulk load has put off.
type deferred struct{ name, text string }

func scanDeferred(rows *sql.Rows) (deferred, error) {
	var d deferred
	return d, rows.Scan(&d.name, &d.text)
}

// dropIndexes drops the indexes that lists need, and remembers how to make them.
func (db *DB) dropIndexes(ctx context.Context) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		list, err := all(ctx, t, scanDeferred, db.dialect.indexes)
		if err != nil {
			return err
		}
		for _, d := range list {
			if _, err := t.exec(ctx, `INSERT INTO deferred_indexes (name, statement) VALUES ($1, $2)`, d.name, d.text); err != nil {
				return err
			}
			if _, err := t.exec(ctx, `DROP INDEX `+d.name); err != nil {
				return err
			}
		}
		return nil
	})
}

// makeIndexes makes what a bulk load has put off. It can be repeated.
func (db *DB) makeIndexes(ctx context.Context) error {
	list, err := all(ctx, db, scanDeferred, `SELECT name, statement FROM deferred_indexes ORDER BY id`)
	if err != nil {
		return err
	}
	for _, d := range list {
		err := db.update(ctx, func(ctx context.Context, t tx) error {
			// Another process may have made it by now.
			open, err := all(ctx, t, value[int64], `SELECT id FROM deferred_indexes WHERE name = $1`+db.dialect.lock, d.name)
			if err != nil || len(open) == 0 {
				return err
			}
			if _, err := t.exec(ctx, d.text); err != nil {
				return err
			}
			_, err = t.exec(ctx, `DELETE FROM deferred_indexes WHERE name = $1`, d.name)
			return err
		})
		if err != nil {
			return fmt.Errorf("make index %s: %w", d.name, err)
		}
	}
	return nil
}
