package coreshed

import (
	"encoding/json"
	"time"
)

// Entry is a version as the catalogue lists it: what it is, where on Earth and
// when it was taken and by which sensor, and what it was made from. Each
// version of each file is one entry, those of deleted files too. Entries go by
// the version's row id.
type Entry struct {
	Version // with ID, size, headers and byte state

	FileUUID  UUID
	Path      string // the file's address
	Workspace EntryWorkspace

	Type        FileType
	Name        string // base name
	MediaType   string
	StoragePath string // where the bytes were put or found, in the workspace; as found
	ProductKey  string // of a product: 32 hex digits; see ProductKey

	ModifiedAt   time.Time
	DeletedAt    time.Time // zero while its file is live
	SupersededAt time.Time // zero while it is not
	PublishedAt  time.Time // of a product: zero while it never was
	Unpublished  time.Time // of a product: zero while it is published, or never was
	ParsedAt     time.Time // of a source: when it was described; zero while it was not

	Description
	Made Provenance
}

// EntryWorkspace is what an entry tells of its workspace.
type EntryWorkspace struct {
	ID      int64
	UUID    UUID
	Name    string
	BaseURL string // under which others serve its folders, or ""
}

// FileType tells what arrived from what a run made.
type FileType string

// The file types.
const (
	Source  FileType = "SOURCE"
	Product FileType = "PRODUCT"
)

// Description says what a version is about. Zero times and empty texts are
// unknown.
type Description struct {
	DataStarted, DataEnded     time.Time // of the data itself
	SourceStarted, SourceEnded time.Time // of the sources that it comes from

	SensorClass, Sensor, Collection, Task string

	Geometry    string   // WKT, lon/lat, WGS 84; "" is unknown
	CenterPoint string   // WKT, its planar centroid
	Countries   []string // ISO 3166 alpha-3, sorted
	Tags        []string // a set, sorted

	// Metadata is a JSON object, nil when it is empty. Lists leave it out.
	Metadata json.RawMessage
}

// Provenance is the run that made a version. All is zero for a source.
type Provenance struct {
	Job, Execution int64
	JobType        *JobType
	Output         string // of the job

	Recipe     int64
	RecipeType *RecipeType
	Node       string // of the recipe

	Batch *Batch
}

// JobType is an algorithm in one version.
type JobType struct {
	ID                                        int64
	Name, Version, Title, Description         string
	IsActive, IsSystem, IsPaused, IsPublished bool
	IconCode, UnmetResources                  string // "" is none
	Revision, MaxTries                        int64
	CreatedAt, ModifiedAt, DeprecatedAt       time.Time
}

// RecipeType is a graph of job types.
type RecipeType struct {
	ID                                  int64
	Name, Title, Description            string
	IsActive, IsSystem                  bool
	Revision                            int64 // the current one
	CreatedAt, ModifiedAt, DeprecatedAt time.Time
}

// Batch is a group of recipes that were started together.
type Batch struct {
	ID                 int64
	Title, Description string
	CreatedAt          time.Time
}

// View is what a caller may see across the workspaces of an organisation, as
// the store found it. It is the first argument of every store method about
// entries, and a condition of each of their queries.
type View struct {
	Actor Actor
	Org   int64 // row id
	Admin bool  // of the organisation: sees every workspace, deleted ones too

	// Roles are the caller's workspaces, by row id. Those of an admin, all of
	// the organisation's, are Owner.
	Roles map[int64]Role
	// Everything says that Roles covers all workspaces that the store has.
	Everything bool
}

// Sees reports whether the workspace with that row id is in the view.
func (v View) Sees(workspace int64) bool { return v.Roles[workspace] != NoRole }

// EntryFilter says which entries are wanted. The zero filter is every entry of
// the view. Fields combine with AND, the values of one with OR; a nil list is no
// condition, an entry that lacks the value never matches one. Contract: Scale
// v6 §3.1.
type EntryFilter struct {
	// Inclusive bounds in microseconds since the epoch; nil is none. A window is
	// met by each end separately: started at or after its start, ended at or
	// before its end.
	Data, Source      Window
	Created, Modified Window

	SensorClass, Sensor, Collection, Task []string
	Type, MediaType, Name                 []string
	NameContains                          string // without regard to case
	Job, JobType, Recipe, RecipeType      []int64
	Batch                                 []int64
	JobTypeName, JobOutput, RecipeNode    []string
	Countries                             []string // ISO3
}

// Window is a closed range of times.
type Window struct{ From, Until *int64 }

// Country is a country with its border, as both are from a day on. A change of
// the border is another Country of the same name.
type Country struct {
	ID                          int64
	Name, FIPS, GMI, ISO2, ISO3 string
	ISONum                      int64
	Border                      string // a GeoJSON geometry; lists leave it out
	Effective, CreatedAt        time.Time
}
