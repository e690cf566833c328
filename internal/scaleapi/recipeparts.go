package scaleapi

import (
	"encoding/json"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// typeName names a job type or a recipe type, whose version is "".
type typeName struct{ name, version string }

// partsOf are the types of the nodes of a definition that is written as those of
// Scale are.
func partsOf(definition json.RawMessage) (jobs, recipes map[typeName]bool) {
	var d struct {
		Nodes map[string]struct {
			Type struct {
				Job     string `json:"job_type_name"`
				Version string `json:"job_type_version"`
				Recipe  string `json:"recipe_type_name"`
			} `json:"node_type"`
		} `json:"nodes"`
	}
	jobs, recipes = map[typeName]bool{}, map[typeName]bool{}
	if json.Unmarshal(definition, &d) != nil {
		return jobs, recipes
	}
	for _, n := range d.Nodes {
		if n.Type.Job != "" {
			jobs[typeName{n.Type.Job, n.Type.Version}] = true
		}
		if n.Type.Recipe != "" {
			recipes[typeName{name: n.Type.Recipe}] = true
		}
	}
	return jobs, recipes
}

// maxParts bounds the types of one name or another that are looked at.
const maxParts = 1000

// addParts adds the types of its nodes to a recipe type.
func (a *api) addParts(q *request, d *recipeTypeDetails) error {
	d.JobTypes, d.SubRecipeTypes = []jobTypeDetails{}, []recipeType{}
	jobs, recipes := partsOf(d.Definition)
	all, _, err := a.DB.JobTypes(q.Context(), q.view, store.TypeFilter{Name: namesOf(jobs)}, nil, coreshed.Page{Limit: maxParts})
	if err != nil {
		return err
	}
	for _, t := range all {
		if !jobs[typeName{t.Name, t.Version}] {
			continue
		}
		rev, err := a.DB.JobTypeRevision(q.Context(), q.view, t.ID, t.Revision)
		if err != nil {
			return err
		}
		d.JobTypes = append(d.JobTypes, jobTypeDetailsOf(t, rev.Document))
	}
	subs, _, err := a.DB.RecipeTypes(q.Context(), q.view, store.TypeFilter{Name: namesOf(recipes)}, nil, coreshed.Page{Limit: maxParts})
	for _, t := range subs {
		d.SubRecipeTypes = append(d.SubRecipeTypes, fullRecipeTypeOf(t))
	}
	return err
}

// namesOf is a filter that, for no types, finds none.
func namesOf(types map[typeName]bool) []string {
	names := []string{}
	for t := range types {
		names = append(names, t.name)
	}
	return names
}
