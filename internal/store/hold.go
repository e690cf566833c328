package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// NewHold is a hold to be set: on a version, else on a file, else on a workspace.
type NewHold struct {
	Version   int64 // row id
	File      coreshed.UUID
	Workspace coreshed.UUID
	Direction coreshed.Direction // of a version's alone; "" is the version by itself
	Reason    string
	Until     time.Time // zero is until it is lifted
}

// heldThing is what a hold is on, as rows name it.
type heldThing struct {
	workspace     int64
	file, version sql.NullInt64
	uuid          uuid.NullUUID // of the file
}

// AddHold sets a hold. NotFound when what is to be held is not in the view,
// Forbidden to those who do not own its workspace, Conflict when a purge is
// already removing what would be protected.
func (db *DB) AddHold(ctx context.Context, view coreshed.View, n NewHold) (coreshed.Hold, error) {
	var h coreshed.Hold
	if err := n.check(db.now()); err != nil {
		return h, err
	}
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		thing, err := n.find(ctx, t, view)
		if err != nil {
			return err
		}
		if err := ownedIn(view, thing.workspace); err != nil {
			return err
		}
		if err := notBeingRemoved(ctx, t, thing, n.Direction); err != nil {
			return err
		}
		person, err := personRow(ctx, t, view.Actor.ID)
		if err != nil {
			return err
		}
		id, err := insert(ctx, t, `INSERT INTO holds (workspace_id, file_id, file_uuid, version_row, direction, reason, created_at, created_by, until_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`, thing.workspace, thing.file, thing.uuid, thing.version,
			string(n.Direction), n.Reason, db.micros(), person, microsOr(n.Until))
		if err != nil {
			return err
		}
		if h, err = holdOf(ctx, t, db.dialect, view, id); err != nil {
			return err
		}
		return audit(ctx, t, act{by: view.Actor, action: coreshed.ActHoldPlace, kind: coreshed.AuditHold, id: id, workspace: thing.workspace, details: details{"reason": n.Reason}})
	})
	return h, err
}

// check refuses what no hold can be.
func (n NewHold) check(now time.Time) error {
	if err := checkReason(n.Reason); err != nil {
		return err
	}
	field, msg := "", ""
	switch {
	case n.Version == 0 && n.Direction != "":
		field, msg = "direction", "Only the hold of a version has a direction."
	case n.Direction != "" && n.Direction != coreshed.Up && n.Direction != coreshed.Down && n.Direction != coreshed.Both:
		field, msg = "direction", "The direction is up, down or both."
	case !n.Until.IsZero() && !n.Until.After(now):
		field, msg = "until", "A hold cannot end before it begins."
	default:
		return nil
	}
	err := coreshed.Errorf(coreshed.Invalid, "%s", msg)
	err.Field = field
	return err
}

// checkReason refuses a reason that tells nobody why.
func checkReason(reason string) error {
	if strings.TrimSpace(reason) != "" && len(reason) <= coreshed.MaxHoldReason && storable(reason) {
		return nil
	}
	err := coreshed.Errorf(coreshed.Invalid, "A reason is needed, in at most %d bytes.", coreshed.MaxHoldReason)
	err.Field = "reason"
	return err
}

// find finds what is to be held, and locks a file, so that it is held and
// deleted one after the other.
func (n NewHold) find(ctx context.Context, t tx, view coreshed.View) (heldThing, error) {
	c := &conditions{}
	var query string
	msg := "There is no such version."
	switch {
	case n.Version != 0:
		query = `SELECT v.workspace_id, v.file_id, v.id, f.uuid FROM files f JOIN versions v ON v.file_id = f.id WHERE `
		c.add(`v.id = ?`, n.Version)
		c.seen(t.db().dialect, view)
	case n.File != uuid.Nil:
		query, msg = `SELECT f.workspace_id, f.id, NULL, f.uuid FROM files f WHERE `, "The file does not exist."
		c.add(`f.uuid = ?`, n.File)
		c.terms = append(c.terms, `EXISTS (SELECT 1 FROM versions v WHERE v.file_id = f.id)`)
		c.seenIn(t.db().dialect, view, `f.workspace_id`)
	default:
		query, msg = `SELECT f.id, NULL, NULL, NULL FROM workspaces f WHERE `, "The workspace does not exist."
		c.add(`f.uuid = ?`, n.Workspace)
		c.seenIn(t.db().dialect, view, `f.id`)
	}
	lock := t.db().dialect.lock
	if lock != "" {
		lock += ` OF f`
	}
	thing, err := one(ctx, t, func(rows *sql.Rows) (heldThing, error) {
		var h heldThing
		return h, rows.Scan(&h.workspace, &h.file, &h.version, &h.uuid)
	}, query+c.text()+lock, c.args...)
	return thing, notFound(err, msg)
}

// ownedIn fails with Forbidden unless the caller owns a workspace of the view.
func ownedIn(view coreshed.View, workspace int64) error {
	return coreshed.Access{Actor: view.Actor, Role: view.Roles[workspace]}.Require(coreshed.Owner)
}

// LiftHold ends a hold. Its row stays. Lifting it again changes nothing. NotFound
// when there is none in the view, Forbidden to those who do not own its workspace.
func (db *DB) LiftHold(ctx context.Context, view coreshed.View, id int64) (coreshed.Hold, error) {
	var h coreshed.Hold
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		if h, err = holdOf(ctx, t, db.dialect, view, id); err != nil {
			return err
		}
		if err := ownedIn(view, h.Workspace.ID); err != nil || !h.LiftedAt.IsZero() {
			return err
		}
		person, err := personRow(ctx, t, view.Actor.ID)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE holds SET lifted_at = $2, lifted_by = $3 WHERE id = $1 AND lifted_at IS NULL`, id, db.micros(), person); err != nil {
			return err
		}
		if h, err = holdOf(ctx, t, db.dialect, view, id); err != nil {
			return err
		}
		return audit(ctx, t, act{by: view.Actor, action: coreshed.ActHoldLift, kind: coreshed.AuditHold, id: id, workspace: h.Workspace.ID})
	})
	return h, err
}

// HoldFilter says which holds are wanted; nil is any.
type HoldFilter struct {
	Workspace []int64
	File      *coreshed.UUID // on it or one of its versions
	InForce   *bool          // now
}

// Holds returns a page of the holds of the view, the newest first, and how many
// there are.
func (db *DB) Holds(ctx context.Context, view coreshed.View, f HoldFilter, page coreshed.Page) ([]coreshed.Hold, int64, error) {
	c := &conditions{}
	c.seenIn(db.dialect, view, `h.workspace_id`)
	c.anyID(db.dialect, `h.workspace_id`, f.Workspace)
	if f.File != nil {
		c.add(`h.file_uuid = ?`, *f.File)
	}
	if f.InForce != nil {
		force := inForce(`h`, c.arg(db.micros()))
		if !*f.InForce {
			force = `NOT (` + force + `)`
		}
		c.terms = append(c.terms, force)
	}
	return pageOf(ctx, db, scanHold, holdColumns, holdFrom, c, ` ORDER BY h.id DESC`, page)
}

// Hold returns the hold with that id. NotFound when there is none in the view.
func (db *DB) Hold(ctx context.Context, view coreshed.View, id int64) (coreshed.Hold, error) {
	return holdOf(ctx, db, db.dialect, view, id)
}

func holdOf(ctx context.Context, q querier, d dialect, view coreshed.View, id int64) (coreshed.Hold, error) {
	c := &conditions{}
	c.add(`h.id = ?`, id)
	c.seenIn(d, view, `h.workspace_id`)
	h, err := one(ctx, q, scanHold, `SELECT `+holdColumns+` `+holdFrom+` WHERE `+c.text(), c.args...)
	return h, notFound(err, "There is no such hold.")
}

const (
	holdColumns = `h.id, w.id, w.uuid, w.name, w.base_url, h.file_uuid, COALESCE(f.path, ''), COALESCE(h.version_row, 0), h.direction, h.reason,
		h.created_at, h.until_at, h.lifted_at, a.uuid, a.name, a.email, l.uuid, l.name, l.email`

	holdFrom = `FROM holds h JOIN workspaces w ON w.id = h.workspace_id LEFT JOIN files f ON f.id = h.file_id
		LEFT JOIN people a ON a.id = h.created_by LEFT JOIN people l ON l.id = h.lifted_by`
)

func scanHold(rows *sql.Rows) (coreshed.Hold, error) {
	var h coreshed.Hold
	var file uuid.NullUUID
	var created int64
	var until, lifted sql.NullInt64
	var author, lifter nullPerson
	dest := append([]any{&h.ID}, workspaceInto(&h.Workspace)...)
	err := rows.Scan(append(dest, &file, &h.Path, &h.Version, &h.Direction, &h.Reason, &created, &until, &lifted,
		&author.id, &author.name, &author.email, &lifter.id, &lifter.name, &lifter.email)...)
	h.File, h.CreatedBy, h.LiftedBy = file.UUID, author.person(), lifter.person()
	h.CreatedAt, h.Until, h.LiftedAt = timeOf(created), timeOrZero(until), timeOrZero(lifted)
	switch {
	case h.Version != 0:
		h.Kind = coreshed.HoldVersion
	case file.Valid:
		h.Kind = coreshed.HoldFile
	default:
		h.Kind = coreshed.HoldWorkspace
	}
	return h, err
}
