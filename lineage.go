package coreshed

import "time"

// Direction is which way lineage is followed.
type Direction string

// The directions.
const (
	Up   Direction = "up"   // to what a version was made from
	Down Direction = "down" // to what was made from it
	Both Direction = "both" // of holds alone
)

// Lineage is what a version was made from, or what was made from it, with the
// runs between. Nodes are in the order of their distance, then of their ids.
type Lineage struct {
	Root      int64 // the version
	Direction Direction

	Versions []LineageVersion // the root first
	Runs     []LineageRun
	Datasets []LineageDataset // of other systems
	Edges    []LineageEdge    // between the nodes that are named

	// Found is how many nodes there are within the depth, the root counted.
	// Those that the caller may not see are Hidden: they are counted and not
	// named, and lineage goes on behind them.
	Found, Hidden LineageCounts
	// Complete is false when there was too much to follow all of it.
	Complete bool
}

// LineageCounts are numbers of nodes.
type LineageCounts struct{ Versions, Runs, Datasets int64 }

// LineageVersion is a version in a lineage.
type LineageVersion struct {
	ID        int64
	File      UUID
	VersionID int64
	Workspace EntryWorkspace
	Path      string // of the file
	Name      string
	Type      FileType
	Size      int64
	Distance  int64 // in runs, from the root

	Superseded, Deleted bool
}

// LineageRun is a run in a lineage.
type LineageRun struct {
	ID            int64
	Workspace     EntryWorkspace
	Type, Version string // of the job type
	Status        RunStatus
	Recipe, Batch int64 // 0 for none
	Node          string
	EndedAt       time.Time
	Distance      int64
}

// LineageDataset is a data set of another system in a lineage.
type LineageDataset struct {
	ID                       int64
	Namespace, Name, Version string
	Distance                 int64
}

// LineageEdge says that a run has read, or put out, a version or a data set,
// under a name.
type LineageEdge struct {
	Run, Version, Dataset int64 // one of the last two is 0
	Output                bool
	Name                  string
}
