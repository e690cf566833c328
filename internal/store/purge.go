package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/killpoint"
)

// NewPurge is a purge to be planned.
type NewPurge struct {
	Versions    []int64         // row ids
	Files       []coreshed.UUID // all their versions
	Filter      *coreshed.PurgeFilter
	Scope       coreshed.PurgeScope
	SourceBytes bool
	Reason      string
}

// maxSources is how many versions one purge is asked for by itself.
const maxSources = 100_000

// PlanPurge finds out what a purge would remove, and keeps that as its plan.
// NotFound when one of the sources is not in the view, or nothing in it matches the
// filter, Forbidden when the caller does not own the workspace of one.
func (db *DB) PlanPurge(ctx context.Context, view coreshed.View, n NewPurge) (coreshed.Purge, error) {
	var p coreshed.Purge
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		versions, err := n.sources(ctx, t, view)
		if err != nil {
			return err
		}
		id, err := addPurge(ctx, t, view, n, versions)
		if err != nil {
			return err
		}
		killpoint.Reach("plan.asked")
		p, err = plan(ctx, t, view, id)
		killpoint.Reach("plan.found")
		return err
	})
	killpoint.Reach("plan.stored")
	return p, err
}

// sources returns the versions that are asked for, sorted.
func (n NewPurge) sources(ctx context.Context, t tx, view coreshed.View) ([]int64, error) {
	workspaces := map[int64]bool{}
	found := slices.Clone(n.Versions)
	for _, id := range n.Versions {
		w, err := one(ctx, t, value[int64], `SELECT workspace_id FROM versions WHERE id = $1`, id)
		if err != nil || !view.Sees(w) {
			return nil, notFound(cmpErr(err, coreshed.NotFound), "There is no such version.")
		}
		workspaces[w] = true
	}
	for _, file := range n.Files {
		w, err := one(ctx, t, value[int64], `SELECT workspace_id FROM files WHERE uuid = $1`, file)
		if err != nil || !view.Sees(w) {
			return nil, notFound(cmpErr(err, coreshed.NotFound), "The file does not exist.")
		}
		workspaces[w] = true
		versions, err := all(ctx, t, value[int64], `SELECT v.id FROM versions v JOIN files f ON f.id = v.file_id WHERE f.uuid = $1`, file)
		if err != nil {
			return nil, err
		}
		found = append(found, versions...)
	}
	for w := range workspaces {
		if err := (coreshed.Access{Actor: view.Actor, Role: view.Roles[w]}).Require(coreshed.Owner); err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	switch {
	case n.Filter != nil && n.Filter.IsZero():
		return nil, coreshed.Errorf(coreshed.Invalid, "A filter needs something to look for besides the workspace.")
	case n.Filter != nil && n.Filter.HasEmptyList():
		return nil, coreshed.Errorf(coreshed.Invalid, "A list in a filter needs a value.")
	case len(found) == 0 && n.Filter == nil:
		return nil, coreshed.Errorf(coreshed.Invalid, "A purge needs a version to begin with.")
	case len(found) > maxSources:
		return nil, coreshed.Errorf(coreshed.Invalid, "A purge begins with at most %d versions.", maxSources)
	}
	return found, nil
}

// cmpErr is the first of errors that is not nil.
func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func addPurge(ctx context.Context, t tx, view coreshed.View, n NewPurge, versions []int64) (int64, error) {
	person, err := actorRow(ctx, t, view.Actor)
	if err != nil {
		return 0, err
	}
	request, err := json.Marshal(append([]int64{}, versions...))
	if err != nil {
		return 0, err
	}
	filter, sum, err := recorded(n.Filter)
	if err != nil {
		return 0, err
	}
	id, err := insert(ctx, t, `INSERT INTO purges (uuid, org_id, scope, status, source_bytes, reason, request, filter, filter_sha256, planned_by, planned_at)
		VALUES ($1, $2, $3, 'planned', $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
		uuid.New(), view.Org, n.Scope, btoi(n.SourceBytes), n.Reason, string(request), filter, blobOrNull(sum), person, t.db().micros())
	if err != nil {
		return 0, err
	}
	return id, auditPlan(ctx, t, view, id, n.Reason, sum)
}

// auditPlan tells of a plan. The digest of the filter stands for the names in it.
func auditPlan(ctx context.Context, t tx, view coreshed.View, id int64, reason string, filter []byte) error {
	said := details{"reason": reason}
	if filter != nil {
		said["filter_sha256"] = hex.EncodeToString(filter)
	}
	return auditPurge(ctx, t, view, coreshed.ActPurgePlan, id, said)
}

// auditPurge tells of a purge, by the id under which its report is asked for too.
func auditPurge(ctx context.Context, t tx, view coreshed.View, action coreshed.AuditAction, id int64, said details) error {
	purge, err := one(ctx, t, value[string], `SELECT uuid FROM purges WHERE id = $1`, id)
	if err != nil {
		return err
	}
	said = maps.Clone(said)
	if said == nil {
		said = details{}
	}
	said["purge"] = purge
	return audit(ctx, t, act{by: view.Actor, action: action, kind: coreshed.AuditPurge, id: id, org: view.Org, details: said})
}

// plan finds the set of a purge and sums it up.
func plan(ctx context.Context, t tx, view coreshed.View, id int64) (coreshed.Purge, error) {
	var s purgeSet
	var request string
	var filter sql.NullString
	s, err := one(ctx, t, func(rows *sql.Rows) (purgeSet, error) {
		s := purgeSet{purge: id}
		return s, rows.Scan(&s.scope, &s.sourceBytes, &request, &filter)
	}, `SELECT scope, source_bytes > 0, request, filter FROM purges WHERE id = $1`, id)
	if err != nil {
		return coreshed.Purge{}, err
	}
	if err := s.find(ctx, t, view, request, filter.String); err != nil {
		return coreshed.Purge{}, err
	}
	if err := markHeld(ctx, t, id); err != nil {
		return coreshed.Purge{}, err
	}
	if err := sumUp(ctx, t, view, id); err != nil {
		return coreshed.Purge{}, err
	}
	return one(ctx, t, scanPurge, `SELECT `+purgeColumns+purgeFrom+` WHERE u.id = $1`, id)
}

// sumUp writes what a set amounts to, and its fingerprint.
func sumUp(ctx context.Context, t tx, view coreshed.View, id int64) error {
	fingerprint, err := fingerprintOf(ctx, t, id)
	if err != nil {
		return err
	}
	forbidden := `0`
	c := &conditions{args: []any{id, fingerprint}}
	if !view.Everything || !view.Admin {
		owned := &conditions{args: c.args}
		owned.anyID(t.db().dialect, `i.workspace_id`, ownedBy(view))
		forbidden, c = `(SELECT count(*) FROM purge_items i WHERE i.purge_id = $1 AND NOT (`+owned.text()+`))`, owned
	}
	of := func(what, where string) string {
		return `(SELECT CAST(COALESCE(` + what + `, 0) AS BIGINT) FROM purge_items i WHERE i.purge_id = $1 AND ` + where + `)`
	}
	_, err = t.exec(ctx, `UPDATE purges SET fingerprint = $2,
		sources = `+of(`count(*)`, `i.kind = 0 AND i.file_type = 'SOURCE'`)+`,
		products = `+of(`count(*)`, `i.kind = 0 AND i.file_type = 'PRODUCT'`)+`,
		runs = `+of(`count(*)`, `i.kind = 1`)+`, recipes = `+of(`count(*)`, `i.kind = 2`)+`,
		bytes = `+of(`sum(i.size)`, `i.kind = 0 AND i.bytes = 'remove'`)+`,
		held = `+of(`count(*)`, `i.hold_id IS NOT NULL`)+`, forbidden = `+forbidden+` WHERE id = $1`, c.args...)
	return err
}

// ownedBy returns the workspaces that the caller owns.
func ownedBy(view coreshed.View) []int64 {
	return slices.DeleteFunc(workspacesOf(view), func(id int64) bool { return view.Roles[id] != coreshed.Owner })
}

// fingerprintOf is the SHA-256 over the kind, id, fate of the bytes and hold of
// each thing of a set, sorted.
func fingerprintOf(ctx context.Context, t tx, id int64) ([]byte, error) {
	h := sha256.New()
	var line [25]byte
	err := each(ctx, t, func(rows *sql.Rows) error {
		var kind, item, hold int64
		var bytes string
		if err := rows.Scan(&kind, &item, &bytes, &hold); err != nil {
			return err
		}
		line[0] = byte(kind)
		binary.BigEndian.PutUint64(line[1:], uint64(item))
		binary.BigEndian.PutUint64(line[9:], uint64(hold))
		copy(line[17:], bytes+"        ")
		h.Write(line[:])
		return nil
	}, `SELECT kind, item_id, bytes, COALESCE(hold_id, 0) FROM purge_items WHERE purge_id = $1 ORDER BY kind, item_id`, id)
	return h.Sum(nil), err
}

// ExecutePurge begins to remove what a plan says, if that is still what there
// is to remove: the set is marked, and can be used for nothing new from then on.
// Otherwise it is a Conflict, and the purge returned is a new plan, with another
// id, to be looked at first. Conflict too when another purge has a thing of the
// set. Held or Forbidden when things of it may not be removed. Executing a purge
// again that runs already changes nothing, but that one that was put off is tried
// at once; one that was stopped goes on. What it met before is forgotten.
func (db *DB) ExecutePurge(ctx context.Context, view coreshed.View, id coreshed.UUID, fingerprint []byte) (coreshed.Purge, error) {
	var p coreshed.Purge
	var changed error
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		p, changed, err = executePurge(ctx, t, view, id, fingerprint)
		return err
	})
	killpoint.Reach("execute.done")
	if err == nil {
		err = changed
	}
	return p, err
}

func executePurge(ctx context.Context, t tx, view coreshed.View, id coreshed.UUID, fingerprint []byte) (p coreshed.Purge, changed, err error) {
	if p, err = lockPurge(ctx, t, view, id); err != nil {
		return p, nil, err
	}
	switch p.Status {
	case coreshed.PurgePlanned:
	case coreshed.PurgeStopped:
		p.LastError = ""
		if p.Status = coreshed.PurgeRunning; p.ExecutedAt.IsZero() {
			p.Status = coreshed.PurgeQueued // it was stopped before it had begun
		}
		if _, err := t.exec(ctx, `UPDATE purges SET status = $2, attempts = 0, next_at = 0, last_error = '' WHERE id = $1`, p.ID, p.Status); err != nil {
			return p, nil, err
		}
		return p, nil, auditPurge(ctx, t, view, coreshed.ActPurgeExecute, p.ID, nil)
	case coreshed.PurgeQueued, coreshed.PurgeRunning:
		if p.LastError == "" {
			return p, nil, nil
		}
		p.LastError = ""
		_, err := t.exec(ctx, `UPDATE purges SET attempts = 0, next_at = 0, last_error = '' WHERE id = $1`, p.ID)
		return p, nil, err
	default:
		return p, nil, nil
	}
	if !bytes.Equal(fingerprint, p.Fingerprint) {
		return p, nil, coreshed.Errorf(coreshed.Conflict, "The fingerprint is not that of this plan.")
	}
	if p.Filter == nil && p.FilterSHA != nil {
		return p, nil, coreshed.Errorf(coreshed.Conflict, "A purge by the same filter has ended since, and the filter is erased: make another plan.")
	}
	// Nobody adds a link until the set is marked.
	if err := t.db().dialect.take(ctx, t, t.db().dialect.linksAlone); err != nil {
		return p, nil, err
	}
	if _, err := t.exec(ctx, `SAVEPOINT replan`); err != nil {
		return p, nil, err
	}
	fresh, err := replan(ctx, t, view, p)
	if errors.Is(err, errNothingMatches) {
		err = coreshed.Errorf(coreshed.Conflict, "Nothing that you may see matches the filter any more.")
	}
	if err != nil {
		return p, nil, err
	}
	if !bytes.Equal(fresh.Fingerprint, p.Fingerprint) {
		return fresh, coreshed.Errorf(coreshed.Conflict, "What there is to remove has changed since the plan. This is the new plan: look at it before you execute it."), nil
	}
	if err := removable(fresh); err != nil {
		return p, nil, err
	}
	if _, err := t.exec(ctx, `ROLLBACK TO SAVEPOINT replan`); err != nil {
		return p, nil, err
	}
	return p, nil, begin(ctx, t, view, &p)
}

// replan plans a purge again, as another one.
func replan(ctx context.Context, t tx, view coreshed.View, p coreshed.Purge) (coreshed.Purge, error) {
	person, err := actorRow(ctx, t, view.Actor)
	if err != nil {
		return p, err
	}
	id, err := insert(ctx, t, `INSERT INTO purges (uuid, org_id, scope, status, source_bytes, reason, request, filter, filter_sha256, planned_by, planned_at)
		SELECT $1, org_id, scope, 'planned', source_bytes, reason, request, filter, filter_sha256, $2, $3 FROM purges WHERE id = $4 RETURNING id`,
		uuid.New(), person, t.db().micros(), p.ID)
	if err != nil {
		return p, err
	}
	if err := auditPlan(ctx, t, view, id, p.Reason, p.FilterSHA); err != nil {
		return p, err
	}
	return plan(ctx, t, view, id)
}

// removable refuses a set that may not be removed whole.
func removable(p coreshed.Purge) error {
	if p.Held > 0 {
		return coreshed.Errorf(coreshed.Held, "Holds protect %d versions of what would be removed: lift them, or purge something else.", p.Held)
	}
	if p.Forbidden > 0 {
		return coreshed.Errorf(coreshed.Forbidden, "%d things that would be removed are in workspaces that you do not own. Their owner, or an admin, can plan this purge.", p.Forbidden)
	}
	return nil
}

// begin marks a set.
func begin(ctx context.Context, t tx, view coreshed.View, p *coreshed.Purge) error {
	n, err := t.exec(ctx, `INSERT INTO purging (kind, item_id, purge_id) SELECT kind, item_id, purge_id FROM purge_items WHERE purge_id = $1 ON CONFLICT DO NOTHING`, p.ID)
	if err != nil {
		return err
	}
	killpoint.Reach("execute.marked")
	if all := p.Planned.Versions + p.Planned.Runs + p.Planned.Recipes; n != all {
		return coreshed.Errorf(coreshed.Conflict, "Another purge is removing %d of these things. Execute this one when that has ended.", all-n)
	}
	person, err := actorRow(ctx, t, view.Actor)
	if err != nil {
		return err
	}
	// What went before was seen, whatever the clock says by now: the plan, and holds
	// that were lifted.
	before, err := one(ctx, t, value[int64], `SELECT MAX(x.at) FROM (SELECT planned_at AS at FROM purges WHERE id = $1 UNION ALL SELECT lifted_at FROM holds) x`, p.ID)
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE purges SET status = 'purging', executed_by = $2, executed_at = $3 WHERE id = $1`, p.ID, person, max(t.db().micros(), before+1)); err != nil {
		return err
	}
	if *p, err = one(ctx, t, scanPurge, `SELECT `+purgeColumns+purgeFrom+` WHERE u.id = $1`, p.ID); err != nil {
		return err
	}
	return auditPurge(ctx, t, view, coreshed.ActPurgeExecute, p.ID, details{"fingerprint": hex.EncodeToString(p.Fingerprint)})
}

// StopPurge lets a purge that runs, or is to, do nothing more until it is
// executed again.
// What it has removed stays removed, and what it was to remove stays marked.
func (db *DB) StopPurge(ctx context.Context, view coreshed.View, id coreshed.UUID) (coreshed.Purge, error) {
	var p coreshed.Purge
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		if p, err = lockPurge(ctx, t, view, id); err != nil || p.Status != coreshed.PurgeRunning && p.Status != coreshed.PurgeQueued {
			return err
		}
		p.Status = coreshed.PurgeStopped
		if _, err = t.exec(ctx, `UPDATE purges SET status = 'stopped' WHERE id = $1`, p.ID); err != nil {
			return err
		}
		return auditPurge(ctx, t, view, coreshed.ActPurgeStop, p.ID, nil)
	})
	return p, err
}

// lockPurge locks a purge of the view.
func lockPurge(ctx context.Context, t tx, view coreshed.View, id coreshed.UUID) (coreshed.Purge, error) {
	if _, err := all(ctx, t, value[int64], `SELECT id FROM purges WHERE uuid = $1`+t.db().dialect.lock, id); err != nil {
		return coreshed.Purge{}, err
	}
	c := seenPurge(view)
	c.add(`u.uuid = ?`, id)
	p, err := one(ctx, t, scanPurge, `SELECT `+purgeColumns+purgeFrom+` WHERE `+c.text(), c.args...)
	return p, notFound(err, "There is no such purge.")
}

// QueueSourcePurge asks for a purge of a source, as Scale's API does: of scope
// recipe, planned when it is executed. NotFound when there is no such entry in
// the view, BadRequest when it is no source, Held when a hold protects something
// of its set; one that comes later lets the purge wait.
func (db *DB) QueueSourcePurge(ctx context.Context, view coreshed.View, entry int64) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		c := &conditions{}
		c.add(`v.id = ?`, entry)
		c.seen(t.db().dialect, view)
		kind, err := one(ctx, t, value[coreshed.FileType], `SELECT v.file_type FROM versions v WHERE `+c.text(), c.args...)
		if err != nil {
			return err
		}
		if kind != coreshed.Source {
			return coreshed.BadRequest
		}
		id, err := addPurge(ctx, t, view, NewPurge{Scope: coreshed.PurgeRecipe}, []int64{entry})
		if err != nil {
			return err
		}
		if err := queuedHeld(ctx, t, id, entry); err != nil {
			return err
		}
		event, err := insert(ctx, t, `INSERT INTO trigger_events (type, description, occurred_at) VALUES ('USER', '{"user":"Anonymous"}', $1) RETURNING id`, t.db().micros())
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE purges SET status = 'queued', source_file_id = $2, event_id = $3 WHERE id = $1`, id, entry, event)
		return err
	})
}

// queuedHeld refuses a purge that was only asked for when a hold protects
// something of its set, which is found for that alone: with no hold there is
// nothing to find.
func queuedHeld(ctx context.Context, t tx, purge, entry int64) error {
	some, err := one(ctx, t, value[bool], `SELECT EXISTS (SELECT 1 FROM holds h WHERE `+inForce(`h`, `$1`)+`)`, t.db().micros())
	if err != nil || !some {
		return err
	}
	s := purgeSet{purge: purge, scope: coreshed.PurgeRecipe}
	if err := s.find(ctx, t, everything, "["+strconv.FormatInt(entry, 10)+"]", ""); err != nil {
		return err
	}
	if err := markHeld(ctx, t, purge); err != nil {
		return err
	}
	held, err := one(ctx, t, value[int64], `SELECT held FROM purges WHERE id = $1`, purge)
	if err != nil {
		return err
	}
	if held > 0 {
		return coreshed.Errorf(coreshed.Held, "A hold protects this file, or something that was made from it.")
	}
	_, err = t.exec(ctx, `DELETE FROM purge_items WHERE purge_id = $1`, purge)
	return err
}
