package scaleapi

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// jobType is an algorithm in one version as lists show it.
type jobType struct {
	jobTypeRef
	MaxTries     int64   `json:"max_tries"`
	RevisionNum  int64   `json:"revision_num"`
	Created      string  `json:"created"`
	Deprecated   *string `json:"deprecated"`
	LastModified string  `json:"last_modified"`
}

type jobTypeDetails struct {
	jobType
	Manifest      json.RawMessage `json:"manifest"`
	Configuration struct{}        `json:"configuration"`
}

// jobTypeName is what the versions of a job type have in common, with the
// latest one.
type jobTypeName struct {
	Name          string   `json:"name"`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	IconCode      *string  `json:"icon_code"`
	NumVersions   int      `json:"num_versions"`
	LatestVersion string   `json:"latest_version"`
	Versions      []string `json:"versions"`
}

type jobTypeRevision struct {
	ID          int64      `json:"id"`
	JobType     jobTypeRef `json:"job_type"`
	RevisionNum int64      `json:"revision_num"`
	Created     string     `json:"created"`
}

type jobTypeRevisionDetails struct {
	jobTypeRevision
	Manifest json.RawMessage `json:"manifest"`
}

type jobTypeStatus struct {
	JobType   jobTypeRef `json:"job_type"`
	JobCounts []jobCount `json:"job_counts"`
}

// jobCount is how many jobs have a status, failed ones by the category of
// their error.
type jobCount struct {
	Status     string  `json:"status"`
	Count      int64   `json:"count"`
	MostRecent string  `json:"most_recent"`
	Category   *string `json:"category"`
}

type pendingJobs struct {
	JobType        jobTypeRef `json:"job_type"`
	Count          int64      `json:"count"`
	LongestPending string     `json:"longest_pending"`
}

type runningJobs struct {
	JobType        jobTypeRef `json:"job_type"`
	Count          int64      `json:"count"`
	LongestRunning string     `json:"longest_running"`
}

type systemFailure struct {
	JobType    jobTypeRef      `json:"job_type"`
	Error      json.RawMessage `json:"error"`
	Count      int64           `json:"count"`
	FirstError string          `json:"first_error"`
	LastError  string          `json:"last_error"`
}

func fullJobTypeOf(t coreshed.JobType) jobType {
	return jobType{
		jobTypeRef: *jobTypeOf(&t), MaxTries: t.MaxTries, RevisionNum: t.Revision,
		Created: stamp(t.CreatedAt), Deprecated: stampOrNull(t.DeprecatedAt), LastModified: stamp(t.ModifiedAt),
	}
}

func jobTypeDetailsOf(t coreshed.JobType, manifest json.RawMessage) jobTypeDetails {
	d := jobTypeDetails{jobType: fullJobTypeOf(t), Manifest: orEmpty(manifest)}
	var members map[string]json.RawMessage
	if json.Unmarshal(d.Manifest, &members) == nil && members["job"] == nil {
		members["job"] = rawJSON(shortManifestOf(d.jobTypeRef).Job) // which Scale's page reads without asking
		d.Manifest = rawJSON(members)
	}
	return d
}

func jobTypeNameOf(n store.JobTypeName) jobTypeName {
	latest := jobTypeOf(&n.Latest)
	return jobTypeName{
		Name: latest.Name, Title: latest.Title, Description: latest.Description, IconCode: latest.IconCode,
		NumVersions: len(n.Versions), LatestVersion: latest.Version, Versions: n.Versions,
	}
}

func jobTypeStatusOf(s store.TypeStatus) jobTypeStatus {
	counts := make([]jobCount, len(s.Counts))
	for i, c := range s.Counts {
		counts[i] = jobCount{string(c.Status), c.Count, stamp(c.Latest), known(c.Category)}
	}
	return jobTypeStatus{*jobTypeOf(&s.Type), counts}
}

func stampOfMicros(n int64) *string { return stampOrNull(time.UnixMicro(n)) }

// recipeType is a graph of job types as lists show it.
type recipeType struct {
	ID           int64   `json:"id"`
	Name         string  `json:"name"`
	Title        string  `json:"title"`
	Description  string  `json:"description"`
	IsActive     bool    `json:"is_active"`
	IsSystem     bool    `json:"is_system"`
	RevisionNum  int64   `json:"revision_num"`
	Created      string  `json:"created"`
	Deprecated   *string `json:"deprecated"`
	LastModified string  `json:"last_modified"`
}

type recipeTypeDetails struct {
	recipeType
	Definition     json.RawMessage  `json:"definition"`
	JobTypes       []jobTypeDetails `json:"job_types"`
	SubRecipeTypes []recipeType     `json:"sub_recipe_types"`
}

type recipeTypeRevision struct {
	ID          int64         `json:"id"`
	RecipeType  recipeTypeRef `json:"recipe_type"`
	RevisionNum int64         `json:"revision_num"`
	Created     string        `json:"created"`
}

type recipeTypeRevisionDetails struct {
	recipeTypeRevision
	Definition json.RawMessage `json:"definition"`
}

func fullRecipeTypeOf(t coreshed.RecipeType) recipeType {
	return recipeType{
		ID: t.ID, Name: t.Name, Title: cmp.Or(t.Title, t.Name), Description: t.Description, IsActive: t.IsActive, IsSystem: t.IsSystem, RevisionNum: t.Revision,
		Created: stamp(t.CreatedAt), Deprecated: stampOrNull(t.DeprecatedAt), LastModified: stamp(t.ModifiedAt),
	}
}
