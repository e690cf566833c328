package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/coreshed/coreshed"
)

const ingestColumns = `i.id, i.file_name, i.status, i.reason, i.attempts, i.strike_id, i.scan_id, i.job_id, i.workspace_id, i.file_path,
	i.new_workspace_id, i.new_file_path, COALESCE(i.file_size, -1), COALESCE(i.bytes_transferred, -1), i.media_type, i.tags,
	i.transfer_started, i.transfer_ended, i.ingest_started, i.ingest_ended, i.data_started, i.data_ended, i.created_at, i.modified_at, i.version_row`

// scanIngest reads ingestColumns, then what follows them into extra.
func scanIngest(rows *sql.Rows, extra ...any) (coreshed.Ingest, error) {
	var i coreshed.Ingest
	var strike, scan, job, workspace, entry sql.NullInt64
	var started, ended, ingestStarted, ingestEnded, dataStarted, dataEnded, created, modified sql.NullInt64
	var tags string
	dest := []any{
		&i.ID, &i.Name, &i.Status, &i.Reason, &i.Attempts, &strike, &scan, &job, &i.Workspace, &i.Path,
		&workspace, &i.NewPath, &i.Size, &i.Transferred, &i.MediaType, &tags,
		&started, &ended, &ingestStarted, &ingestEnded, &dataStarted, &dataEnded, &created, &modified, &entry,
	}
	if err := rows.Scan(append(dest, extra...)...); err != nil {
		return i, err
	}
	i.Strike, i.Scan, i.Job, i.NewWorkspace, i.Entry = strike.Int64, scan.Int64, job.Int64, workspace.Int64, entry.Int64
	i.TransferStarted, i.TransferEnded = timeOrZero(started), timeOrZero(ended)
	i.IngestStarted, i.IngestEnded = timeOrZero(ingestStarted), timeOrZero(ingestEnded)
	i.DataStarted, i.DataEnded = timeOrZero(dataStarted), timeOrZero(dataEnded)
	i.CreatedAt, i.ModifiedAt = timeOrZero(created), timeOrZero(modified)
	return i, json.Unmarshal([]byte(tags), &i.Tags)
}

func ingestConditions(d dialect, view coreshed.View, f coreshed.IngestFilter) *conditions {
	c := &conditions{}
	if !view.Everything {
		c.anyID(d, `i.workspace_id`, workspacesOf(view))
	}
	c.within(`i.modified_at`, `i.modified_at`, f.Modified)
	if f.Status != nil {
		names := make([]string, len(f.Status))
		for n, s := range f.Status {
			names[n] = string(s)
		}
		c.anyText(d, `i.status`, names)
	}
	c.anyID(d, `i.scan_id`, f.Scan)
	c.anyID(d, `i.strike_id`, f.Strike)
	switch {
	case f.NameContains == "":
	case !storable(f.NameContains):
		c.add(`1 = 0`)
	default:
		d.contains(c, `i.file_name`, f.NameContains)
	}
	return c
}

var ingestSorting = sorting{fallback: "last_modified", id: "i.id", keys: map[coreshed.OrderField]sortKey{
	"id": {expr: "i.id"}, "file_name": {expr: "lower(i.file_name)"}, "status": {expr: "lower(i.status)"},
	"media_type": {expr: "lower(i.media_type)"}, "file_path": {expr: "lower(i.file_path)"}, "new_file_path": {expr: "lower(i.new_file_path)"},
	"file_size": {expr: "i.file_size", nullable: true}, "bytes_transferred": {expr: "i.bytes_transferred", nullable: true},
	"transfer_started": {expr: "i.transfer_started", nullable: true}, "transfer_ended": {expr: "i.transfer_ended", nullable: true},
	"ingest_started": {expr: "i.ingest_started", nullable: true}, "ingest_ended": {expr: "i.ingest_ended", nullable: true},
	"data_started": {expr: "i.data_started", nullable: true}, "data_ended": {expr: "i.data_ended", nullable: true},
	"created": {expr: "i.created_at"}, "last_modified": {expr: "i.modified_at"},
	"strike": {expr: "i.strike_id", nullable: true}, "strike__id": {expr: "i.strike_id", nullable: true},
	"scan": {expr: "i.scan_id", nullable: true}, "scan__id": {expr: "i.scan_id", nullable: true},
	"workspace": {expr: "i.workspace_id"}, "workspace__id": {expr: "i.workspace_id"},
	"new_workspace": {expr: "i.new_workspace_id", nullable: true}, "new_workspace__id": {expr: "i.new_workspace_id", nullable: true},
	"job": {expr: "i.job_id", nullable: true}, "job__id": {expr: "i.job_id", nullable: true},
	"source_file": {expr: "i.version_row", nullable: true}, "source_file__id": {expr: "i.version_row", nullable: true},
	"strike__title": {expr: "(SELECT lower(s.title) FROM strikes s WHERE s.id = i.strike_id)", nullable: true},
}}

func bareIngest(rows *sql.Rows) (coreshed.Ingest, error) { return scanIngest(rows) }

// Ingests returns a page of the ingests whose workspaces are in the view, and
// how many there are.
func (db *DB) Ingests(ctx context.Context, view coreshed.View, f coreshed.IngestFilter, order []coreshed.Order, page coreshed.Page) ([]coreshed.Ingest, int64, error) {
	s := selection{ingestColumns, `ingests i`, ingestConditions(db.dialect, view, f), ingestSorting}
	if f.NameContains != "" {
		return searchedPage(ctx, db, s, bareIngest, order, page)
	}
	return sortedPage(ctx, db, s, bareIngest, order, page)
}

// Ingest returns the ingest with that id. NotFound when there is none whose
// workspace is in the view.
func (db *DB) Ingest(ctx context.Context, view coreshed.View, id int64) (coreshed.Ingest, error) {
	c := ingestConditions(db.dialect, view, coreshed.IngestFilter{})
	c.add(`i.id = ?`, id)
	i, err := one(ctx, db, bareIngest, `SELECT `+ingestColumns+` FROM ingests i WHERE `+c.text(), c.args...)
	return i, notFound(err, "Not found.")
}

// IngestHour is what one strike ingested in one hour.
type IngestHour struct {
	Strike int64
	Hour   int64 // hours since the epoch
	Files  int64
	Bytes  int64
	Latest int64 // microseconds, of the last of them
}

const microsPerHour = int64(3_600_000_000)

// IngestHours returns what strikes of the view ingested between two times, by
// when it was ingested or by the time of its data.
func (db *DB) IngestHours(ctx context.Context, view coreshed.View, from, until int64, byIngest bool) ([]IngestHour, error) {
	c := ingestConditions(db.dialect, view, coreshed.IngestFilter{})
	c.add(`i.status = 'INGESTED' AND i.strike_id IS NOT NULL`) // as the index has it
	at := `i.data_started`
	if byIngest {
		at = `i.ingest_ended`
		c.add(`i.ingest_ended >= ?`, from)
		c.add(`i.ingest_ended <= ?`, until)
	} else {
		c.add(`i.data_ended >= ?`, from)
		c.add(`i.data_started <= ?`, until)
	}
	// Both databases divide towards zero, and hours before 1970 are less.
	long := c.arg(microsPerHour)
	hour := `(` + at + ` - ((` + at + ` % ` + long + `) + ` + long + `) % ` + long + `) / ` + long
	return all(ctx, db, func(rows *sql.Rows) (IngestHour, error) {
		var h IngestHour
		return h, rows.Scan(&h.Strike, &h.Hour, &h.Files, &h.Bytes, &h.Latest)
	}, `SELECT i.strike_id, `+hour+`, count(*), CAST(COALESCE(SUM(i.file_size), 0) AS BIGINT), MAX(`+at+`)
		FROM ingests i WHERE `+c.text()+` GROUP BY 1, 2 ORDER BY 1, 2`, c.args...)
}

// EntriesByID returns those of the entries that are in the view, without their
// metadata.
func (db *DB) EntriesByID(ctx context.Context, view coreshed.View, ids []int64) (map[int64]coreshed.Entry, error) {
	c := &conditions{}
	c.anyID(db.dialect, `v.id`, append([]int64{}, ids...))
	c.seen(db.dialect, view)
	list, err := showing(ctx, db, db.dialect, view, c, ``)
	found := make(map[int64]coreshed.Entry, len(list))
	for _, e := range list {
		found[e.ID] = e
	}
	return found, err
}
