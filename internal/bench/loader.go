package bench

import (
	"context"
	"crypto/md5" //nolint:gosec // a column of the schema
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/store"
)

// filePath is the address of the n-th file.
func filePath(n int) string {
	return fmt.Sprintf("site-%03d/hole-%05d/assay-%07d.csv", n/10000, n/100, n)
}

// loadGroup is how many files go into one transaction.
const loadGroup = 20000

// load fills a workspace with empty files, one a second up to now, past the
// server, which must not run: through it this would take an hour. Each row is
// one that the server could have written; only the indexes are made afterwards.
func load(ctx context.Context, data, workspace string, rows int) error {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(data, "coreshed.db"))+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-200000)")
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	db.SetMaxOpenConns(1)
	err = loadInto(ctx, db, workspace, rows)
	return errors.Join(err, db.Close())
}

func loadInto(ctx context.Context, db *sql.DB, workspace string, rows int) error {
	l := loader{first: time.Now().Add(-time.Duration(rows) * time.Second)}
	if err := db.QueryRowContext(ctx, `SELECT id, (SELECT MIN(id) FROM people) FROM workspaces WHERE uuid = ?`, workspace).
		Scan(&l.workspace, &l.person); err != nil {
		return fmt.Errorf("find workspace: %w", err)
	}
	indexes, err := dropIndexes(ctx, db)
	if err != nil {
		return err
	}
	for from := 0; from < rows; from += loadGroup {
		if err := l.group(ctx, db, from, min(from+loadGroup, rows)); err != nil {
			return fmt.Errorf("load files: %w", err)
		}
	}
	// No ANALYZE: the server does none. With its samples SQLite would also plan
	// each statement anew for each value.
	for _, sql := range append(indexes, `PRAGMA wal_checkpoint(TRUNCATE)`) {
		if _, err := db.ExecContext(ctx, sql); err != nil {
			return fmt.Errorf("finish load: %w", err)
		}
	}
	_, err = db.ExecContext(ctx, `UPDATE workspaces SET live_files = live_files + ?, changes = changes + ? WHERE id = ?`, rows, rows, l.workspace)
	if err != nil {
		return fmt.Errorf("count files: %w", err)
	}
	return nil
}

// dropIndexes drops the indexes of files and versions and returns the
// statements that make them again.
func dropIndexes(ctx context.Context, db *sql.DB) ([]string, error) {
	var names, again []string
	rows, err := db.QueryContext(ctx, `SELECT name, sql FROM sqlite_schema
		WHERE type = 'index' AND tbl_name IN ('files', 'versions') AND sql IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("find indexes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, sql string
		if err := rows.Scan(&name, &sql); err != nil {
			return nil, fmt.Errorf("find indexes: %w", err)
		}
		names, again = append(names, name), append(again, sql)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("find indexes: %w", err)
	}
	for _, name := range names {
		if _, err := db.ExecContext(ctx, `DROP INDEX `+name); err != nil {
			return nil, fmt.Errorf("drop index: %w", err)
		}
	}
	return again, nil
}

type loader struct {
	workspace, person int64
	first             time.Time // when the first file was made
}

// group loads the files from … until in one transaction. The row ids of a file
// and of its version are the same: the tables are empty before.
func (l loader) group(ctx context.Context, db *sql.DB, from, until int) error {
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() //nolint:errcheck // after a commit there is nothing to undo
	files, err := t.PrepareContext(ctx, `
		INSERT INTO files (id, uuid, workspace_id, path, path_key, address, name_key, current_id, last_version_id,
			created_at, created_by, modified_at, modified_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $1, $8, $9, $10, $9, $10)`)
	if err != nil {
		return err
	}
	defer files.Close()
	versions, err := t.PrepareContext(ctx, `
		INSERT INTO versions (id, file_id, version_id, created_at, created_by, storage_path, size, etag, content_type,
			sha256, md5, prefix, commit_hash)
		VALUES ($1, $1, $2, $3, $4, $5, 0, $6, 'text/csv', $7, $8, $9, $7)`)
	if err != nil {
		return err
	}
	defer versions.Close()
	sha, md := sha256.Sum256(nil), md5.Sum(nil) //nolint:gosec // see the import
	for n := from; n < until; n++ {
		at := l.first.Add(time.Duration(n) * time.Second)
		path := filePath(n)
		_, name := coreshed.SplitPath(path)
		if _, err := files.ExecContext(ctx, n+1, uuid.NewString(), l.workspace, path, coreshed.FoldPath(path), store.Address(path),
			coreshed.FoldPath(name), at.UnixNano(), at.UnixMicro(), l.person); err != nil {
			return err
		}
		if _, err := versions.ExecContext(ctx, n+1, at.UnixNano(), at.UnixMicro(), l.person, path,
			`"0x`+strings.ToUpper(uuid.NewString()[:16])+`"`, sha[:], md[:], blob.NewPrefix()); err != nil {
			return err
		}
	}
	return t.Commit()
}
