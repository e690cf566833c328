package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/coreshed/coreshed"
)

// ExpiredFile is a deleted file whose workspace does not keep it any longer.
type ExpiredFile struct {
	ID, Workspace int64 // row ids
	UUID          coreshed.UUID
	DeletedAt     time.Time
}

// ExpiredFiles returns up to limit deleted files whose retention was over at a
// time, and which no hold protects: by workspace, the oldest first. A file of
// which nothing was ever committed is none of them.
func (db *DB) ExpiredFiles(ctx context.Context, at time.Time, limit int) ([]ExpiredFile, error) {
	var expired []ExpiredFile
	err := db.view(ctx, func(ctx context.Context, t tx) error {
		var last ExpiredFile
		for len(expired) < limit {
			page, err := expiredAfter(ctx, t, at, last)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, f := range page {
				h, err := heldFile(ctx, t, f.ID)
				if err != nil {
					return err
				}
				if h.id == 0 && len(expired) < limit {
					expired = append(expired, f)
				}
			}
			last = page[len(page)-1]
		}
		return nil
	})
	return expired, err
}

// expiredPage is how many files are looked at at once.
const expiredPage = 500

// expiredAfter returns some of the files whose retention is over, those after
// one of them. Those of workspaces that are held whole are not worth a look.
func expiredAfter(ctx context.Context, t tx, at time.Time, last ExpiredFile) ([]ExpiredFile, error) {
	return all(ctx, t, func(rows *sql.Rows) (ExpiredFile, error) {
		var f ExpiredFile
		var deleted int64
		err := rows.Scan(&f.ID, &f.UUID, &f.Workspace, &deleted)
		f.DeletedAt = timeOf(deleted)
		return f, err
	}, `SELECT f.id, f.uuid, w.id, f.deleted_at FROM workspaces w JOIN files f ON f.workspace_id = w.id
		WHERE w.retention IS NOT NULL AND f.deleted_at IS NOT NULL AND f.current_id IS NOT NULL AND f.deleted_at <= $1 - w.retention * 1000000
			AND (w.id > $2 OR w.id = $2 AND (f.deleted_at > $3 OR f.deleted_at = $3 AND f.id > $4))
			AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.workspace_id = w.id AND h.file_id IS NULL AND `+inForce(`h`, `$5`)+`)
		ORDER BY w.id, f.deleted_at, f.id LIMIT $6`,
		at.UnixMicro(), last.Workspace, last.DeletedAt.UnixMicro(), last.ID, t.db().micros(), expiredPage)
}
