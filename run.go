package coreshed

import (
	"encoding/json"
	"time"
)

// Run is one requested run of a job type, with what became of it: a job, in
// Scale's words. Coreshed records runs and does not start any. Whoever sees the
// workspace in which it was recorded sees the run.
type Run struct {
	ID        int64
	Key       string // the recorder's own id, unique in the workspace; "" for none
	Workspace EntryWorkspace

	Type     JobType
	Revision Revision // of the type
	Status   RunStatus

	Event       *Event // that caused it
	IngestEvent int64
	Recipe      *Recipe // in which it is original; without its sources and counts
	Node        string  // of the recipe
	RootRecipe  int64
	Batch       *Batch

	Supersedes, RootSuperseded int64 // runs
	SupersededAt               time.Time

	Host                      string          // where it runs
	Error                     json.RawMessage // an object; nil for none
	Values                    json.RawMessage // the inputs that are no files: an object of names to values
	Configuration, Facets     json.RawMessage // objects
	MaxTries, Tries, Priority int64
	InputSize                 int64 // bytes
	Sources

	CreatedAt, QueuedAt, StartedAt, EndedAt, StatusAt, PublishedAt, ModifiedAt time.Time
}

// Sources is what the inputs of a run or a recipe say of where they come from:
// the earliest and the latest time, and of each text the greatest.
type Sources struct {
	SourceStarted, SourceEnded            time.Time
	SensorClass, Sensor, Collection, Task string
}

// RunStatus is what has become of a run.
type RunStatus string

// The statuses. A run in the last three has ended.
const (
	Pending   RunStatus = "PENDING" // waits for its inputs
	Blocked   RunStatus = "BLOCKED" // waits for a run that has failed
	Queued    RunStatus = "QUEUED"  // accepted, and has not started
	Running   RunStatus = "RUNNING"
	Failed    RunStatus = "FAILED"
	Completed RunStatus = "COMPLETED"
	Canceled  RunStatus = "CANCELED"
)

// Ended reports whether nothing more is to happen. A run that has failed may
// be tried again.
func (s RunStatus) Ended() bool { return s == Failed || s == Completed || s == Canceled }

// Waiting reports whether the run has not started.
func (s RunStatus) Waiting() bool { return s == Pending || s == Blocked || s == Queued }

// Revision is a state of a job type or a recipe type.
type Revision struct{ ID, Number int64 }

// Event is what caused something.
type Event struct {
	ID          int64
	Type        string
	Description json.RawMessage // an object
	OccurredAt  time.Time
}

// Execution is one try of a run.
type Execution struct {
	ID, Run, Number int64
	Key             string // the recorder's own id
	Host            string
	Timeout         int64           // seconds; 0 is none
	Resources       json.RawMessage // an object

	Status   RunStatus // RUNNING, or how it ended
	ExitCode *int64
	Error    json.RawMessage // an object; nil for none
	Document json.RawMessage // how it ended, as recorded
	Output   json.RawMessage // what it put out, as recorded

	CreatedAt, QueuedAt, StartedAt, EndedAt time.Time
	Progress                                []TaskUpdate // in the order in which they were recorded
}

// TaskUpdate is progress of a try.
type TaskUpdate struct {
	Task     string
	Status   string
	At       time.Time
	Document json.RawMessage // an object
}

// Ref names a version: by its row id, by its file with a version id, or by its
// path with a version id. A version id of 0 is the current one.
type Ref struct {
	ID        int64
	File      UUID
	Workspace UUID // of Path; zero is the workspace in question
	Path      string
	VersionID int64
}

// Input is a version that was read, under a name.
type Input struct {
	Name    string
	Version Ref
}

// NamedEntry is a version with the name under which a run or a recipe reads it
// or puts it out.
type NamedEntry struct {
	Name string
	Entry
}

// Recipe is one run of a recipe type.
type Recipe struct {
	ID        int64
	Key       string // the recorder's own id, unique in the workspace; "" for none
	Workspace EntryWorkspace

	Type     RecipeType
	Revision Revision // of the type

	Event       *Event
	IngestEvent int64
	Batch       *Batch

	Parent, Root               int64 // the recipe that contains it, and the outermost one
	Supersedes, RootSuperseded int64 // recipes
	SupersededAt               time.Time

	Values    json.RawMessage // the inputs that are no files: an object
	InputSize int64
	Sources
	Counts RecipeCounts

	CompletedAt, CreatedAt, ModifiedAt time.Time
}

// RecipeCounts are the nodes of a recipe, by what became of them.
type RecipeCounts struct {
	Jobs                           map[RunStatus]int64
	SubRecipes, SubRecipesComplete int64
}

// RecipeNode is one node of a recipe: a run, a sub-recipe, or a condition.
type RecipeNode struct {
	Name      string
	Original  bool // not carried over from the recipe that this one supersedes
	Run       int64
	Recipe    int64
	Condition *Condition
}

// Condition is a node that decides whether those behind it run.
type Condition struct {
	ID                     int64
	Processed, Accepted    bool
	CreatedAt, ProcessedAt time.Time
}
