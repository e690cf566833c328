package coreshed

import (
	"encoding/json"
	"time"
)

// IngestStatus is how far an arrival has come.
type IngestStatus string

// The statuses of an ingest. The last four are its end, for that arrival.
const (
	IngestTransferring IngestStatus = "TRANSFERRING" // somebody is still writing the file
	IngestTransferred  IngestStatus = "TRANSFERRED"  // it is whole
	IngestQueued       IngestStatus = "QUEUED"       // a rule takes it
	IngestIngesting    IngestStatus = "INGESTING"    // it is being registered
	IngestIngested     IngestStatus = "INGESTED"     // it is an entry
	IngestDeferred     IngestStatus = "DEFERRED"     // no rule takes it
	IngestErrored      IngestStatus = "ERRORED"
	IngestDuplicate    IngestStatus = "DUPLICATE" // name, size and SHA-256 are those of an entry
)

// IngestStatuses are all statuses.
var IngestStatuses = []IngestStatus{
	IngestTransferring, IngestTransferred, IngestDeferred, IngestQueued, IngestIngesting, IngestIngested, IngestErrored, IngestDuplicate,
}

// Ingest is one arrival of one file in a folder or bucket. Zero times, ids and
// negative sizes are unknown.
type Ingest struct {
	ID       int64
	Name     string // base name
	Status   IngestStatus
	Reason   string // why it is ERRORED, DEFERRED or DUPLICATE, or is tried again
	Attempts int64

	Strike, Scan, Job int64
	Workspace         int64
	Path              string // where the file lies in its workspace
	NewWorkspace      int64
	NewPath           string // where a rule wants it

	Size, Transferred int64 // bytes
	MediaType         string
	Tags              []string

	TransferStarted, TransferEnded time.Time
	IngestStarted, IngestEnded     time.Time
	DataStarted, DataEnded         time.Time
	CreatedAt, ModifiedAt          time.Time

	Entry int64 // what it has become, or repeats
}

// IngestFilter says which ingests are wanted; nil and empty are no condition.
type IngestFilter struct {
	Modified     Window
	Status       []IngestStatus
	Scan, Strike []int64
	NameContains string // with regard to case
}

// Origin is what strikes and scans have in common: a title, a configuration,
// and the job under which it works.
type Origin struct {
	ID                       int64
	Workspace                int64
	Name, Title, Description string
	Configuration            json.RawMessage // its secrets are sealed
	Job                      *OriginJob
	CreatedAt, ModifiedAt    time.Time
}

// OriginJob is the job under which a strike or scan works.
type OriginJob struct {
	ID     int64
	Type   JobType
	Status string
}

// Strike watches a folder or bucket for as long as it is there.
type Strike struct{ Origin }

// Scan looks once at what lies in a folder or bucket.
type Scan struct {
	Origin
	DryRun *OriginJob // the last walk that only counted
	Files  int64      // seen by the last walk
}

// OriginFilter says which strikes or scans are wanted.
type OriginFilter struct {
	ID           []int64
	Modified     Window
	Name         []string // exact
	NameContains []string
}

// OriginEdit changes the fields that are not nil.
type OriginEdit struct {
	Title, Description *string
	Configuration      json.RawMessage
	Workspace          int64 // with a configuration
}
