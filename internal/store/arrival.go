package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// Arrival is an ingest as those who look for files write it.
type Arrival struct {
	ID     int64 // 0 is a new one
	Status coreshed.IngestStatus
	Reason string

	Name, Path        string // as found; Path may have bytes that are no UTF-8
	Size, Transferred int64  // Size is -1 while it is not known
	Modified          time.Time
	ETag              string

	Tags         []string
	NewWorkspace int64
	NewPath      string

	Started, Ended time.Time // of the transfer
	SeenAt         time.Time // when it was written last; read only
}

// Same reports whether the arrival is of what an object is now.
func (a *Arrival) Same(size int64, modified time.Time, etag string) bool {
	if a.Size != size || a.ETag != etag {
		return false
	}
	return etag != "" || a.Modified.Equal(modified)
}

// Arrivals are those of one strike or scan.
type Arrivals struct {
	Workspace    int64
	strike, scan any
}

// ArrivalsOf names the arrivals of a strike, or of a scan.
func ArrivalsOf(o coreshed.Origin, scan bool) Arrivals {
	if scan {
		return Arrivals{Workspace: o.Workspace, scan: o.ID}
	}
	return Arrivals{Workspace: o.Workspace, strike: o.ID}
}

// Strike is the strike whose arrivals they are; nil for a scan's.
func (a Arrivals) Strike() any { return a.strike }

func (a Arrivals) origin(c *conditions) {
	if a.scan != nil {
		c.add(`scan_id = ?`, a.scan)
	} else {
		c.add(`strike_id = ?`, a.strike)
	}
}

const arrivalColumns = `id, status, reason, file_name, file_path, place, COALESCE(file_size, -1), bytes_transferred, place_modified, place_etag,
	tags, new_workspace_id, new_file_path, transfer_started, transfer_ended, modified_at`

// placedArrival is an arrival with the hash that it is found by.
type placedArrival struct {
	*Arrival
	place string
}

func scanArrival(rows *sql.Rows) (placedArrival, error) {
	a := &Arrival{}
	var place []byte
	var size, transferred, modified, workspace, started, ended sql.NullInt64
	var tags string
	var seen int64
	err := rows.Scan(&a.ID, &a.Status, &a.Reason, &a.Name, &a.Path, &place, &size, &transferred, &modified, &a.ETag,
		&tags, &workspace, &a.NewPath, &started, &ended, &seen)
	if err != nil {
		return placedArrival{}, err
	}
	a.Size, a.Transferred, a.NewWorkspace = size.Int64, transferred.Int64, workspace.Int64
	if modified.Valid {
		a.Modified = time.Unix(0, modified.Int64)
	}
	a.Started, a.Ended, a.SeenAt = timeOrZero(started), timeOrZero(ended), timeOf(seen)
	return placedArrival{a, string(place)}, json.Unmarshal([]byte(tags), &a.Tags)
}

// placeChunk is how many places one query asks for.
const placeChunk = 250

// LastArrivals returns the last arrival at each of these paths that has one.
func (db *DB) LastArrivals(ctx context.Context, of Arrivals, paths []string) (map[string]*Arrival, error) {
	found := map[string]*Arrival{}
	for chunk := range slices.Chunk(paths, placeChunk) {
		c := &conditions{}
		c.add(`workspace_id = ?`, of.Workspace)
		of.origin(c)
		marks, byPlace := make([]string, len(chunk)), map[string]string{}
		for i, p := range chunk {
			place := placeKey(p)
			marks[i], byPlace[string(place)] = c.arg(place), p
		}
		c.terms = append(c.terms, `place IN (`+strings.Join(marks, ", ")+`)`)
		list, err := all(ctx, db, scanArrival, `SELECT `+arrivalColumns+` FROM ingests WHERE `+c.text()+` ORDER BY id`, c.args...)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			found[byPlace[a.place]] = a.Arrival
		}
	}
	return found, nil
}

// OpenArrivals returns up to limit arrivals that are TRANSFERRING, or
// TRANSFERRED, after that id, in order of their ids.
func (db *DB) OpenArrivals(ctx context.Context, of Arrivals, status coreshed.IngestStatus, after int64, limit int) ([]*Arrival, error) {
	c := &conditions{}
	c.add(`workspace_id = ?`, of.Workspace)
	of.origin(c)
	c.add(`status IN ('TRANSFERRING', 'TRANSFERRED') AND status = ?`, status) // as the index has it
	c.add(`id > ?`, after)
	list, err := all(ctx, db, scanArrival, `SELECT `+arrivalColumns+` FROM ingests WHERE `+c.text()+` ORDER BY id LIMIT `+c.arg(limit), c.args...)
	arrivals := make([]*Arrival, len(list))
	for i, a := range list {
		arrivals[i] = a.Arrival
	}
	return arrivals, err
}

// SaveArrivals writes what was found: new arrivals get their ids, others are
// changed if they are still on their way. Conflict, and nothing is written,
// when the lease is over.
func (db *DB) SaveArrivals(ctx context.Context, l Lease, of Arrivals, list []*Arrival) error {
	if len(list) == 0 {
		return nil
	}
	return db.update(ctx, func(ctx context.Context, t tx) error {
		if err := l.holds(ctx, t); err != nil {
			return err
		}
		return saveArrivals(ctx, t, of, list)
	})
}

func saveArrivals(ctx context.Context, t tx, of Arrivals, list []*Arrival) error {
	for _, a := range list {
		if err := saveArrival(ctx, t, of, a); err != nil {
			return err
		}
	}
	return nil
}

func saveArrival(ctx context.Context, t tx, of Arrivals, a *Arrival) error {
	var size any
	if a.Size >= 0 {
		size = a.Size
	}
	name := printable(a.Name)
	args := []any{
		a.Status, a.Reason, name, printable(a.Path), placeKey(a.Path), size, a.Transferred, a.Modified.UnixNano(), a.ETag,
		tagsText(a.Tags), idOrNil(a.NewWorkspace), a.NewPath, microsOr(a.Started), microsOr(a.Ended), t.db().micros(),
	}
	if a.ID != 0 {
		_, err := t.exec(ctx, `UPDATE ingests SET status = $1, reason = $2, file_name = $3, file_path = $4, place = $5, file_size = $6,
			bytes_transferred = $7, place_modified = $8, place_etag = $9, tags = $10, new_workspace_id = $11, new_file_path = $12,
			transfer_started = $13, transfer_ended = $14, modified_at = $15
			WHERE id = $16 AND status IN ('TRANSFERRING', 'TRANSFERRED')`, append(args, a.ID)...)
		return err
	}
	id, err := insert(ctx, t, `INSERT INTO ingests (status, reason, file_name, file_path, place, file_size, bytes_transferred,
			place_modified, place_etag, tags, new_workspace_id, new_file_path, transfer_started, transfer_ended, modified_at, created_at,
			workspace_id, strike_id, scan_id, media_type)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, $17, $18, $19) RETURNING id`,
		append(args, of.Workspace, of.strike, of.scan, coreshed.MediaType(name))...)
	a.ID = id
	return err
}

// printable is a path as text that the databases take.
func printable(path string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(path, "\ufffd"), "\x00", "\ufffd")
}
