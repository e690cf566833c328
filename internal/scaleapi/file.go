package scaleapi

import (
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listFiles(w http.ResponseWriter, q *request) error {
	filter, err := a.filesWanted(q)
	if err != nil {
		return err
	}
	order, err := q.orders()
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Entry, int64, error) {
		return a.DB.Entries(q.Context(), q.view, filter, order, p)
	}, q.file)
}

func (a *api) getFile(w http.ResponseWriter, q *request) error {
	e, err := a.DB.Entry(q.Context(), q.view, q.id("id"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, q.fileDetails(e))
}

// filesWanted reads the filters of a list of files.
func (a *api) filesWanted(q *request) (coreshed.EntryFilter, error) {
	var f coreshed.EntryFilter
	var err error
	for _, w := range []struct {
		name string
		into *coreshed.Window
	}{{"data", &f.Data}, {"created", &f.Created}, {"source", &f.Source}, {"modified", &f.Modified}} {
		if *w.into, err = q.window(w.name+"_started", w.name+"_ended", a.Now()); err != nil {
			return f, err
		}
	}
	if err = q.readTexts([]textsParam{
		{"source_sensor_class", &f.SensorClass}, {"source_sensor", &f.Sensor}, {"source_collection", &f.Collection}, {"source_task", &f.Task},
		{"file_type", &f.Type}, {"media_type", &f.MediaType}, {"file_name", &f.Name}, {"job_type_name", &f.JobTypeName},
		{"job_output", &f.JobOutput}, {"recipe_node", &f.RecipeNode}, {"countries", &f.Countries},
	}); err != nil {
		return f, err
	}
	if err = q.readIntegers([]integersParam{
		{"job_id", &f.Job}, {"job_type_id", &f.JobType}, {"recipe_id", &f.Recipe}, {"recipe_type_id", &f.RecipeType}, {"batch_id", &f.Batch},
	}); err != nil {
		return f, err
	}
	part, err := q.text("file_name_search")
	if part != nil {
		f.NameContains = *part
	}
	return f, err
}
