package store

import (
	"context"
	"errors"

	"github.com/coreshed/coreshed"
)

// take waits for a lock that the transaction then has until its end.
func (d dialect) take(ctx context.Context, t tx, statement string) error {
	if statement == "" {
		return nil
	}
	_, err := all(ctx, t, value[any], statement)
	return err
}

// usable fails when a purge is to remove one of these things, which nothing new
// may be linked with: Conflict while it does, Gone once it has. Until the
// transaction ends none begins to.
func usable(ctx context.Context, t tx, kind int64, ids ...int64) error {
	d := t.db().dialect
	if len(ids) == 0 {
		return nil
	}
	if err := d.take(ctx, t, d.links); err != nil {
		return err
	}
	c := &conditions{}
	c.add(`kind = ?`, kind)
	c.anyID(d, `item_id`, ids)
	marked, err := one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM purging WHERE `+c.text()+`)`, c.args...)
	if err == nil && marked {
		err = coreshed.Errorf(coreshed.Conflict, "The %s is being purged.", kindNames[kind])
	}
	return err
}

// usableFile is usable for all versions of a file.
func usableFile(ctx context.Context, t tx, file int64) error {
	versions, err := all(ctx, t, value[int64], `SELECT id FROM versions WHERE file_id = $1`, file)
	if err != nil {
		return err
	}
	return usable(ctx, t, rowVersion, versions...)
}

// late says of what is not there that it has been purged, if it was, from a
// workspace of the view. A file is looked for by its UUID.
func late(ctx context.Context, q querier, view coreshed.View, err error, kind, id int64, file coreshed.UUID) error {
	if !errors.Is(err, coreshed.NotFound) {
		return err
	}
	from, failed := all(ctx, q, value[int64], `SELECT workspace_id FROM tombstones WHERE kind = $1 AND item_id = $2
		UNION SELECT workspace_id FROM tombstones WHERE kind = 3 AND file_uuid = $3`, kind, id, file)
	if failed != nil {
		return failed
	}
	for _, w := range from {
		if view.Everything || view.Sees(w) {
			return coreshed.Errorf(coreshed.Gone, "The %s has been purged.", kindNames[kind])
		}
	}
	return err
}

// kindNames are the words for kinds of rows.
var kindNames = [...]string{rowVersion: "version", rowRun: "run", rowRecipe: "recipe", rowFile: "file"}
