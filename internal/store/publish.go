package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/coreshed/coreshed"
)

// PublishRun publishes what the latest try of a completed run has put out, as
// its completion has done: again, after it was taken back. Nothing happens when
// the run has been superseded. A run that has not completed is a Conflict, and so
// is one whose products have all been made anew in their files.
func (db *DB) PublishRun(ctx context.Context, view coreshed.View, id int64) error {
	return db.changeRun(ctx, view, id, func(ctx context.Context, t tx, r *runState) error {
		if r.status != coreshed.Completed {
			return coreshed.Errorf(coreshed.Conflict, "Only a run that has completed can be published: this one is %s.", r.status)
		}
		if err := lockFilesOfRun(ctx, t, r); err != nil {
			return err
		}
		if err := mayPublish(ctx, t, r); err != nil {
			return err
		}
		return publish(ctx, t, view, r)
	})
}

// mayPublish refuses a run of which nothing would be published.
func mayPublish(ctx context.Context, t tx, r *runState) error {
	ids, err := latestProducts(ctx, t, r)
	if err != nil || len(ids) == 0 || r.superseded {
		return err
	}
	last, before, err := placesOf(ctx, t, ids)
	if err == nil && len(last)+len(before) == 0 {
		err = coreshed.Errorf(coreshed.Conflict, "The products of the run have been made anew in their files.")
	}
	return err
}

// latestProducts are the products of a run's latest try.
func latestProducts(ctx context.Context, t tx, r *runState) ([]int64, error) {
	return all(ctx, t, value[int64], `SELECT id FROM versions WHERE job_id = $1 AND job_exe_id = $2 ORDER BY id`, r.id, r.exe.id)
}

// UnpublishRun takes back what a run has published. Its files keep their bytes
// and stay what they are.
func (db *DB) UnpublishRun(ctx context.Context, view coreshed.View, id int64) error {
	return db.changeRun(ctx, view, id, func(ctx context.Context, t tx, r *runState) error {
		if err := lockFilesOfRun(ctx, t, r); err != nil {
			return err
		}
		return unpublish(ctx, t, r.by, t.db().micros(), `id = $1`, r.id)
	})
}

// publish does what the contract (Scale v6 §6.7) says of a run that has
// completed.
func publish(ctx context.Context, t tx, view coreshed.View, r *runState) error {
	if r.superseded {
		return nil
	}
	now := t.db().micros()
	if r.line != 0 {
		if err := unpublish(ctx, t, r.by, now, `id <> $1 AND (id = $2 OR root_superseded_job_id = $2)`, r.id, r.line); err != nil {
			return err
		}
	}
	ids, err := latestProducts(ctx, t, r)
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE jobs SET published_at = $2, modified_at = $2 WHERE id = $1`, r.id, now); err != nil {
		return err
	}
	if err := r.audit(ctx, t, coreshed.ActRunPublish, details{"versions": ids}); err != nil {
		return err
	}
	return publishVersions(ctx, t, view, ids)
}

// unpublish takes back what the runs of which the condition is true have
// published.
func unpublish(ctx context.Context, t tx, by coreshed.Actor, at int64, where string, args ...any) error {
	runs, err := all(ctx, t, func(rows *sql.Rows) (*runState, error) {
		r := &runState{by: by}
		return r, rows.Scan(&r.id, &r.workspace)
	}, `SELECT id, workspace_id FROM jobs WHERE published_at IS NOT NULL AND `+where+` ORDER BY id`, args...)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if err := r.audit(ctx, t, coreshed.ActRunUnpublish, nil); err != nil {
			return err
		}
	}
	ids, err := all(ctx, t, value[int64], `SELECT v.id FROM versions v WHERE v.job_id IN (SELECT id FROM jobs WHERE `+where+`)
		AND v.published_at IS NOT NULL AND v.unpublished_at IS NULL ORDER BY v.id`, args...)
	if err != nil {
		return err
	}
	if err := changeEntries(ctx, t, ids, assignment{"unpublished_at", at}); err != nil {
		return err
	}
	modified := placeholders(len(args)+1, 1)
	_, err = t.exec(ctx, `UPDATE jobs SET published_at = NULL, modified_at = `+modified+` WHERE published_at IS NOT NULL AND `+where, append(args, at)...)
	return err
}

// publishVersions publishes products. All others that were ever published and
// are the same thing are superseded, wherever the publisher may change them, and
// those that were held back take their places in their files. What has been made
// anew in its file is left alone.
func publishVersions(ctx context.Context, t tx, view coreshed.View, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	last, before, err := placesOf(ctx, t, ids)
	if err != nil {
		return err
	}
	if ids = append(slices.Clone(last), before...); len(ids) == 0 {
		return nil
	}
	now := t.db().micros()
	if err := supersedeSame(ctx, t, view, now, ids); err != nil {
		return err
	}
	published := []assignment{{"published_at", now}, {"unpublished_at", nil}}
	if err := changeEntries(ctx, t, before, published...); err != nil {
		return err
	}
	if err := changeEntries(ctx, t, last, append(published, assignment{"superseded_at", nil})...); err != nil {
		return err
	}
	held, err := heldOf(ctx, t, ids)
	if err != nil {
		return err
	}
	for _, h := range held {
		if err := h.join(ctx, t, now); err != nil {
			return err
		}
	}
	return nil
}

// placesOf tells which of the versions are the last of their files, or will be
// when they join them, and which have others behind them and stay superseded.
// Those whose product has been published anew behind them are neither.
func placesOf(ctx context.Context, t tx, ids []int64) (last, before []int64, err error) {
	c := &conditions{}
	c.anyID(t.db().dialect, `v.id`, ids)
	_, err = all(ctx, t, func(rows *sql.Rows) (bool, error) {
		var id int64
		var current bool
		err := rows.Scan(&id, &current)
		if current {
			last = append(last, id)
		} else {
			before = append(before, id)
		}
		return current, err
	}, `SELECT v.id, v.held = 1 OR f.current_id = v.id FROM versions v JOIN files f ON f.id = v.file_id WHERE `+c.text()+`
		AND (v.held = 1 OR NOT EXISTS (SELECT 1 FROM versions n WHERE n.file_id = v.file_id AND n.product_key = v.product_key AND n.held = 0
			AND n.published_at IS NOT NULL AND (COALESCE(n.joined_at, n.created_at), n.id) > (COALESCE(v.joined_at, v.created_at), v.id)))
		ORDER BY v.id`, c.args...)
	return last, before, err
}

// supersedeSame supersedes the products that these make anew, where the caller
// may change them.
func supersedeSame(ctx context.Context, t tx, view coreshed.View, at int64, ids []int64) error {
	c := &conditions{}
	c.anyID(t.db().dialect, `n.id`, ids)
	c.changedBy(t.db().dialect, view, `v.workspace_id`)
	kept := &conditions{args: c.args}
	kept.anyID(t.db().dialect, `v.id`, ids)
	same, err := all(ctx, t, func(rows *sql.Rows) (same struct {
		id, workspace int64
		published     bool
	}, err error) {
		return same, rows.Scan(&same.id, &same.workspace, &same.published)
	}, `SELECT DISTINCT v.id, v.workspace_id, v.unpublished_at IS NULL FROM versions n JOIN versions v ON v.product_key = n.product_key
		WHERE `+c.text()+` AND v.published_at IS NOT NULL AND (v.superseded_at IS NULL OR v.unpublished_at IS NULL)
		AND NOT (`+kept.text()+`) ORDER BY v.id`, kept.args...)
	if err != nil {
		return err
	}
	var published, others []int64
	for _, s := range same {
		if s.published {
			published = append(published, s.id)
		} else {
			others = append(others, s.id)
		}
		if err := auditVersion(ctx, t, view.Actor, coreshed.ActVersionSupersede, s.id, s.workspace, details{"by": ids}); err != nil {
			return err
		}
	}
	if err := changeEntries(ctx, t, published, assignment{"superseded_at", at}, assignment{"unpublished_at", at}); err != nil {
		return err
	}
	return changeEntries(ctx, t, others, assignment{"superseded_at", at})
}

// heldVersion is an output that is not yet one of its file's versions.
type heldVersion struct {
	id, file, workspace int64
	path                string
	person              sql.NullInt64
	first, deleted      bool
}

// heldOf locks the files of those of the versions that are held back, and
// returns them in the order of the files.
func heldOf(ctx context.Context, t tx, ids []int64) ([]heldVersion, error) {
	c := &conditions{}
	c.anyID(t.db().dialect, `v.id`, ids)
	return all(ctx, t, func(rows *sql.Rows) (heldVersion, error) {
		var h heldVersion
		return h, rows.Scan(&h.id, &h.file, &h.workspace, &h.path, &h.person, &h.first, &h.deleted)
	}, `SELECT v.id, f.id, f.workspace_id, f.path, v.created_by, f.current_id IS NULL, f.deleted_at IS NOT NULL
		FROM versions v JOIN files f ON f.id = v.file_id WHERE v.held = 1 AND `+c.text()+` ORDER BY f.id, v.id`+t.db().dialect.lock, c.args...)
}

// join puts a version at the end of its file's commit sequence.
func (h heldVersion) join(ctx context.Context, t tx, now int64) error {
	last, err := one(ctx, t, value[int64], `SELECT COALESCE(MAX(COALESCE(joined_at, created_at)), 0) FROM versions WHERE file_id = $1 AND id <> $2`, h.file, h.id)
	if err != nil {
		return err
	}
	at := max(now, last+1)
	if err := supersedeBefore(ctx, t, h.file, h.id, at); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE versions SET held = 0, joined_at = $2 WHERE id = $1`, h.id, at); err != nil {
		return err
	}
	// Another of the run's outputs may have been the file's first.
	if h.first, err = one(ctx, t, value[bool], `SELECT current_id IS NULL FROM files WHERE id = $1`, h.file); err != nil {
		return err
	}
	if h.first {
		err = takeAddress(ctx, t, openUpload{file: h.file, workspace: h.workspace, path: h.path, person: h.person}, h.id, at)
	} else {
		_, err = t.exec(ctx, `UPDATE files SET current_id = $2, modified_at = $3, modified_by = $4 WHERE id = $1`, h.file, h.id, at, h.person)
	}
	if err != nil {
		return err
	}
	return count(ctx, t, h.workspace, h.counted())
}

// counted is what the counters of the workspace's files learn.
func (h heldVersion) counted() totals {
	switch {
	case h.first && h.deleted:
		return totals{deleted: 1}
	case h.first:
		return totals{live: 1}
	}
	return totals{}
}
