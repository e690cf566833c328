package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// IngestWork is an ingest that a worker has claimed.
type IngestWork struct {
	coreshed.Ingest
	Org      int64
	Actor    coreshed.Actor // who made the strike or scan
	Rules    string         // the configuration of that
	Moving   bool           // the file was, or is, to be put at NewPath, where none lay
	Modified time.Time      // of the file, when it was found
	ETag     string
}

// fence is a condition that the claim still holds: each has a number.
const fence = ` WHERE id = $1 AND status = 'INGESTING' AND attempts = $2`

// ErrClaimLost says that another worker has the ingest by now.
var ErrClaimLost = errors.New("another worker has this ingest")

// ClaimIngests gives out up to limit ingests that are due to a process, for a
// time. What is not ended by then is given out again.
func (db *DB) ClaimIngests(ctx context.Context, holder string, limit int, lease time.Duration) ([]IngestWork, error) {
	var work []IngestWork
	err := db.update(ctx, func(ctx context.Context, t tx) error {
		now := t.db().now()
		ids, err := all(ctx, t, value[int64], `SELECT id FROM ingests WHERE status IN ('QUEUED', 'INGESTING') AND run_at <= $1
			ORDER BY run_at, id LIMIT $2`+t.db().dialect.claim, now.UnixMicro(), limit)
		if err != nil || len(ids) == 0 {
			work = nil
			return err
		}
		c := &conditions{}
		if _, err := t.exec(ctx, `UPDATE ingests SET status = 'INGESTING', attempts = attempts + 1, holder = `+c.arg(holder)+`, run_at = `+c.arg(now.Add(lease).UnixMicro())+`,
			ingest_started = COALESCE(ingest_started, `+c.arg(now.UnixMicro())+`), modified_at = `+c.arg(now.UnixMicro())+`
			WHERE id IN (`+c.list(ids)+`)`, c.args...); err != nil {
			return err
		}
		c = &conditions{}
		work, err = all(ctx, t, scanWork, `SELECT `+ingestColumns+`, i.place_modified, i.place_etag, w.org_id, p.uuid,
			COALESCE(s.configuration, c.configuration, '{}'), i.moving > 0 FROM ingests i
			JOIN workspaces w ON w.id = i.workspace_id
			LEFT JOIN strikes s ON s.id = i.strike_id LEFT JOIN scans c ON c.id = i.scan_id
			LEFT JOIN people p ON p.id = COALESCE(s.created_by, c.created_by) WHERE i.id IN (`+c.list(ids)+`) ORDER BY i.id`, c.args...)
		return err
	})
	return work, err
}

// ReleaseIngests gives back what a process had claimed that is no more.
func (db *DB) ReleaseIngests(ctx context.Context, holder string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `UPDATE ingests SET run_at = $2 WHERE status = 'INGESTING' AND holder = $1`, holder, t.db().micros())
		return err
	})
}

func scanWork(rows *sql.Rows) (IngestWork, error) {
	var w IngestWork
	var modified sql.NullInt64
	var actor uuid.NullUUID
	var err error
	w.Ingest, err = scanIngest(rows, &modified, &w.ETag, &w.Org, &actor, &w.Rules, &w.Moving)
	w.Actor.ID = actor.UUID
	if modified.Valid {
		w.Modified = time.Unix(0, modified.Int64)
	}
	return w, err
}

// ProlongIngest keeps a claim for longer. ErrClaimLost when it is over.
func (db *DB) ProlongIngest(ctx context.Context, w IngestWork, lease time.Duration) error {
	return db.settleIngest(ctx, w, `run_at = $3`, db.now().Add(lease).UnixMicro())
}

// settleIngest changes a claimed ingest; the arguments of set start at $3.
func (db *DB) settleIngest(ctx context.Context, w IngestWork, set string, args ...any) error {
	return db.update(ctx, func(ctx context.Context, t tx) error { return settleIngest(ctx, t, w, set, args...) })
}

func settleIngest(ctx context.Context, t tx, w IngestWork, set string, args ...any) error {
	n, err := t.exec(ctx, `UPDATE ingests SET `+set+fence, append([]any{w.ID, w.Attempts}, args...)...)
	if err == nil && n == 0 {
		err = ErrClaimLost
	}
	return err
}

// RetryIngest gives an ingest back, to be tried again at a time.
func (db *DB) RetryIngest(ctx context.Context, w IngestWork, reason string, at time.Time) error {
	return db.settleIngest(ctx, w, `status = 'QUEUED', reason = $3, run_at = $4, modified_at = $5`, reason, at.UnixMicro(), db.micros())
}

// FailIngest ends an ingest as ERRORED.
func (db *DB) FailIngest(ctx context.Context, w IngestWork, reason string) error {
	return db.settleIngest(ctx, w, `status = 'ERRORED', reason = $3, ingest_ended = $4, modified_at = $4`, reason, db.micros())
}

// MoveIngest records where the file of an ingest is about to be put, and as what
// it was found, before anything is put there.
func (db *DB) MoveIngest(ctx context.Context, w IngestWork) error {
	return db.settleIngest(ctx, w, `new_file_path = $3, moving = 1, file_size = $4, place_modified = $5, place_etag = $6, modified_at = $7`,
		w.NewPath, w.Size, w.Modified.UnixNano(), w.ETag, db.micros())
}

// MayIngest refuses an arrival when who made its strike or scan could not make it
// any more: Forbidden, unless they own the workspace where it was found and may
// write to the one where it goes.
func (db *DB) MayIngest(ctx context.Context, w IngestWork) error { return mayIngest(ctx, db, w) }

func mayIngest(ctx context.Context, q querier, w IngestWork) error {
	if w.Actor.ID == uuid.Nil {
		return nil // the operator made it
	}
	roles := map[int64]coreshed.Role{}
	_, err := all(ctx, q, func(rows *sql.Rows) (bool, error) {
		var id int64
		var role coreshed.Role
		err := rows.Scan(&id, &role)
		roles[id] = role
		return true, err
	}, `SELECT x.id, CASE WHEN COALESCE(m.admin, 0) > 0 THEN 'owner' ELSE COALESCE(g.role, '') END FROM workspaces x
		JOIN people p ON p.uuid = $1 AND p.disabled_at IS NULL
		LEFT JOIN members m ON m.org_id = x.org_id AND m.person_id = p.id
		LEFT JOIN grants g ON g.workspace_id = x.id AND g.person_id = p.id WHERE x.id IN ($2, $3)`, w.Actor.ID, w.Workspace, w.NewWorkspace)
	if err != nil {
		return err
	}
	if !roles[w.Workspace].AtLeast(coreshed.Owner) || w.NewWorkspace != 0 && !roles[w.NewWorkspace].AtLeast(coreshed.Editor) {
		return coreshed.Errorf(coreshed.Forbidden, "Who made the strike or scan may not do this any more. "+
			"It becomes that of the owner who changes its configuration, or of an admin who sends it again.")
	}
	return nil
}

// Repeat is an entry of which an arrival could be a duplicate.
type Repeat struct {
	Entry, Workspace int64
	Path             string // where it lies
	Placed           bool   // in the workspace's folder or bucket, since
	Modified         time.Time
	ETag             string
	SHA256           []byte // nil while unknown
}

// maxRepeats is how many entries are compared at a time.
const maxRepeats = 50

// Repeats returns the first live sources after an entry with the arrival's name,
// and this size: those with this hash or whose hash is not known. A nil hash is
// every one. They are in the workspaces of the arrival, and in those that the
// maker of its strike or scan sees: no other file is told to be there.
func (db *DB) Repeats(ctx context.Context, w IngestWork, size int64, hash []byte, after int64) ([]Repeat, error) {
	return repeats(ctx, db, w, size, hash, after)
}

func repeats(ctx context.Context, q querier, w IngestWork, size int64, hash []byte, after int64) ([]Repeat, error) {
	c := &conditions{}
	c.add(`v.file_type = 'SOURCE' AND v.file_name = ?`, w.Name)
	c.add(`v.size = ?`, size)
	c.add(`v.id > ?`, after)
	c.add(`x.org_id = ?`, w.Org)
	c.add(`(x.id IN (?, ?) OR EXISTS (SELECT 1 FROM people p
		LEFT JOIN members m ON m.org_id = x.org_id AND m.person_id = p.id
		LEFT JOIN grants g ON g.workspace_id = x.id AND g.person_id = p.id
		WHERE p.uuid = ? AND p.disabled_at IS NULL AND (g.role IS NOT NULL OR COALESCE(m.admin, 0) > 0)))`, w.Workspace, w.NewWorkspace, w.Actor.ID)
	c.add(`v.deleted_at IS NULL AND x.deleted_at IS NULL AND v.state IN ('kept', 'in place')`)
	if hash != nil {
		c.add(`(v.sha256 IS NULL OR v.sha256 = ?)`, hash)
	}
	return all(ctx, q, func(rows *sql.Rows) (Repeat, error) {
		var r Repeat
		var modified sql.NullInt64
		err := rows.Scan(&r.Entry, &r.Workspace, &r.Path, &r.Placed, &modified, &r.ETag, &r.SHA256)
		r.Modified = time.Unix(0, modified.Int64)
		return r, err
	}, `SELECT v.id, v.workspace_id, v.storage_path, v.place IS NOT NULL, v.place_modified, v.place_etag, v.sha256 FROM versions v
		JOIN workspaces x ON x.id = v.workspace_id WHERE `+c.text()+` ORDER BY v.id LIMIT `+c.arg(maxRepeats), c.args...)
}

// Registration is what an arrival becomes.
type Registration struct {
	Access coreshed.Access // of the workspace that gets it
	Place  *Place          // where it lies; else
	Commit *Commit         // it was put into Coreshed's own store
	Tags   []string        // with Commit

	// Compared is the latest entry that the arrival is known to be no duplicate
	// of.
	Compared int64
	// Cleanup says that the ingest is not over: FinishIngest ends it.
	Cleanup bool
	Recipe  *RecipeStart // started with the file; nil is none
}

// ErrCompare says that there are new entries that the arrival must be compared
// with first.
var ErrCompare = errors.New("the arrival could be a duplicate")

// ErrAddressTaken says that another file came first to where an arrival was to
// be kept, of which it is no version.
var ErrAddressTaken = errors.New("another file has the address by now")

// RegisterIngest makes an arrival an entry, ends the ingest, and starts its
// recipe, all or nothing. What is registered at that place already makes it a
// DUPLICATE.
func (db *DB) RegisterIngest(ctx context.Context, w IngestWork, r Registration) (coreshed.IngestStatus, error) {
	var status coreshed.IngestStatus
	register := func() error {
		return db.update(ctx, func(ctx context.Context, t tx) (err error) {
			status, err = registerIngest(ctx, t, w, r)
			return err
		})
	}
	err := register()
	for errors.Is(err, errFound) {
		err = register()
	}
	return status, err
}

func registerIngest(ctx context.Context, t tx, w IngestWork, r Registration) (coreshed.IngestStatus, error) {
	// One ingest of an organisation at a time: two of the same file must see
	// each other.
	if _, err := one(ctx, t, value[int64], `SELECT id FROM organisations WHERE id = $1`+t.db().dialect.lock, w.Org); err != nil {
		return "", err
	}
	if err := mayIngest(ctx, t, w); err != nil {
		return "", err
	}
	if r.Place != nil {
		same, err := unchanged(ctx, t, r.Access, *r.Place)
		if err != nil {
			return "", err
		}
		if same != 0 {
			return coreshed.IngestDuplicate, repeatIngest(ctx, t, w, same)
		}
	}
	newer, err := repeats(ctx, t, w, r.size(), r.hash(), r.Compared)
	if err != nil {
		return "", err
	}
	if len(newer) > 0 {
		return "", ErrCompare
	}
	entry, added, err := addEntry(ctx, t, r)
	if err != nil {
		return "", err
	}
	if !added {
		return coreshed.IngestDuplicate, repeatIngest(ctx, t, w, entry)
	}
	return endIngest(ctx, t, w, r, entry)
}

func (r Registration) size() int64 {
	if r.Place != nil {
		return r.Place.Size
	}
	return r.Commit.Whole.Size
}

// hash is the SHA-256 of the whole, nil while it is not known.
func (r Registration) hash() []byte {
	if r.Place != nil {
		return r.Place.SHA256
	}
	return r.Commit.Whole.SHA256
}

// unchanged returns the entry that is registered at a place if nothing has been
// written there since, else 0.
func unchanged(ctx context.Context, q querier, a coreshed.Access, p Place) (int64, error) {
	was, err := findPlace(ctx, q, a, p.Path)
	if errors.Is(err, coreshed.NotFound) {
		return 0, nil
	}
	if err != nil || was.deleted || was.state != coreshed.InPlace || p.Size != was.size || !p.unmoved(was) {
		return 0, err
	}
	return was.version, nil
}

// addEntry makes what the registration says an entry, unless it is one.
func addEntry(ctx context.Context, t tx, r Registration) (entry int64, added bool, err error) {
	if r.Place != nil {
		p, err := addInPlace(ctx, t, r.Access, *r.Place)
		return p.Version, p.Added, err
	}
	u, err := lockUpload(ctx, t, *r.Commit)
	if err != nil {
		return 0, false, err
	}
	if !u.first {
		return 0, false, ErrAddressTaken
	}
	v, err := commit(ctx, t, *r.Commit, u)
	if err != nil {
		return 0, false, err
	}
	return v.ID, true, changeEntries(ctx, t, []int64{v.ID}, assignment{"tags", tagsText(r.Tags)})
}

func endIngest(ctx context.Context, t tx, w IngestWork, r Registration, entry int64) (coreshed.IngestStatus, error) {
	status, now := coreshed.IngestIngested, t.db().micros()
	var ended any = now
	if r.Cleanup {
		status, ended = coreshed.IngestIngesting, nil
	}
	if err := settleIngest(ctx, t, w, `status = $3, reason = '', version_row = $4, ingest_ended = $5, modified_at = $6, file_size = $7`,
		status, entry, ended, now, r.size()); err != nil {
		return "", err
	}
	if r.Cleanup {
		return status, nil
	}
	return status, startRecipe(ctx, t, w, r.Recipe, entry)
}

// RepeatIngest ends an ingest as the DUPLICATE of an entry.
func (db *DB) RepeatIngest(ctx context.Context, w IngestWork, entry int64) error {
	return db.update(ctx, func(ctx context.Context, t tx) error { return repeatIngest(ctx, t, w, entry) })
}

func repeatIngest(ctx context.Context, t tx, w IngestWork, entry int64) error {
	return settleIngest(ctx, t, w, `status = 'DUPLICATE', reason = $3, version_row = $4, ingest_ended = $5, modified_at = $5`,
		"A file with this name and the same bytes is in the catalogue already.", entry, t.db().micros())
}

// FinishIngest ends an ingest whose file is an entry already, and starts its
// recipe. The remark is what went wrong since.
func (db *DB) FinishIngest(ctx context.Context, w IngestWork, entry int64, recipe *RecipeStart, remark string) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := settleIngest(ctx, t, w, `status = 'INGESTED', reason = $3, ingest_ended = $4, modified_at = $4`, remark, t.db().micros()); err != nil {
			return err
		}
		return startRecipe(ctx, t, w, recipe, entry)
	})
}

// IngestEntry returns the entry that an ingest has become.
func (db *DB) IngestEntry(ctx context.Context, id int64) (int64, error) {
	return one(ctx, db, value[int64], `SELECT COALESCE(version_row, 0) FROM ingests WHERE id = $1`, id)
}
