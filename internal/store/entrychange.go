package store

import (
	"context"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
)

// workspacesOf returns the row ids of a view's workspaces, sorted, so that equal
// views give equal queries.
func workspacesOf(view coreshed.View) []int64 {
	ids := make([]int64, 0, len(view.Roles))
	for id := range view.Roles {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// assignment sets a column of versions.
type assignment struct {
	column string // a constant
	value  any
}

// changeChunk is how many versions one statement changes.
const changeChunk = 100

// changeEntries changes versions that are in the catalogue, and sets when they
// were modified. Nothing else may change a column that lists of entries show,
// filter or sort by.
func changeEntries(ctx context.Context, t tx, ids []int64, set ...assignment) error {
	now := t.db().micros()
	for chunk := range slices.Chunk(ids, changeChunk) {
		c := &conditions{}
		if _, err := t.exec(ctx, c.changeVersions(now, set)+` WHERE id IN (`+c.list(chunk)+`)`, c.args...); err != nil {
			return err
		}
		c = &conditions{}
		if _, err := t.exec(ctx, `UPDATE version_countries SET modified_at = `+c.arg(now)+` WHERE version_row IN (`+c.list(chunk)+`)`, c.args...); err != nil {
			return err
		}
	}
	return nil
}

// changeVersions is changeEntries for all versions of a file.
func changeVersions(ctx context.Context, t tx, file int64, set ...assignment) error {
	now, c := t.db().micros(), &conditions{}
	if _, err := t.exec(ctx, c.changeVersions(now, set)+` WHERE file_id = `+c.arg(file), c.args...); err != nil {
		return err
	}
	_, err := t.exec(ctx, `UPDATE version_countries SET modified_at = $1 WHERE version_row IN (SELECT id FROM versions WHERE file_id = $2)`, now, file)
	return err
}

func (c *conditions) changeVersions(now int64, set []assignment) string {
	columns := []string{"modified_at = " + c.arg(now)}
	for _, a := range set {
		columns = append(columns, a.column+" = "+c.arg(a.value))
	}
	return `UPDATE versions SET ` + strings.Join(columns, ", ")
}
