package scaleapi

import (
	"cmp"
	"encoding/json"
	"math"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// job is a run as lists show it.
type job struct {
	ID               int64           `json:"id"`
	JobType          *jobTypeRef     `json:"job_type"`
	Status           string          `json:"status"`
	JobTypeRev       jobTypeRevRef   `json:"job_type_rev"`
	Event            *event          `json:"event"`
	IngestEvent      *ref            `json:"ingest_event"`
	Recipe           *jobRecipe      `json:"recipe"`
	Batch            *batchRef       `json:"batch"`
	IsSuperseded     bool            `json:"is_superseded"`
	SupersededJob    *ref            `json:"superseded_job"`
	Node             *node           `json:"node"`
	Error            json.RawMessage `json:"error"`
	MaxTries         int64           `json:"max_tries"`
	NumExes          int64           `json:"num_exes"`
	InputFileSize    float64         `json:"input_file_size"`
	InputFiles       []inputRef      `json:"input_files"`
	LastStatusChange string          `json:"last_status_change"`
	sources
	Created      string  `json:"created"`
	Queued       *string `json:"queued"`
	Started      *string `json:"started"`
	Ended        *string `json:"ended"`
	Superseded   *string `json:"superseded"`
	LastModified string  `json:"last_modified"`
}

type jobDetails struct {
	job
	JobTypeRev        jobTypeRev      `json:"job_type_rev"`
	Event             *eventDetails   `json:"event"`
	RootSupersededJob *ref            `json:"root_superseded_job"`
	SupersededByJob   *ref            `json:"superseded_by_job"`
	Resources         json.RawMessage `json:"resources"`
	Configuration     json.RawMessage `json:"configuration"`
	Input             data            `json:"input"`
	Output            data            `json:"output"`
	Execution         *execution      `json:"execution"`
	SupersededJob     *supersededJob  `json:"superseded_job"`
}

// supersededJob is the one before, with what Scale's page shows of it.
type supersededJob struct {
	ID      int64  `json:"id"`
	Status  string `json:"status"`
	JobType struct {
		jobTypeRef
		Manifest shortManifest `json:"manifest"`
	} `json:"job_type"`
}

// shortManifest says which job type it is of.
type shortManifest struct {
	Job struct {
		Name       string `json:"name"`
		JobVersion string `json:"jobVersion"`
		Title      string `json:"title"`
	} `json:"job"`
}

type jobTypeRevRef struct {
	ID          *int64 `json:"id"`
	JobType     ref    `json:"job_type"`
	RevisionNum int64  `json:"revision_num"`
}

type jobTypeRev struct {
	jobTypeRevRef
	Manifest json.RawMessage `json:"manifest"`
	Created  *string         `json:"created"`
}

type event struct {
	ID       int64  `json:"id"`
	Type     string `json:"type"`
	Occurred string `json:"occurred"`
}

type eventDetails struct {
	event
	Description json.RawMessage `json:"description"`
}

// jobRecipe is what a job tells of its recipe.
type jobRecipe struct {
	ID            int64          `json:"id"`
	RecipeType    *recipeTypeRef `json:"recipe_type"`
	RecipeTypeRev *ref           `json:"recipe_type_rev"`
	Event         *ref           `json:"event"`
}

// node is where a job ran. Coreshed keeps no nodes, so that it has no id.
type node struct {
	ID       *int64 `json:"id"`
	Hostname string `json:"hostname"`
}

// inputRef is a file that a job or a recipe read, under a name.
type inputRef struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	FileName string `json:"file_name"`
}

// sources are what inputs say of where they come from.
type sources struct {
	SourceStarted     *string `json:"source_started"`
	SourceEnded       *string `json:"source_ended"`
	SourceSensorClass *string `json:"source_sensor_class"`
	SourceSensor      *string `json:"source_sensor"`
	SourceCollection  *string `json:"source_collection"`
	SourceTask        *string `json:"source_task"`
}

// data is what goes into a job or a recipe, or comes out: ids of files by name,
// and other values.
type data struct {
	Files map[string][]int64 `json:"files"`
	JSON  json.RawMessage    `json:"json"`
}

type execution struct {
	ID      int64           `json:"id"`
	Status  string          `json:"status"`
	ExeNum  int64           `json:"exe_num"`
	Job     ref             `json:"job"`
	JobType *jobTypeRef     `json:"job_type"`
	Node    *node           `json:"node"`
	Error   json.RawMessage `json:"error"`
	Timeout int64           `json:"timeout"`
	Created string          `json:"created"`
	Queued  *string         `json:"queued"`
	Started *string         `json:"started"`
	Ended   *string         `json:"ended"`
	// Ours, and read by Scale's page.
	LastModified string `json:"last_modified"`
}

type executionDetails struct {
	execution
	ExitCode    *int64          `json:"exit_code"`
	Resources   json.RawMessage `json:"resources"`
	TaskResults taskResults     `json:"task_results"`
	Output      json.RawMessage `json:"output"`
}

type taskResults struct {
	Tasks []task `json:"tasks"`
}

// task is one report of progress.
type task struct {
	TaskID  string          `json:"task_id"`
	Status  string          `json:"status"`
	When    string          `json:"when"`
	Details json.RawMessage `json:"details"`
}

func jobOf(r coreshed.Run, inputs []store.InputName) job {
	return job{
		ID: r.ID, JobType: jobTypeOf(&r.Type), Status: string(r.Status), JobTypeRev: jobTypeRevOf(r),
		Event: eventOf(r.Event), IngestEvent: refOf(r.IngestEvent), Recipe: jobRecipeOf(r.Recipe), Batch: batchOf(r.Batch),
		IsSuperseded: !r.SupersededAt.IsZero(), SupersededJob: refOf(r.Supersedes), Node: nodeOf(r.Host), Error: orNull(r.Error),
		MaxTries: r.MaxTries, NumExes: r.Tries, InputFileSize: mebibytes(r.InputSize), InputFiles: inputRefs(inputs),
		LastStatusChange: stamp(r.StatusAt), sources: sourcesOf(r.Sources), Created: stamp(r.CreatedAt), Queued: stampOrNull(r.QueuedAt),
		Started: stampOrNull(r.StartedAt), Ended: stampOrNull(r.EndedAt), Superseded: stampOrNull(r.SupersededAt), LastModified: stamp(r.ModifiedAt),
	}
}

func supersededJobOf(r coreshed.Run) *supersededJob {
	s := &supersededJob{ID: r.ID, Status: string(r.Status)}
	s.JobType.jobTypeRef = *jobTypeOf(&r.Type)
	s.JobType.Manifest = shortManifestOf(s.JobType.jobTypeRef)
	return s
}

func shortManifestOf(t jobTypeRef) shortManifest {
	var m shortManifest
	m.Job.Name, m.Job.JobVersion, m.Job.Title = t.Name, t.Version, t.Title
	return m
}

func jobTypeRevOf(r coreshed.Run) jobTypeRevRef {
	return jobTypeRevRef{ID: known(r.Revision.ID), JobType: ref{r.Type.ID}, RevisionNum: r.Revision.Number}
}

func eventOf(e *coreshed.Event) *event {
	if e == nil {
		return nil
	}
	return &event{e.ID, e.Type, stamp(e.OccurredAt)}
}

func eventDetailsOf(e *coreshed.Event) *eventDetails {
	if e == nil {
		return nil
	}
	return &eventDetails{*eventOf(e), orEmpty(e.Description)}
}

func jobRecipeOf(r *coreshed.Recipe) *jobRecipe {
	if r == nil {
		return nil
	}
	of := &jobRecipe{ID: r.ID, RecipeType: recipeTypeOf(&r.Type), RecipeTypeRev: refOf(r.Revision.ID)}
	if r.Event != nil {
		of.Event = &ref{r.Event.ID}
	}
	return of
}

func nodeOf(host string) *node {
	if host == "" {
		return nil
	}
	return &node{Hostname: host}
}

func inputRefs(inputs []store.InputName) []inputRef {
	refs := make([]inputRef, len(inputs))
	for i, in := range inputs {
		refs[i] = inputRef{in.Entry, in.Name, in.FileName}
	}
	return refs
}

func sourcesOf(s coreshed.Sources) sources {
	return sources{
		SourceStarted: stampOrNull(s.SourceStarted), SourceEnded: stampOrNull(s.SourceEnded),
		SourceSensorClass: known(s.SensorClass), SourceSensor: known(s.Sensor),
		SourceCollection: known(s.Collection), SourceTask: known(s.Task),
	}
}

// mebibytes is a size in MiB, rounded up.
func mebibytes(n int64) float64 { return math.Ceil(float64(n) / (1 << 20)) }

// orNull is a document, and null for none.
func orNull(document json.RawMessage) json.RawMessage {
	if len(document) == 0 {
		return json.RawMessage("null")
	}
	return document
}

// orEmpty is a document, and an empty object for none.
func orEmpty(document json.RawMessage) json.RawMessage {
	if len(document) == 0 {
		return json.RawMessage("{}")
	}
	return document
}

func executionOf(r coreshed.Run, x coreshed.Execution) execution {
	return execution{
		ID: x.ID, Status: string(x.Status), ExeNum: x.Number, Job: ref{x.Run}, JobType: jobTypeOf(&r.Type), Node: nodeOf(x.Host),
		Error: orNull(x.Error), Timeout: x.Timeout, Created: stamp(x.CreatedAt), Queued: stampOrNull(x.QueuedAt),
		Started: stampOrNull(x.StartedAt), Ended: stampOrNull(x.EndedAt), LastModified: stamp(cmp.Or(x.EndedAt, x.StartedAt, x.CreatedAt)),
	}
}

func executionDetailsOf(r coreshed.Run, x coreshed.Execution) executionDetails {
	d := executionDetails{
		execution: executionOf(r, x), ExitCode: x.ExitCode, Resources: orEmpty(x.Resources), Output: orEmpty(x.Output),
		TaskResults: taskResults{Tasks: make([]task, len(x.Progress))},
	}
	for i, u := range x.Progress {
		d.TaskResults.Tasks[i] = task{u.Task, u.Status, stamp(u.At), orEmpty(u.Document)}
	}
	return d
}
