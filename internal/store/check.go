package store

import "context"

// Finding is a row that breaks an invariant.
type Finding struct {
	Check string // which
	ID    int64  // of the row
	What  string // is wrong
}

// maxFindings bounds how many rows one check names.
const maxFindings = 100

// invariant is what must hold of all rows: a query for those of which it does
// not.
type invariant struct{ name, what, query string }

// invariants are what doctor publishes. doc/removal.md has them in words.
var invariants = []invariant{
	{"counters", "the workspace's counters are not the sums of what it has", `SELECT w.id FROM workspaces w WHERE
		w.entries <> (SELECT count(*) FROM versions v WHERE v.workspace_id = w.id)
		OR w.used_bytes <> (SELECT COALESCE(sum(v.size), 0) FROM versions v WHERE v.workspace_id = w.id AND v.place IS NULL)
		OR w.staged_bytes <> (SELECT COALESCE(sum(u.staged_bytes), 0) FROM uploads u JOIN files f ON f.id = u.file_id WHERE f.workspace_id = w.id)
		OR w.live_files <> (SELECT count(*) FROM files f WHERE f.workspace_id = w.id AND f.current_id IS NOT NULL AND f.deleted_at IS NULL)
		OR w.deleted_files <> (SELECT count(*) FROM files f WHERE f.workspace_id = w.id AND f.current_id IS NOT NULL AND f.deleted_at IS NOT NULL)`},
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
	{"run tombstone", "the run has a tombstone, and is there", `SELECT j.id FROM tombstones s JOIN jobs j ON j.id = s.item_id WHERE s.kind = 1`},
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
