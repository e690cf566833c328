package scaleapi

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

// shown is a stored configuration as the caller may see it: with its secrets,
// if clear. Workspaces that the caller does not see are masked in its rules.
func (a *api) shown(q *request, stored json.RawMessage, clear bool) (json.RawMessage, error) {
	text, err := a.Catalog.OpenFinder(q.Context(), stored)
	if err == nil && !clear {
		text, err = catalog.MaskFinder(text)
	}
	if err != nil || q.view.Admin {
		return text, err
	}
	return a.hideTargets(q, text)
}

// The members of a configuration that name the workspaces to which files go.
const (
	rulesMember  = "files_to_ingest"
	targetMember = "new_workspace"
)

// mask stands for a name. No workspace has it, so that it can be sent back only
// with all as it was.
const mask = "************"

func (a *api) hideTargets(q *request, configuration json.RawMessage) (json.RawMessage, error) {
	c, err := parseObject(configuration)
	if err != nil {
		return nil, err
	}
	leading := map[string][]map[string]any{} // rules, by where they lead
	list, _ := c[rulesMember].([]any)
	for _, r := range list {
		rule, _ := r.(map[string]any)
		if name, _ := rule[targetMember].(string); name != "" {
			leading[name] = append(leading[name], rule)
		}
	}
	seen, err := a.namesSeen(q, slices.Collect(maps.Keys(leading)))
	if err != nil {
		return nil, err
	}
	for name, rules := range leading {
		for _, rule := range rules {
			if !slices.Contains(seen, name) {
				rule[targetMember] = mask
			}
		}
	}
	return rawJSON(c), nil
}

// namesSeen returns those of the workspaces' names that the caller sees.
func (a *api) namesSeen(q *request, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	found, _, err := a.DB.SeenWorkspaces(q.Context(), q.view, store.SeenFilter{Name: names}, nil, coreshed.Page{Limit: int64(len(names))})
	seen := make([]string, len(found))
	for i, w := range found {
		seen[i] = w.Name
	}
	return seen, err
}
