package scaleapi

import (
	"cmp"
	"encoding/json"
	"strconv"

	"github.com/coreshed/coreshed"
)

// Every field is always there: what has no value is null.

type file struct {
	ID                int64          `json:"id"`
	FileName          string         `json:"file_name"`
	Workspace         workspaceRef   `json:"workspace"`
	DataTypeTags      []string       `json:"data_type_tags"`
	MediaType         string         `json:"media_type"`
	FileType          string         `json:"file_type"`
	FileSize          int64          `json:"file_size"`
	FilePath          string         `json:"file_path"`
	IsDeleted         bool           `json:"is_deleted"`
	URL               *string        `json:"url"`
	Created           string         `json:"created"`
	Deleted           *string        `json:"deleted"`
	DataStarted       *string        `json:"data_started"`
	DataEnded         *string        `json:"data_ended"`
	SourceStarted     *string        `json:"source_started"`
	SourceEnded       *string        `json:"source_ended"`
	SourceSensorClass *string        `json:"source_sensor_class"`
	SourceSensor      *string        `json:"source_sensor"`
	SourceCollection  *string        `json:"source_collection"`
	SourceTask        *string        `json:"source_task"`
	LastModified      string         `json:"last_modified"`
	Geometry          *string        `json:"geometry"`
	CenterPoint       *string        `json:"center_point"`
	Countries         []string       `json:"countries"`
	JobType           *jobTypeRef    `json:"job_type"`
	Job               *ref           `json:"job"`
	JobExe            *ref           `json:"job_exe"`
	JobOutput         *string        `json:"job_output"`
	RecipeType        *recipeTypeRef `json:"recipe_type"`
	Recipe            *ref           `json:"recipe"`
	RecipeNode        *string        `json:"recipe_node"`
	Batch             *batchRef      `json:"batch"`
	IsSuperseded      bool           `json:"is_superseded"`
	Superseded        *string        `json:"superseded"`
}

type fileDetails struct {
	file
	MetaData json.RawMessage `json:"meta_data"`
}

// ref names something by its id alone.
type ref struct {
	ID int64 `json:"id"`
}

type workspaceRef struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type jobTypeRef struct {
	ID             int64   `json:"id"`
	Name           string  `json:"name"`
	Version        string  `json:"version"`
	Title          string  `json:"title"`
	Description    string  `json:"description"`
	IsActive       bool    `json:"is_active"`
	IsSystem       bool    `json:"is_system"`
	IsPaused       bool    `json:"is_paused"`
	IsPublished    bool    `json:"is_published"`
	IconCode       *string `json:"icon_code"`
	UnmetResources *string `json:"unmet_resources"`
}

type recipeTypeRef struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	RevisionNum int64  `json:"revision_num"`
}

type batchRef struct {
	ID          int64  `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Created     string `json:"created"`
}

func (q *request) file(e coreshed.Entry) file {
	return file{
		ID: e.ID, FileName: e.Name, Workspace: workspaceRef{e.Workspace.ID, e.Workspace.Name},
		DataTypeTags: list(e.Tags), MediaType: e.MediaType, FileType: string(e.Type), FileSize: e.Size, FilePath: e.StoragePath,
		IsDeleted: !e.DeletedAt.IsZero(), URL: q.fileURL(e), Created: stamp(e.CreatedAt), Deleted: stampOrNull(e.DeletedAt),
		DataStarted: stampOrNull(e.DataStarted), DataEnded: stampOrNull(e.DataEnded),
		SourceStarted: stampOrNull(e.SourceStarted), SourceEnded: stampOrNull(e.SourceEnded),
		SourceSensorClass: known(e.SensorClass), SourceSensor: known(e.Sensor), SourceCollection: known(e.Collection), SourceTask: known(e.Task),
		LastModified: stamp(e.ModifiedAt), Geometry: known(e.Geometry), CenterPoint: known(e.CenterPoint), Countries: list(e.Countries),
		JobType: jobTypeOf(e.Made.JobType), Job: refOf(e.Made.Job), JobExe: refOf(e.Made.Execution), JobOutput: known(e.Made.Output),
		RecipeType: recipeTypeOf(e.Made.RecipeType), Recipe: refOf(e.Made.Recipe), RecipeNode: known(e.Made.Node), Batch: batchOf(e.Made.Batch),
		IsSuperseded: !e.SupersededAt.IsZero(), Superseded: stampOrNull(e.SupersededAt),
	}
}

func (q *request) fileDetails(e coreshed.Entry) fileDetails {
	d := fileDetails{file: q.file(e), MetaData: e.Metadata}
	if d.MetaData == nil {
		d.MetaData = json.RawMessage("{}")
	}
	if e.Made.Job != 0 && d.URL != nil {
		d.MetaData = withURL(d.MetaData, *d.URL)
	}
	return d
}

// withURL is the metadata of what a run has made, which says where its bytes
// are. Contract: §6.4.
func withURL(metadata json.RawMessage, url string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(metadata, &members) != nil {
		return metadata
	}
	text, err := json.Marshal(url)
	if err != nil {
		return metadata
	}
	members["url"] = text
	if text, err = json.Marshal(members); err != nil {
		return metadata
	}
	return text
}

// cube is the icon of job types that have none: Scale's page shows one for each.
const cube = "f1b2"

// jobTypeOf names a job type that has no title by its name: pages show the title
// alone.
func jobTypeOf(t *coreshed.JobType) *jobTypeRef {
	if t == nil {
		return nil
	}
	return &jobTypeRef{
		ID: t.ID, Name: t.Name, Version: t.Version, Title: cmp.Or(t.Title, t.Name), Description: t.Description,
		IsActive: t.IsActive, IsSystem: t.IsSystem, IsPaused: t.IsPaused, IsPublished: t.IsPublished,
		IconCode: known(cmp.Or(t.IconCode, cube)), UnmetResources: known(t.UnmetResources),
	}
}

func recipeTypeOf(t *coreshed.RecipeType) *recipeTypeRef {
	if t == nil {
		return nil
	}
	return &recipeTypeRef{ID: t.ID, Name: t.Name, Title: cmp.Or(t.Title, t.Name), Description: t.Description, RevisionNum: t.Revision}
}

func batchOf(b *coreshed.Batch) *batchRef {
	if b == nil {
		return nil
	}
	return &batchRef{ID: b.ID, Title: b.Title, Description: b.Description, Created: stamp(b.CreatedAt)}
}

func refOf(id int64) *ref {
	if id == 0 {
		return nil
	}
	return &ref{id}
}

// known is null for what is not known.
func known[T cmp.Ordered](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// list is a list that is never null.
func list(values []string) []string { return append([]string{}, values...) }
