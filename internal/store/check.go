package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/coreshed/coreshed"
)

// Finding is a row that breaks an invariant.
type Finding struct {
	Check string // which
	ID    int64  // of the row; 0 when it says for itself where
	What  string // is wrong
}

// What the counters of a workspace must be.
const (
	countEntries     = `(SELECT count(*) FROM versions v WHERE v.workspace_id = workspaces.id)`
	countUsed        = `(SELECT CAST(COALESCE(sum(v.size), 0) AS BIGINT) FROM versions v WHERE v.workspace_id = workspaces.id AND v.place IS NULL)`
	countStagedBytes = `(SELECT CAST(COALESCE(sum(u.staged_bytes), 0) AS BIGINT) FROM uploads u CROSS JOIN files f WHERE f.id = u.file_id AND f.workspace_id = workspaces.id)`
	countLive        = `(SELECT count(*) FROM files f WHERE f.workspace_id = workspaces.id AND f.current_id IS NOT NULL AND f.deleted_at IS NULL)`
	countDeleted     = `(SELECT count(*) FROM files f WHERE f.workspace_id = workspaces.id AND f.current_id IS NOT NULL AND f.deleted_at IS NOT NULL)`

	miscounted = `entries <> ` + countEntries + ` OR used_bytes <> ` + countUsed + ` OR staged_bytes <> ` + countStagedBytes +
		` OR live_files <> ` + countLive + ` OR deleted_files <> ` + countDeleted
)

// whileHeld is the condition that what a tombstone s is of was removed while a hold
// h was in force.
const whileHeld = `s.removed_at > h.created_at AND (h.until_at IS NULL OR s.removed_at < h.until_at) AND (h.lifted_at IS NULL OR s.removed_at < h.lifted_at)`

// miscountedPurge is the condition that the counters of a purge u, which are all that
// is read while it runs, are not the sums of its set.
const miscountedPurge = `u.status <> 'planned' AND (u.runs_gone <> (SELECT count(*) FROM purge_items i WHERE i.purge_id = u.id AND i.kind = 1 AND i.state = 1)
	OR u.recipes_gone <> (SELECT count(*) FROM purge_items i WHERE i.purge_id = u.id AND i.kind = 2 AND i.state = 1)
	OR EXISTS (SELECT 1 FROM (SELECT COALESCE(sum(i.state), 0) AS gone, COALESCE(sum(CASE WHEN i.state = 1 AND i.bytes = 'remove' THEN i.size ELSE 0 END), 0) AS bytes,
			COALESCE(sum(CASE WHEN i.state = 1 AND i.file_type = 'SOURCE' THEN 1 ELSE 0 END), 0) AS sources
		FROM purge_items i WHERE i.purge_id = u.id AND i.kind = 0) s
		WHERE s.gone <> u.sources_gone + u.products_gone OR s.bytes <> u.bytes_gone OR s.sources <> u.sources_gone))`

// neverRemoved is the condition that a row is neither there nor has a tombstone.
func neverRemoved(table string, kind int, id string) string {
	return fmt.Sprintf(`NOT EXISTS (SELECT 1 FROM %s o WHERE o.id = %s) AND NOT EXISTS (SELECT 1 FROM tombstones s WHERE s.kind = %d AND s.item_id = %s)`, table, id, kind, id)
}

// maxFindings bounds how many rows one check names.
const maxFindings = 100

// invariant is what must hold of all rows: a query for those of which it does
// not.
type invariant struct{ name, what, query string }

// invariants are what doctor publishes. doc/removal.md has them in words.
var invariants = []invariant{
	{"counters", "the workspace's counters are not the sums of what it has", `SELECT id FROM workspaces WHERE ` + miscounted},
	{"current", "the file's current version is not the newest that it shows", `SELECT f.id FROM files f WHERE f.current_id IS NOT NULL AND f.current_id <> COALESCE(
		(SELECT v.id FROM versions v WHERE v.file_id = f.id AND v.held = 0 ORDER BY COALESCE(v.joined_at, v.created_at) DESC, v.id DESC LIMIT 1), 0)`},
	{"visible", "the file has versions to show, and shows none", `SELECT f.id FROM files f WHERE f.current_id IS NULL
		AND EXISTS (SELECT 1 FROM versions v WHERE v.file_id = f.id AND v.held = 0)`},
	{"workspace", "the version is in another workspace than its file", `SELECT v.id FROM versions v JOIN files f ON f.id = v.file_id WHERE v.workspace_id <> f.workspace_id`},
	{"extents", "the version's extents are not its bytes", `SELECT v.id FROM versions v WHERE v.place IS NULL AND v.state = 'kept'
		AND v.size <> (SELECT COALESCE(sum(e.size), 0) FROM extents e WHERE e.version_row = v.id)`},
	{"run", "the version is the product of a run that is not there", `SELECT v.id FROM versions v WHERE v.job_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = v.job_id)`},
	{"recipe", "the version is of a recipe that is not there", `SELECT v.id FROM versions v WHERE v.recipe_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM recipes r WHERE r.id = v.recipe_id)`},
	{"ancestry", "the link names a recipe that is not there", `SELECT a.id FROM ancestry a WHERE a.recipe_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM recipes r WHERE r.id = a.recipe_id)`},
	{"event", "the run names an arrival that is not there", `SELECT j.id FROM jobs j WHERE j.ingest_event_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ingest_events e WHERE e.id = j.ingest_event_id)`},
	{"recipe event", "the recipe names an arrival that is not there", `SELECT r.id FROM recipes r WHERE r.ingest_event_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ingest_events e WHERE e.id = r.ingest_event_id)`},
	{"marks", "what is marked for a purge belongs to none that runs", `SELECT g.item_id FROM purging g JOIN purges u ON u.id = g.purge_id WHERE u.status NOT IN ('purging', 'stopped')`},
	{"tombstone", "the version has a tombstone, and is there", `SELECT v.id FROM tombstones s JOIN versions v ON v.id = s.item_id WHERE s.kind = 0`},
	{"file tombstone", "the file has a tombstone, and none of its versions has one of the same purge, or it has two", `SELECT s.item_id FROM tombstones s
		WHERE s.kind = 3 AND (NOT EXISTS (SELECT 1 FROM tombstones o WHERE o.file_uuid = s.file_uuid AND +o.kind = 0 AND o.purge_id = s.purge_id)
			OR EXISTS (SELECT 1 FROM tombstones o WHERE o.file_uuid = s.file_uuid AND +o.kind = 3 AND o.item_id <> s.item_id))`},
	{"run tombstone", "the run has a tombstone, and is there", `SELECT j.id FROM tombstones s JOIN jobs j ON j.id = s.item_id WHERE s.kind = 1`},
	{"purge", "the purge's counters are not the sums of its set", `SELECT u.id FROM purges u WHERE ` + miscountedPurge},
	{"holds", "the version was removed while a hold protected it", `SELECT s.item_id FROM holds h CROSS JOIN tombstones s WHERE s.kind = 0 AND s.item_id = h.version_row AND ` + whileHeld +
		` UNION SELECT s.item_id FROM holds h CROSS JOIN tombstones s WHERE s.kind = 0 AND h.version_row IS NULL AND s.file_uuid = h.file_uuid AND ` + whileHeld +
		` UNION SELECT s.item_id FROM holds h CROSS JOIN tombstones s WHERE s.kind = 0 AND h.file_uuid IS NULL AND s.workspace_id = h.workspace_id AND ` + whileHeld},
	{"held", "the hold is on a version that is not there, and that nothing has removed", `SELECT h.id FROM holds h WHERE h.version_row IS NOT NULL AND ` + neverRemoved(`versions`, 0, `h.version_row`)},
	{"held file", "the hold is on a file that is not there, and that nothing has removed", `SELECT h.id FROM holds h WHERE h.file_id IS NOT NULL AND ` + neverRemoved(`files`, 3, `h.file_id`)},
	{"countries", "the version's countries are not in their list", `SELECT v.id FROM versions v WHERE v.countries <> '' AND NOT EXISTS (SELECT 1 FROM version_countries c WHERE c.version_row = v.id)`},
	{"country times", "the version's countries have another time than it", `SELECT v.id FROM version_countries c JOIN versions v ON v.id = c.version_row WHERE c.modified_at <> v.modified_at OR c.workspace_id <> v.workspace_id`},
}

// Check looks for rows that break an invariant, and returns up to a hundred of
// each. It changes nothing. What is checked is of one moment each.
func (db *DB) Check(ctx context.Context) ([]Finding, error) {
	var findings []Finding
	for _, inv := range invariants {
		ids, err := all(ctx, db, value[int64], inv.query+` LIMIT $1`, maxFindings)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			findings = append(findings, Finding{inv.name, id, inv.what})
		}
	}
	return findings, nil
}

// Owner is a version whose bytes lie in Coreshed's own store, with their extents.
type Owner struct {
	Version int64 // row id
	State   coreshed.ByteState
	Prefix  string
	Size    int64
	Extents []coreshed.Extent
}

// Owners returns up to limit versions whose bytes are kept, or damaged, after a
// prefix, in the order of their prefixes.
func (db *DB) Owners(ctx context.Context, after string, limit int) ([]Owner, error) {
	owners, err := all(ctx, db, func(rows *sql.Rows) (Owner, error) {
		var o Owner
		return o, rows.Scan(&o.Version, &o.State, &o.Prefix, &o.Size)
	}, `SELECT v.id, v.state, v.prefix, v.size FROM versions v WHERE v.prefix > $1 AND `+ownBytes+` ORDER BY v.prefix LIMIT $2`, after, limit)
	if err != nil || len(owners) == 0 {
		return nil, err
	}
	at, c := map[int64]int{}, &conditions{}
	ids := make([]int64, len(owners))
	for i, o := range owners {
		ids[i], at[o.Version] = o.Version, i
	}
	c.anyID(db.dialect, `version_row`, ids)
	return owners, each(ctx, db, func(rows *sql.Rows) error {
		var version int64
		var e coreshed.Extent
		err := rows.Scan(&version, &e.Offset, &e.Size, &e.Key, &e.SHA256)
		o := &owners[at[version]]
		o.Extents = append(o.Extents, e)
		return err
	}, `SELECT version_row, offset_bytes, size, object_key, sha256 FROM extents WHERE `+c.text()+` ORDER BY version_row, offset_bytes`, c.args...)
}

// Recount gives every workspace the counters that its rows add up to.
func (db *DB) Recount(ctx context.Context) (int64, error) {
	var n int64
	err := db.update(ctx, func(ctx context.Context, t tx) (err error) {
		// Whatever changes a workspace's counters waits.
		if _, err := all(ctx, t, value[int64], `SELECT id FROM workspaces ORDER BY id`+t.db().dialect.lock); err != nil {
			return err
		}
		n, err = t.exec(ctx, `UPDATE workspaces SET changes = changes + 1, entries = `+countEntries+`, used_bytes = `+countUsed+`, staged_bytes = `+countStagedBytes+`,
			live_files = `+countLive+`, deleted_files = `+countDeleted+` WHERE `+miscounted)
		return err
	})
	return n, err
}
