package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreshed/coreshed/internal/blob"
)

// outputsOfRun is how many versions a run puts out that is purged.
const outputsOfRun = 10

// load fills a catalogue while no server runs: with versions without bytes, and
// with three sources and what was derived from them, each with an object.
func (b *purgeBench) load(ctx context.Context) error {
	g := &graph{log: b.Log}
	err := g.open(ctx, b.Binary, b.dir, b.data, func(ctx context.Context) (err error) {
		if err := g.types(ctx); err != nil {
			return err
		}
		for n := 0; n < b.Rows; n += bulkGroup {
			ids, err := g.versions(ctx, min(bulkGroup, b.Rows-n), nil)
			if err != nil {
				return err
			}
			b.others = append(b.others, ids...)
		}
		g.size = smallSize
		if b.few, err = g.derive(ctx, b.Few); err != nil {
			return err
		}
		if b.many, err = g.derive(ctx, b.Derived); err != nil {
			return err
		}
		if b.Readers {
			b.read, err = g.derive(ctx, b.Derived)
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.writeObjects(ctx)
}

// derive makes a version from which n others are derived: runs that each read one
// and put out ten, from the first on.
func (g *graph) derive(ctx context.Context, n int) (int64, error) {
	made, err := g.versions(ctx, 1, nil)
	if err != nil {
		return 0, err
	}
	for read := 0; len(made) <= n; {
		reads := min(len(made)-read, bulkGroup/outputsOfRun)
		inputs := made[read : read+reads]
		ids, err := g.make(ctx, len(inputs), outputsOfRun, n+1-len(made), func(i int) []int64 { return inputs[i : i+1] })
		if err != nil {
			return 0, err
		}
		read += reads
		made = append(made, ids...)
	}
	return made[0], nil
}

// writeObjects writes the object of each version that has a size, with its row.
func (b *purgeBench) writeObjects(ctx context.Context) error {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(b.data, "coreshed.db"))+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	db.SetMaxOpenConns(1)
	prefixes, err := b.prefixes(ctx, db)
	if err == nil {
		err = b.writeEach(ctx, db, prefixes)
	}
	return errors.Join(err, db.Close())
}

// prefixes returns those of versions that have a size, by their row ids.
func (b *purgeBench) prefixes(ctx context.Context, db *sql.DB) (map[int64]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT id, prefix FROM versions WHERE size > 0`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[int64]string{}
	for rows.Next() {
		var id int64
		var prefix string
		if err := rows.Scan(&id, &prefix); err != nil {
			return nil, err
		}
		found[id] = prefix
	}
	return found, rows.Err()
}

func (b *purgeBench) writeEach(ctx context.Context, db *sql.DB, prefixes map[int64]string) error {
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() //nolint:errcheck // after a commit there is nothing to undo
	content := randomBytes(smallSize)
	sum := sha256.Sum256(content)
	for id, prefix := range prefixes {
		key := blob.NewKey(prefix)
		if _, err := t.ExecContext(ctx, `INSERT INTO extents (version_row, offset_bytes, size, object_key, sha256) VALUES ($1, 0, $2, $3, $4)`,
			id, len(content), key, sum[:]); err != nil {
			return err
		}
		folder := filepath.Join(b.data, "objects", key[:2])
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, strings.Replace(key, "/", ".", 1)), content, 0o600); err != nil {
			return err
		}
	}
	return t.Commit()
}
