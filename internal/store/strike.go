package store

import (
	"context"
	"database/sql"

	"github.com/coreshed/coreshed"
)

func scanStrike(rows *sql.Rows) (coreshed.Strike, error) {
	o, err := scanOrigin(rows)
	return coreshed.Strike{Origin: o}, err
}

const strikesFrom = `strikes o` + originJoins

// Strikes returns a page of the strikes whose workspaces are in the view, and
// how many there are.
func (db *DB) Strikes(ctx context.Context, view coreshed.View, f coreshed.OriginFilter, order []coreshed.Order, page coreshed.Page) ([]coreshed.Strike, int64, error) {
	s := selection{originColumns, strikesFrom, originConditions(db.dialect, view, f), originSorting}
	return sortedPage(ctx, db, s, scanStrike, order, page)
}

// Strike returns the strike with that id. NotFound when there is none whose
// workspace is in the view.
func (db *DB) Strike(ctx context.Context, view coreshed.View, id int64) (coreshed.Strike, error) {
	c := originConditions(db.dialect, view, coreshed.OriginFilter{})
	c.add(`o.id = ?`, id)
	s, err := one(ctx, db, scanStrike, `SELECT `+originColumns+` FROM `+strikesFrom+` WHERE `+c.text(), c.args...)
	return s, notFound(err, "Not found.")
}

// AddStrike makes a strike with its job; whoever may watch begins at once.
func (db *DB) AddStrike(ctx context.Context, view coreshed.View, o coreshed.Origin) (coreshed.Strike, error) {
	var id int64
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		var err error
		if id, err = addOrigin(ctx, t, "strikes", view, o); err != nil {
			return err
		}
		job, err := addSystemJob(ctx, t, view.Org, o.Workspace, StrikeJob, "STRIKE_CREATED")
		if err != nil {
			return err
		}
		if _, err = t.exec(ctx, `UPDATE strikes SET job_id = $2 WHERE id = $1`, id, job); err != nil {
			return err
		}
		return auditOrigin(ctx, t, view, coreshed.ActStrikeMake, coreshed.AuditStrike, id, o.Workspace, details{"title": o.Title})
	})
	if err != nil {
		return coreshed.Strike{}, err
	}
	return db.Strike(ctx, view, id)
}

// EditStrike changes a strike. Its watcher reads it before its next pass. What
// was on its way in another workspace is not waited for.
func (db *DB) EditStrike(ctx context.Context, view coreshed.View, id int64, e coreshed.OriginEdit) error {
	s, err := db.Strike(ctx, view, id)
	if err != nil {
		return err
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := editOrigin(ctx, t, "strikes", view, id, e); err != nil {
			return err
		}
		err := auditOrigin(ctx, t, view, coreshed.ActStrikeChange, coreshed.AuditStrike, id, s.Workspace, originSaid(e))
		if err != nil || e.Configuration == nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE ingests SET status = 'ERRORED', reason = $3, modified_at = $4
			WHERE strike_id = $1 AND status IN ('TRANSFERRING', 'TRANSFERRED') AND workspace_id <> $2`,
			id, e.Workspace, "The strike watches another workspace now.", db.micros())
		return err
	})
}

const liveStrikes = `SELECT ` + originColumns + ` FROM ` + strikesFrom + ` JOIN workspaces w ON w.id = o.workspace_id
	WHERE w.deleted_at IS NULL`

// AllStrikes returns every strike of the store whose workspace is live, for
// those who watch.
func (db *DB) AllStrikes(ctx context.Context) ([]coreshed.Strike, error) {
	return all(ctx, db, scanStrike, liveStrikes+` ORDER BY o.id`)
}

// StrikeOf returns one of AllStrikes, NotFound when it is none.
func (db *DB) StrikeOf(ctx context.Context, id int64) (coreshed.Strike, error) {
	return one(ctx, db, scanStrike, liveStrikes+` AND o.id = $1`, id)
}

// StrikeRuns records that a strike is being watched.
func (db *DB) StrikeRuns(ctx context.Context, s coreshed.Strike) error {
	if s.Job == nil || s.Job.Status == "RUNNING" {
		return nil
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := setSystemJob(ctx, t, s.Job.ID, "RUNNING")
		return err
	})
}

// WorkspaceBeside returns the row id of the live workspace with that name in
// the organisation of another. NotFound when there is none.
func (db *DB) WorkspaceBeside(ctx context.Context, workspace int64, name string) (int64, error) {
	return one(ctx, db, value[int64], `SELECT n.id FROM workspaces w JOIN workspaces n ON n.org_id = w.org_id
		WHERE w.id = $1 AND n.name = $2 AND n.deleted_at IS NULL`, workspace, name)
}
