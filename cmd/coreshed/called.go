package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

// called is a workspace by all that it is called.
type called struct {
	uuid        coreshed.UUID
	id          int64 // as Scale's API has it; 0 on servers without
	title, name string
}

// is reports whether a title, name or id is one of the workspace's.
func (w called) is(which string) bool {
	if id, err := uuid.Parse(which); err == nil && id == w.uuid {
		return true
	}
	if w.id != 0 && (which == w.name || which == strconv.FormatInt(w.id, 10)) {
		return true
	}
	return coreshed.FoldPath(which) == coreshed.FoldPath(w.title)
}

// pick returns which of the workspaces a title, name or id means; "" is the
// only one. What is several workspaces' is none's.
func pick(list []called, which string) (int, error) {
	var found []int
	var titles, ids []string
	for i, w := range list {
		titles = append(titles, w.title)
		if which == "" || w.is(which) {
			found, ids = append(found, i), append(ids, fmt.Sprintf("%s (%s)", w.uuid, w.title))
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1 && which != "":
		return 0, usagef("several workspaces are called %s; say which by its id: %s", which, strings.Join(ids, ", "))
	}
	return 0, choose("workspace", "--workspace", which, titles)
}

// workspaces returns the live workspaces that the token may use, by all that
// they are called.
func workspaces(ctx context.Context, c *client.Client, org coreshed.UUID) ([]called, error) {
	scale, err := c.ScaleWorkspaces(ctx)
	var refused *client.Error
	if err != nil && !errors.As(err, &refused) { // a server of another make has none
		return nil, fmt.Errorf("list workspaces: %w", err)
	}
	var list []called
	for w, err := range c.Workspaces(ctx, org, false) {
		if err != nil {
			return nil, fmt.Errorf("list workspaces: %w", err)
		}
		of := called{uuid: w.ID, title: w.Name}
		for _, s := range scale {
			// Scale's API cuts titles off, and no two are made at one time.
			if strings.HasPrefix(w.Name, s.Title) && s.Created.Equal(w.CreatedAt) {
				of.id, of.name = s.ID, s.Name
			}
		}
		list = append(list, of)
	}
	return list, nil
}
