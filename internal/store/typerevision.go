package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/coreshed/coreshed"
)

// typeRow is a job type or a recipe type as rows name it.
type typeRow struct {
	id, revision int64 // the current one
	maker        sql.NullInt64
	system       bool
	mine         bool // the caller says what is current
}

const typeRowColumns = `id, revision_num, created_by, is_system > 0`

func scanTypeRow(rows *sql.Rows) (typeRow, error) {
	var r typeRow
	return r, rows.Scan(&r.id, &r.revision, &r.maker, &r.system)
}

// of says whether a type is the caller's: who made it, or an admin. The server's
// own are nobody's.
func (r typeRow) of(view coreshed.View, caller sql.NullInt64) typeRow {
	r.mine = !r.system && (view.Admin || caller.Valid && caller == r.maker)
	return r
}

// revisions is where the revisions of a kind of types are.
type revisions struct{ types, table, key, document string }

var (
	jobTypeTables    = revisions{"job_types", "job_type_revisions", "job_type_id", "manifest"}
	recipeTypeTables = revisions{"recipe_types", "recipe_type_revisions", "recipe_type_id", "definition"}
)

// revise returns a type that is locked, in the revision which has the document:
// the current one when nothing is said. A new one becomes current if the type is
// the caller's. Of the server's own types there is but one.
func revise(ctx context.Context, t tx, r revisions, row typeRow, document json.RawMessage) (typeRow, error) {
	text, err := object(document)
	if err != nil {
		return row, err
	}
	if row.revision == 0 {
		row.mine = true // its first
	} else if document == nil || row.system {
		return row, nil
	}
	known, err := r.find(ctx, t, row, text)
	if err == nil {
		row.revision = known
		return row, nil
	}
	if !errors.Is(err, coreshed.NotFound) {
		return row, err
	}
	return r.add(ctx, t, row, text)
}

// find returns the revision that has a document; of a type of the caller's, only
// the current one counts.
func (r revisions) find(ctx context.Context, t tx, row typeRow, text string) (int64, error) {
	return one(ctx, t, value[int64], `SELECT revision_num FROM `+r.table+` WHERE `+r.key+` = $1 AND `+r.document+` = $2
		AND ($3 = 0 OR revision_num = $4) ORDER BY revision_num = $4 DESC, revision_num DESC LIMIT 1`, row.id, text, btoi(row.mine), row.revision)
}

func (r revisions) add(ctx context.Context, t tx, row typeRow, text string) (typeRow, error) {
	last, err := one(ctx, t, value[int64], `SELECT COALESCE(MAX(revision_num), 0) FROM `+r.table+` WHERE `+r.key+` = $1`, row.id)
	if err != nil {
		return row, err
	}
	row.revision = last + 1
	now := t.db().micros()
	if _, err := t.exec(ctx, `INSERT INTO `+r.table+` (`+r.key+`, revision_num, `+r.document+`, created_at) VALUES ($1, $2, $3, $4)`,
		row.id, row.revision, text, now); err != nil || !row.mine {
		return row, err
	}
	_, err = t.exec(ctx, `UPDATE `+r.types+` SET revision_num = $2, modified_at = $3 WHERE id = $1`, row.id, row.revision, now)
	return row, err
}
