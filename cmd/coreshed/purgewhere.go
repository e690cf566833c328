package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// whereHelp names the terms of a filter.
const whereHelp = `With --where, versions of the workspace are named by what the catalogue knows of them, whether their files are deleted or not. Each term once, or several times for one of several values; different terms must all be met. Terms are those of Scale's list of files, and the folder: folder, file_name, file_name_search, file_type, media_type, source_collection, source_sensor, source_sensor_class, source_task, countries, job_id, job_type_id, job_type_name, job_output, recipe_id, recipe_type_id, recipe_node, batch_id, and data_, source_, created_ and modified_ with started or ended. When it is executed, what matches is looked for again.`

// filterOf reads terms such as source_collection=spring.
func filterOf(workspace coreshed.UUID, terms []string) (*coreshed.PurgeFilter, error) {
	f := &coreshed.PurgeFilter{Workspace: workspace}
	set := settersOf(f)
	for _, term := range terms {
		name, value, ok := strings.Cut(term, "=")
		add := set[name]
		if !ok || value == "" || add == nil {
			return nil, usagef("%q is not TERM=VALUE with one of these terms: %s", term, strings.Join(slices.Sorted(maps.Keys(set)), ", "))
		}
		if err := add(value); err != nil {
			return nil, usagef("%s: %v", term, err)
		}
	}
	return f, nil
}

// settersOf are the ways to set each term of a filter.
func settersOf(f *coreshed.PurgeFilter) map[string]func(string) error {
	set := map[string]func(string) error{}
	for name, into := range map[string]*string{"folder": &f.Folder, "file_name_search": &f.NameContains} {
		set[name] = func(value string) error { *into = value; return nil }
	}
	for name, into := range map[string]*[]string{
		"file_name": &f.Name, "file_type": &f.Type, "media_type": &f.MediaType, "countries": &f.Countries,
		"source_collection": &f.Collection, "source_sensor": &f.Sensor, "source_sensor_class": &f.SensorClass, "source_task": &f.Task,
		"job_type_name": &f.JobTypeName, "job_output": &f.JobOutput, "recipe_node": &f.RecipeNode,
	} {
		set[name] = func(value string) error { *into = append(*into, value); return nil }
	}
	for name, into := range map[string]*[]int64{
		"job_id": &f.Job, "job_type_id": &f.JobType, "recipe_id": &f.Recipe, "recipe_type_id": &f.RecipeType, "batch_id": &f.Batch,
	} {
		set[name] = func(value string) error {
			id, err := strconv.ParseInt(value, 10, 64)
			*into = append(*into, id)
			return err
		}
	}
	for name, into := range map[string]*time.Time{
		"data_started": &f.DataStarted, "data_ended": &f.DataEnded, "source_started": &f.SourceStarted, "source_ended": &f.SourceEnded,
		"created_started": &f.CreatedStarted, "created_ended": &f.CreatedEnded, "modified_started": &f.ModifiedStarted, "modified_ended": &f.ModifiedEnded,
	} {
		set[name] = func(value string) error { return (*dateFlag)(into).UnmarshalText([]byte(value)) }
	}
	return set
}
