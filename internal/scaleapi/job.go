package scaleapi

import (
	"errors"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listJobs(w http.ResponseWriter, q *request) error {
	f, err := a.jobsWanted(q)
	if err != nil {
		return err
	}
	return a.sendJobs(w, q, f)
}

// sendJobs answers with a page of jobs.
func (a *api) sendJobs(w http.ResponseWriter, q *request, f store.RunFilter) error {
	order, err := q.orders()
	if err != nil {
		return err
	}
	var inputs map[int64][]store.InputName
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Run, int64, error) {
		runs, total, err := a.DB.Runs(q.Context(), q.view, f, order, p)
		if err != nil || len(runs) == 0 {
			return runs, total, err
		}
		ids := make([]int64, len(runs))
		for i, r := range runs {
			ids[i] = r.ID
		}
		inputs, err = a.DB.RunInputNames(q.Context(), q.view, ids)
		return runs, total, err
	}, func(r coreshed.Run) job { return jobOf(r, inputs[r.ID]) })
}

// jobsWanted reads the filters of a list of jobs.
func (a *api) jobsWanted(q *request) (store.RunFilter, error) {
	f := store.RunFilter{Bare: true}
	var err error
	if f.Modified, err = q.window("started", "ended", a.Now()); err != nil {
		return f, err
	}
	if f.Source, err = q.window("source_started", "source_ended", a.Now()); err != nil {
		return f, err
	}
	if err = q.readTexts([]textsParam{
		{"source_sensor_class", &f.SensorClass}, {"source_sensor", &f.Sensor}, {"source_collection", &f.Collection}, {"source_task", &f.Task},
		{"job_type_name", &f.TypeName}, {"error_category", &f.ErrorCategory},
	}); err != nil {
		return f, err
	}
	if err = q.readIntegers([]integersParam{
		{"job_id", &f.ID}, {"job_type_id", &f.Type}, {"batch_id", &f.Batch}, {"recipe_id", &f.Recipe}, {"error_id", &f.ErrorID},
	}); err != nil {
		return f, err
	}
	status, err := q.texts("status")
	if status != nil {
		f.Status = []coreshed.RunStatus{}
	}
	for _, s := range status {
		f.Status = append(f.Status, coreshed.RunStatus(s))
	}
	if err != nil {
		return f, err
	}
	f.Superseded, err = q.boolean("is_superseded")
	return f, err
}

func (a *api) getJob(w http.ResponseWriter, q *request) error {
	r, err := a.DB.Run(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	d, err := a.jobDetails(q, r)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, d)
}

func (a *api) jobDetails(q *request, r coreshed.Run) (jobDetails, error) {
	ctx := q.Context()
	inputs, err := a.DB.RunInputNames(ctx, q.view, []int64{r.ID})
	if err != nil {
		return jobDetails{}, err
	}
	d := jobDetails{
		job: jobOf(r, inputs[r.ID]), Event: eventDetailsOf(r.Event), RootSupersededJob: refOf(r.RootSuperseded),
		Configuration: orEmpty(r.Configuration), Resources: orEmpty(nil), JobTypeRev: jobTypeRev{jobTypeRevRef: jobTypeRevOf(r), Manifest: orEmpty(nil)},
	}
	d.Input.JSON, d.Output.JSON = orEmpty(r.Values), orEmpty(nil)
	if d.Input.Files, err = a.DB.RunInputIDs(ctx, q.view, r.ID); err != nil {
		return d, err
	}
	if d.Output.Files, err = a.DB.RunOutputIDs(ctx, q.view, r.ID); err != nil {
		return d, err
	}
	by, err := a.DB.SupersededBy(ctx, q.view, r.ID)
	if err != nil {
		return d, err
	}
	d.SupersededByJob = refOf(by)
	if d.SupersededJob, err = a.superseded(q, r.Supersedes); err != nil {
		return d, err
	}
	if r.Revision.ID != 0 {
		rev, err := a.DB.JobTypeRevision(ctx, q.view, r.Type.ID, r.Revision.Number)
		if err != nil {
			return d, err
		}
		d.JobTypeRev.Manifest, d.JobTypeRev.Created = orEmpty(rev.Document), stampOfMicros(rev.Created)
	}
	return d, a.addExecution(q, r, &d)
}

// superseded is a job that another one supersedes; nil when there is none in the
// caller's view.
func (a *api) superseded(q *request, id int64) (*supersededJob, error) {
	if id == 0 {
		return nil, nil
	}
	r, err := a.DB.Run(q.Context(), q.view, id)
	if errors.Is(err, coreshed.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return supersededJobOf(r), nil
}

// addExecution adds the latest try of a run to its details.
func (a *api) addExecution(q *request, r coreshed.Run, d *jobDetails) error {
	tries, _, err := a.DB.LatestExecutions(q.Context(), q.view, r.ID, nil, coreshed.Page{Limit: 1})
	if err != nil || len(tries) == 0 {
		return err
	}
	x := tries[0]
	latest := executionOf(r, x)
	d.Execution, d.Resources = &latest, orEmpty(x.Resources)
	if x.Output != nil {
		d.Output.JSON = x.Output
	}
	return nil
}

func (a *api) listExecutions(w http.ResponseWriter, q *request) error {
	r, err := a.DB.Run(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	wanted, err := q.texts("status")
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Execution, int64, error) {
		return a.DB.LatestExecutions(q.Context(), q.view, r.ID, wanted, p)
	}, func(x coreshed.Execution) execution { return executionOf(r, x) })
}

func (a *api) getExecution(w http.ResponseWriter, q *request) error {
	r, err := a.DB.Run(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	x, err := a.DB.Execution(q.Context(), q.view, r.ID, q.id("num"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, executionDetailsOf(r, x))
}

func (a *api) listJobInputs(w http.ResponseWriter, q *request) error {
	f, err := a.inputsWanted(q, "job_input")
	if err != nil {
		return err
	}
	r, err := a.DB.Run(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Entry, int64, error) {
		return a.DB.RunInputFiles(q.Context(), q.view, r.ID, f, p)
	}, q.file)
}

// inputsWanted reads the filters of a list of input files; name is that of the
// parameter for the input's name.
func (a *api) inputsWanted(q *request, name string) (store.InputFilter, error) {
	var f store.InputFilter
	times, err := q.window("started", "ended", a.Now())
	if err != nil {
		return f, err
	}
	field, err := q.text("time_field")
	if err != nil {
		return f, err
	}
	switch {
	case field == nil || *field == "last_modified":
		f.Modified = times
	case *field == "source":
		f.Source = times
	case *field == "data":
		f.Data = times
	default:
		return f, bad(`Parameter "time_field" values must be one of: ['source', 'data', 'last_modified']`)
	}
	if f.FileName, err = q.text("file_name"); err != nil {
		return f, err
	}
	f.Input, err = q.text(name)
	return f, err
}
