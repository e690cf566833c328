package coreshed

import (
	"reflect"
	"time"
)

// PurgeFilter says which versions a purge begins with: those that have all that it
// says, the values of one list with OR. As JSON it has the names that Scale's list of
// files has for them; like that a purge records it until it has ended.
type PurgeFilter struct {
	Workspace UUID   `json:"workspace,omitzero"` // the zero one is all that the caller sees
	Folder    string `json:"folder,omitempty"`   // what paths begin with, without regard to case

	Name         []string `json:"file_name,omitempty"`
	NameContains string   `json:"file_name_search,omitempty"` // without regard to case
	Type         []string `json:"file_type,omitempty"`
	MediaType    []string `json:"media_type,omitempty"`

	Collection  []string `json:"source_collection,omitempty"`
	Sensor      []string `json:"source_sensor,omitempty"`
	SensorClass []string `json:"source_sensor_class,omitempty"`
	Task        []string `json:"source_task,omitempty"`
	Countries   []string `json:"countries,omitempty"` // ISO3

	Job         []int64  `json:"job_id,omitempty"`
	JobType     []int64  `json:"job_type_id,omitempty"`
	JobTypeName []string `json:"job_type_name,omitempty"`
	JobOutput   []string `json:"job_output,omitempty"`
	Recipe      []int64  `json:"recipe_id,omitempty"`
	RecipeType  []int64  `json:"recipe_type_id,omitempty"`
	RecipeNode  []string `json:"recipe_node,omitempty"`
	Batch       []int64  `json:"batch_id,omitempty"`

	// Inclusive bounds; the zero time is none.
	DataStarted     time.Time `json:"data_started,omitzero"`
	DataEnded       time.Time `json:"data_ended,omitzero"`
	SourceStarted   time.Time `json:"source_started,omitzero"`
	SourceEnded     time.Time `json:"source_ended,omitzero"`
	CreatedStarted  time.Time `json:"created_started,omitzero"`
	CreatedEnded    time.Time `json:"created_ended,omitzero"`
	ModifiedStarted time.Time `json:"modified_started,omitzero"`
	ModifiedEnded   time.Time `json:"modified_ended,omitzero"`
}

// IsZero reports whether the filter asks for nothing but a workspace.
func (f PurgeFilter) IsZero() bool {
	f.Workspace = UUID{}
	return reflect.ValueOf(f).IsZero()
}

// HasEmptyList reports whether one of the lists is there and has no value. Recorded
// it would be no condition at all.
func (f PurgeFilter) HasEmptyList() bool {
	for _, field := range reflect.ValueOf(f).Fields() {
		if field.Kind() == reflect.Slice && !field.IsNil() && field.Len() == 0 {
			return true
		}
	}
	return false
}

// Entries is what the filter asks of entries. Where they lie is not in it.
func (f PurgeFilter) Entries() EntryFilter {
	return EntryFilter{
		Data: windowOf(f.DataStarted, f.DataEnded), Source: windowOf(f.SourceStarted, f.SourceEnded),
		Created: windowOf(f.CreatedStarted, f.CreatedEnded), Modified: windowOf(f.ModifiedStarted, f.ModifiedEnded),
		SensorClass: f.SensorClass, Sensor: f.Sensor, Collection: f.Collection, Task: f.Task,
		Type: f.Type, MediaType: f.MediaType, Name: f.Name, NameContains: f.NameContains,
		Job: f.Job, JobType: f.JobType, Recipe: f.Recipe, RecipeType: f.RecipeType, Batch: f.Batch,
		JobTypeName: f.JobTypeName, JobOutput: f.JobOutput, RecipeNode: f.RecipeNode, Countries: f.Countries,
	}
}

func windowOf(from, until time.Time) Window {
	var w Window
	for _, bound := range []struct {
		at   time.Time
		into **int64
	}{{from, &w.From}, {until, &w.Until}} {
		if !bound.at.IsZero() {
			micros := Micros(bound.at)
			*bound.into = &micros
		}
	}
	return w
}
