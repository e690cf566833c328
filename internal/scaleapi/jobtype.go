package scaleapi

import (
	"net/http"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listJobTypes(w http.ResponseWriter, q *request) error {
	f, err := q.typesWanted()
	if err != nil {
		return err
	}
	return a.sendJobTypes(w, q, f)
}

func (a *api) sendJobTypes(w http.ResponseWriter, q *request, f store.TypeFilter) error {
	order, err := q.orders()
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.JobType, int64, error) {
		return a.DB.JobTypes(q.Context(), q.view, f, order, p)
	}, fullJobTypeOf)
}

// typesWanted reads the filters of lists of job types and recipe types.
func (q *request) typesWanted() (store.TypeFilter, error) {
	var f store.TypeFilter
	var err error
	if f.ID, err = q.integers("id"); err != nil {
		return f, err
	}
	if f.Name, err = q.texts("name"); err != nil {
		return f, err
	}
	keyword, err := q.text("keyword")
	if err != nil {
		return f, err
	}
	if keyword != nil {
		f.Keyword = *keyword
	}
	if f.System, err = q.boolean("is_system"); err != nil {
		return f, err
	}
	f.Active, err = q.boolean("is_active")
	return f, err
}

// listJobTypeNames answers with a job type's versions as one.
func (a *api) listJobTypeNames(w http.ResponseWriter, q *request) error {
	f, err := q.typesWanted()
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]store.JobTypeName, int64, error) {
		return a.DB.JobTypeNames(q.Context(), q.view, f, p)
	}, jobTypeNameOf)
}

// listJobTypeVersions answers with the versions of one name. A name that has
// none is an empty list, as other filters are.
func (a *api) listJobTypeVersions(w http.ResponseWriter, q *request) error {
	f, err := q.typesWanted()
	if err != nil {
		return err
	}
	f.Name = []string{q.values["name"]}
	return a.sendJobTypes(w, q, f)
}

// jobTypeNamed finds the job type of the path.
func (a *api) jobTypeNamed(q *request) (coreshed.JobType, error) {
	f := store.TypeFilter{Name: []string{q.values["name"]}, Version: []string{q.values["version"]}}
	list, _, err := a.DB.JobTypes(q.Context(), q.view, f, nil, coreshed.Page{Limit: 1})
	if err != nil || len(list) == 0 {
		return coreshed.JobType{}, orNotFound(err)
	}
	return list[0], nil
}

func orNotFound(err error) error {
	if err == nil {
		err = notFound()
	}
	return err
}

func (a *api) getJobType(w http.ResponseWriter, q *request) error {
	t, err := a.jobTypeNamed(q)
	if err != nil {
		return err
	}
	rev, err := a.DB.JobTypeRevision(q.Context(), q.view, t.ID, t.Revision)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, jobTypeDetailsOf(t, rev.Document))
}

func (a *api) listJobTypeRevisions(w http.ResponseWriter, q *request) error {
	t, err := a.jobTypeNamed(q)
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]store.TypeRevision, int64, error) {
		return a.DB.JobTypeRevisions(q.Context(), q.view, t.ID, p)
	}, func(r store.TypeRevision) jobTypeRevision { return jobTypeRevisionOf(t, r) })
}

func (a *api) getJobTypeRevision(w http.ResponseWriter, q *request) error {
	t, err := a.jobTypeNamed(q)
	if err != nil {
		return err
	}
	r, err := a.DB.JobTypeRevision(q.Context(), q.view, t.ID, q.id("num"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, jobTypeRevisionDetails{jobTypeRevisionOf(t, r), orEmpty(r.Document)})
}

func jobTypeRevisionOf(t coreshed.JobType, r store.TypeRevision) jobTypeRevision {
	return jobTypeRevision{r.ID, *jobTypeOf(&t), r.Number, stamp(time.UnixMicro(r.Created))}
}

// statusPeriod is for how long jobs that have ended count without "started".
const statusPeriod = 3 * time.Hour

func (a *api) listJobTypeStatus(w http.ResponseWriter, q *request) error {
	times, err := q.window("started", "ended", a.Now())
	if err != nil {
		return err
	}
	if times.From == nil {
		from := coreshed.Micros(a.Now().Add(-statusPeriod))
		times.From = &from
	}
	f, err := q.typesWanted()
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]store.TypeStatus, int64, error) {
		return a.DB.TypeStatuses(q.Context(), q.view, f, times, p)
	}, jobTypeStatusOf)
}

func (a *api) listPendingTypes(w http.ResponseWriter, q *request) error {
	return a.sendTypesIn(w, q, coreshed.Pending, func(c store.TypeCount) any {
		return pendingJobs{*jobTypeOf(&c.Type), c.Count, stamp(c.Since)}
	})
}

func (a *api) listRunningTypes(w http.ResponseWriter, q *request) error {
	return a.sendTypesIn(w, q, coreshed.Running, func(c store.TypeCount) any {
		return runningJobs{*jobTypeOf(&c.Type), c.Count, stamp(c.Since)}
	})
}

func (a *api) sendTypesIn(w http.ResponseWriter, q *request, status coreshed.RunStatus, present func(store.TypeCount) any) error {
	return sendPage(w, q, func(p coreshed.Page) ([]store.TypeCount, int64, error) {
		return a.DB.TypesIn(q.Context(), q.view, status, p)
	}, present)
}

func (a *api) listSystemFailures(w http.ResponseWriter, q *request) error {
	return sendPage(w, q, func(p coreshed.Page) ([]store.TypeFailure, int64, error) {
		return a.DB.SystemFailures(q.Context(), q.view, p)
	}, func(f store.TypeFailure) systemFailure {
		return systemFailure{*jobTypeOf(&f.Type), orNull(f.Error), f.Count, stamp(f.First), stamp(f.Last)}
	})
}

func (a *api) listRecipeTypes(w http.ResponseWriter, q *request) error {
	f, err := q.typesWanted()
	if err != nil {
		return err
	}
	order, err := q.orders()
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.RecipeType, int64, error) {
		return a.DB.RecipeTypes(q.Context(), q.view, f, order, p)
	}, fullRecipeTypeOf)
}

// recipeTypeNamed finds the recipe type of the path.
func (a *api) recipeTypeNamed(q *request) (coreshed.RecipeType, error) {
	list, _, err := a.DB.RecipeTypes(q.Context(), q.view, store.TypeFilter{Name: []string{q.values["name"]}}, nil, coreshed.Page{Limit: 1})
	if err != nil || len(list) == 0 {
		return coreshed.RecipeType{}, orNotFound(err)
	}
	return list[0], nil
}

func (a *api) getRecipeType(w http.ResponseWriter, q *request) error {
	t, err := a.recipeTypeNamed(q)
	if err != nil {
		return err
	}
	rev, err := a.DB.RecipeTypeRevision(q.Context(), q.view, t.ID, t.Revision)
	if err != nil {
		return err
	}
	d := recipeTypeDetails{recipeType: fullRecipeTypeOf(t), Definition: orEmpty(rev.Document)}
	if err := a.addParts(q, &d); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, d)
}

func (a *api) listRecipeTypeRevisions(w http.ResponseWriter, q *request) error {
	t, err := a.recipeTypeNamed(q)
	if err != nil {
		return err
	}
	return sendPage(w, q, func(p coreshed.Page) ([]store.TypeRevision, int64, error) {
		return a.DB.RecipeTypeRevisions(q.Context(), q.view, t.ID, p)
	}, func(r store.TypeRevision) recipeTypeRevision { return recipeTypeRevisionOf(t, r) })
}

func (a *api) getRecipeTypeRevision(w http.ResponseWriter, q *request) error {
	t, err := a.recipeTypeNamed(q)
	if err != nil {
		return err
	}
	r, err := a.DB.RecipeTypeRevision(q.Context(), q.view, t.ID, q.id("num"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, recipeTypeRevisionDetails{recipeTypeRevisionOf(t, r), orEmpty(r.Document)})
}

func recipeTypeRevisionOf(t coreshed.RecipeType, r store.TypeRevision) recipeTypeRevision {
	return recipeTypeRevision{r.ID, *recipeTypeOf(&t), r.Number, stamp(time.UnixMicro(r.Created))}
}
