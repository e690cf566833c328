package coreshed

import "time"

// Purge is an order to remove versions for good, rows and bytes, with
// everything that was derived from them: planned first, then executed. Whoever
// planned it sees it, and admins of the organisation.
type Purge struct {
	ID          int64
	UUID        UUID
	Scope       PurgeScope
	SourceBytes bool // also the bytes of sources that Coreshed does not own
	Reason      string
	Filter      []byte // JSON of the PurgeFilter that it was asked for by; erased at the end
	FilterSHA   []byte // SHA-256 of that, which stays; nil without one
	Status      PurgeStatus
	Fingerprint []byte // SHA-256 of the set; nil while it is not known

	PlannedBy, ExecutedBy, ApprovedBy Person // the zero one for none
	PlannedAt, ExecutedAt, EndedAt    time.Time

	// SourceFile is the entry that a purge of Scale's API was asked for, which
	// may be no more.
	SourceFile int64

	Planned PurgeTotals
	Removed PurgeTotals // rows really removed, so far

	Held      int64 // things of the set that a hold protects
	Forbidden int64 // things of the set that whoever planned it may not remove
	Errors    int64 // versions whose bytes could not be removed yet
	LastError string
	RetryAt   time.Time // when it is tried again after that; zero without an error
}

// PurgeTotals counts what a purge removes. Bytes are of the versions whose bytes
// go.
type PurgeTotals struct{ Versions, Sources, Products, Runs, Recipes, Bytes int64 }

// PurgeScope says how far a purge goes.
type PurgeScope string

// The scopes.
const (
	// PurgeLineage reaches every run that read a purged version, all that those
	// runs put out, and so on. A recipe goes with the last of its nodes.
	PurgeLineage PurgeScope = "lineage"
	// PurgeRecipe reaches further: a recipe that took a purged version as input
	// goes whole, with its sub-recipes, those above it and those it superseded.
	// Contract: Scale v6 §8.
	PurgeRecipe PurgeScope = "recipe"
	// PurgeDeleted is what the server itself begins for deleted files that their
	// workspace does not keep any longer. What was made from them stays.
	PurgeDeleted PurgeScope = "deleted"
)

// PurgeStatus is what has become of a purge.
type PurgeStatus string

// The statuses. From PurgeRunning on, what belongs to the set can be used for
// nothing new.
const (
	PurgeQueued  PurgeStatus = "queued"  // is planned when it is executed
	PurgePlanned PurgeStatus = "planned" // waits to be executed
	PurgeRunning PurgeStatus = "purging"
	PurgeStopped PurgeStatus = "stopped" // by hand; goes on when it is told to
	PurgeDone    PurgeStatus = "purged"
)

// PurgeKind is what a thing of a purge's set is.
type PurgeKind string

// The kinds.
const (
	PurgeVersion   PurgeKind = "version"
	PurgeRun       PurgeKind = "run"
	PurgeRecipeRow PurgeKind = "recipe"
)

// PurgeItem is a thing of a purge's set.
type PurgeItem struct {
	Kind PurgeKind
	ID   int64

	// Depth is how many links lie between it and a source, and Via what it was
	// reached from: nothing at depth 0.
	Depth int64
	Via   *PurgeVia

	// Name is the path of a version's file, or the type of a run or recipe, while
	// it is there: what is gone has none.
	Name      string
	Workspace EntryWorkspace
	File      UUID // of a version
	VersionID int64
	Type      FileType
	JobType   int64
	Size      int64
	SHA256    []byte
	MD5       []byte

	Bytes BytesFate
	Hold  int64 // that protects it; 0 is none
	State PurgeState
	Error string // why its bytes are still there
}

// PurgeVia names a thing that another was reached from.
type PurgeVia struct {
	Kind PurgeKind
	ID   int64 // 0 in a reason that the caller may not see
}

// PurgePlan is what a purge's set amounts to, as a caller may see it.
type PurgePlan struct {
	Sums []PurgeSum // of what is in workspaces that the caller sees
	// Hidden is what is in others: it is counted and not named.
	Hidden PurgeTotals

	// Twins are versions outside the set with the same bytes as one in it. They
	// are never in it by themselves. AlsoFrom are versions outside that runs of
	// the set have read: what those runs made came from them too. Datasets of
	// other systems, which runs of the set have put out, are not followed.
	Twins    PurgeNeighbours
	AlsoFrom PurgeNeighbours
	Datasets PurgeDatasets
}

// PurgeSum is how many things of one sort a set has. Size is of versions.
type PurgeSum struct {
	Kind                    PurgeKind
	Type                    FileType // of versions
	Workspace               EntryWorkspace
	JobType, JobTypeVersion string // of products and runs
	Bytes                   BytesFate
	Count, Size             int64
}

// PurgeNeighbours are versions beside a set: how many there are, and the first.
type PurgeNeighbours struct {
	Total    int64
	Versions []LineageVersion // without distances
}

// PurgeDatasets are data sets of other systems beside a set: how many there are,
// and the first.
type PurgeDatasets struct {
	Total    int64
	Datasets []LineageDataset
}

// BytesFate says what becomes of a version's bytes.
type BytesFate string

// The fates.
const (
	BytesGo      BytesFate = "remove"
	BytesStay    BytesFate = "keep"    // a source's, that Coreshed does not own
	BytesUnknown BytesFate = "unknown" // not what was recorded, or not there: not touched
	NoBytes      BytesFate = ""        // of runs and recipes
)

// PurgeState is how far the removal of a thing has come.
type PurgeState string

// The states.
const (
	PurgeWaits   PurgeState = "planned"
	PurgeRemoved PurgeState = "removed"
)
