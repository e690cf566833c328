package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// NewOutput announces a file that a run will upload.
type NewOutput struct {
	Name      string // of the output
	File      string // its path in the run's output folder
	Path      string // in the workspace; "" is where the contract puts products
	MediaType string // "" is what the name says
	// Suffix numbers the path when a file of another product has it, instead of
	// refusing the output.
	Suffix bool
	Prefix string // of the keys of all objects that the upload will write
}

// OutputSlot is where a run uploads an output to, or has.
type OutputSlot struct {
	coreshed.Reservation
	StoragePath string
	Version     int64 // its row id, once it is there; then there is no upload
}

// AddOutputs is AdoptOutputs, and begins the uploads of other outputs of a run
// that is running, in their order. The version of each joins the file of the
// same product in the workspace, else the file at its path, which must not be
// that of another product: Conflict. It is in the catalogue when its upload
// commits, and becomes one of its file's when the run is published. Announced
// again it is the same upload.
func (db *DB) AddOutputs(ctx context.Context, view coreshed.View, run int64, adopted []Output, uploads []NewOutput) ([]OutputSlot, error) {
	var slots []OutputSlot
	err := db.changeRun(ctx, view, run, func(ctx context.Context, t tx, r *runState) (err error) {
		if len(adopted) > 0 {
			if err := adoptOutputs(ctx, t, view, r, adopted); err != nil {
				return err
			}
		}
		slots, err = reserveOutputs(ctx, t, view, r, uploads)
		return err
	})
	return slots, err
}

func reserveOutputs(ctx context.Context, t tx, view coreshed.View, r *runState, outputs []NewOutput) ([]OutputSlot, error) {
	slots := make([]OutputSlot, len(outputs))
	if len(outputs) == 0 {
		return slots, nil
	}
	if r.exe.id == 0 {
		return nil, closedRun(r)
	}
	p, err := makingOf(ctx, t, r)
	if err != nil {
		return nil, err
	}
	for i, n := range outputs {
		if slots[i].StoragePath, err = p.place(ctx, t, n); err != nil {
			return nil, err
		}
	}
	// Whoever announces the same products locks their files in the same order.
	order := make([]int, len(outputs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(slots[a].StoragePath, slots[b].StoragePath) })
	for _, i := range order {
		if slots[i], err = p.reserve(ctx, t, view, outputs[i], slots[i].StoragePath); err != nil {
			return nil, err
		}
	}
	return slots, checkLinks(ctx, t, r.id)
}

func closedRun(r *runState) error {
	return coreshed.Errorf(coreshed.Conflict, "Outputs are uploaded while a run is running: this one is %s.", r.status)
}

func (p *making) reserve(ctx context.Context, t tx, view coreshed.View, n NewOutput, place string) (OutputSlot, error) {
	r := p.run
	if known, err := knownOutput(ctx, t, r, n.Name, place); err == nil || !errors.Is(err, coreshed.NotFound) {
		return known, err
	}
	if r.exe.status != coreshed.Running {
		return OutputSlot{}, closedRun(r)
	}
	a := coreshed.Access{Actor: view.Actor, Workspace: coreshed.Workspace{ID: r.workspace}}
	file, err := productFile(ctx, t, a, p.key(path.Base(place)), place, n.Suffix)
	if err != nil {
		return OutputSlot{}, err
	}
	res, err := addUpload(ctx, t, a, file, n.Prefix)
	if err != nil {
		return OutputSlot{}, err
	}
	_, err = t.exec(ctx, `UPDATE uploads SET job_exe_id = $2, output_name = $3, output_path = $4, output_media = $5 WHERE id = $1`,
		res.ID, r.exe.id, n.Name, place, n.MediaType)
	return OutputSlot{Reservation: res, StoragePath: place}, err
}

// place checks what is announced, and returns its path in the workspace.
func (p *making) place(ctx context.Context, t tx, n NewOutput) (string, error) {
	if err := checkName("outputs.name", n.Name); err != nil {
		return "", err
	}
	if err := checkMediaType("outputs.media_type", n.MediaType); err != nil {
		return "", err
	}
	if n.Path != "" {
		return coreshed.CleanPath(n.Path)
	}
	file, err := coreshed.CleanPath(strings.ReplaceAll(n.File, `\`, "/"))
	if err != nil {
		return "", err
	}
	place := coreshed.ProductPlace{Now: timeOf(p.run.exe.at), Execution: p.run.exe.id, Name: file}
	place.JobType, place.JobVersion = p.metadata["job_name"], p.metadata["job_version"]
	if p.recipeType != 0 {
		r, err := one(ctx, t, func(rows *sql.Rows) (coreshed.RecipeType, error) {
			var r coreshed.RecipeType
			return r, rows.Scan(&r.Name, &r.Revision)
		}, `SELECT name, revision_num FROM recipe_types WHERE id = $1`, p.recipeType)
		if err != nil {
			return "", err
		}
		place.RecipeType, place.RecipeRevision = r.Name, r.Revision
	}
	date := p.sources.started
	if !date.Valid {
		if date, err = one(ctx, t, value[sql.NullInt64], `SELECT MIN(v.data_started) FROM ancestry a JOIN versions v ON v.id = a.ancestor_id
			WHERE a.job_id = $1`, p.run.id); err != nil {
			return "", err
		}
	}
	place.Date = timeOrZero(date)
	return coreshed.CleanPath(coreshed.ProductPath(place))
}

// knownOutput is an output of the latest try that has been announced already:
// NotFound when it has not.
func knownOutput(ctx context.Context, t tx, r *runState, name, place string) (OutputSlot, error) {
	version, err := one(ctx, t, value[int64], `SELECT id FROM versions WHERE job_id = $1 AND job_exe_id = $2 AND job_output = $3 AND storage_path = $4`,
		r.id, r.exe.id, name, place)
	if err == nil || !errors.Is(err, coreshed.NotFound) {
		return OutputSlot{StoragePath: place, Version: version}, err
	}
	res, err := one(ctx, t, scanReservation, `SELECT `+reservationColumns+` FROM uploads u JOIN files f ON f.id = u.file_id
		WHERE u.job_exe_id = $1 AND u.output_name = $2 AND u.output_path = $3 AND f.deleted_at IS NULL`, r.exe.id, name, place)
	return OutputSlot{Reservation: res, StoragePath: place}, err
}

// productFile locks the file that a product's version joins: that of the same
// product, else the one at its path, else a new one.
func productFile(ctx context.Context, t tx, a coreshed.Access, key, place string, suffix bool) (int64, error) {
	f, err := lockFile(ctx, t, a, `product_key = $2 AND deleted_at IS NULL ORDER BY id`, key)
	if err == nil || !errors.Is(err, coreshed.NotFound) {
		return f.id, err
	}
	f, err = lockFile(ctx, t, a, `address = $2 AND deleted_at IS NULL AND current_id IS NOT NULL`, Address(place))
	switch {
	case errors.Is(err, coreshed.NotFound):
		return addProductFile(ctx, t, a, key, place)
	case err != nil:
		return 0, err
	}
	n, err := t.exec(ctx, `UPDATE files SET product_key = $2 WHERE id = $1 AND product_key IS NULL`, f.id, key)
	if err != nil || n == 1 {
		return f.id, err
	}
	if !suffix {
		return 0, coreshed.Errorf(coreshed.Conflict, "The path of the output is that of a file which is another product.")
	}
	if place, err = freePath(ctx, t, a.Workspace.ID, place); err != nil {
		return 0, err
	}
	return addProductFile(ctx, t, a, key, place)
}

func addProductFile(ctx context.Context, t tx, a coreshed.Access, key, place string) (int64, error) {
	person, err := actorRow(ctx, t, a.Actor)
	if err != nil {
		return 0, err
	}
	_, name := coreshed.SplitPath(place)
	return insert(ctx, t, `INSERT INTO files (uuid, workspace_id, path, path_key, address, name_key, product_key, created_at, created_by, modified_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8) RETURNING id`,
		uuid.New(), a.Workspace.ID, place, coreshed.FoldPath(place), Address(place), coreshed.FoldPath(name), key, t.db().micros(), person)
}

// holdOutput makes a version that was uploaded the product of the run that
// announced it. It becomes one of its file's versions when the run is published.
func holdOutput(ctx context.Context, t tx, u openUpload, version int64) error {
	job, err := one(ctx, t, value[int64], `SELECT job_id FROM job_exes WHERE id = $1`, u.exe)
	if err != nil {
		return err
	}
	r, err := lockRun(ctx, t, coreshed.View{Everything: true}, job) // the URL is the permission
	if err != nil {
		return err
	}
	if r.exe.id != u.exe || r.exe.status != coreshed.Running {
		return coreshed.Errorf(coreshed.NotFound, "The run of this upload has ended.")
	}
	p, err := makingOf(ctx, t, r)
	if err != nil {
		return err
	}
	_, name := coreshed.SplitPath(u.path)
	if err := changeEntries(ctx, t, []int64{version}, p.set(name, u.output)...); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE versions SET held = 1 WHERE id = $1`, version); err != nil {
		return err
	}
	if err := addMetadata(ctx, t, version, p.metadata); err != nil {
		return err
	}
	if err := linkOutput(ctx, t, job, version); err != nil {
		return err
	}
	return p.date(ctx, t, []int64{version})
}

// endUploads ends what the latest try has announced and not uploaded.
func endUploads(ctx context.Context, t tx, r *runState, e RunEnd) error {
	type open struct {
		id   int64
		name string
	}
	uploads, err := all(ctx, t, func(rows *sql.Rows) (open, error) {
		var o open
		return o, rows.Scan(&o.id, &o.name)
	}, `SELECT id, output_name FROM uploads WHERE job_exe_id = $1 ORDER BY file_id, id`, r.exe.id)
	if err != nil || len(uploads) == 0 {
		return err
	}
	if e.Status == coreshed.Completed && !e.SkipMissing {
		return coreshed.Errorf(coreshed.Conflict, "The output %s has not been uploaded.", uploads[0].name)
	}
	for _, u := range uploads {
		if err := endUpload(ctx, t, u.id, math.MaxInt64); err != nil {
			return err
		}
	}
	return nil
}
