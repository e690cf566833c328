package nativeapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// window is a page that goes on after one of its things.
type window[T any] struct {
	Limit   int64   `json:"limit"`
	Results []T     `json:"results"`
	Next    *string `json:"next"` // the parameter after of the next page; null on the last
}

// limitWanted reads the parameter limit. More than the largest page counts as
// that.
func limitWanted(q *request) (int64, error) {
	limit, err := web.Int(q.query, "limit", defaultLimit, 1)
	return min(limit, maxLimit), err
}

func (a *api) listPurges(w http.ResponseWriter, q *request) error {
	limit, err := limitWanted(q)
	if err != nil {
		return err
	}
	last, err := web.ID(q.query, "after")
	if err != nil {
		return err
	}
	var before int64
	if last != nil {
		p, err := a.DB.Purge(q.Context(), q.view, *last)
		if err != nil {
			return err
		}
		before = p.ID
	}
	found, err := a.DB.Purges(q.Context(), q.view, before, limit+1)
	if err != nil {
		return err
	}
	out := window[purge]{Limit: limit, Results: []purge{}}
	for i, p := range found {
		if int64(i) == limit {
			next := found[i-1].UUID.String()
			out.Next = &next
			break
		}
		out.Results = append(out.Results, purgeOf(p))
	}
	return web.JSON(w, http.StatusOK, out)
}

// purgeItems lists what is in a purge's set, each with the way from it to a
// source.
func (a *api) purgeItems(w http.ResponseWriter, q *request) error {
	page, err := itemsWanted(q)
	if err != nil {
		return err
	}
	p, err := a.DB.Purge(q.Context(), q.view, q.purge)
	if err != nil {
		return err
	}
	found, more, err := a.items(q, p, page)
	if err != nil {
		return err
	}
	out := window[purgeItem]{Limit: page.Limit, Results: found}
	if more {
		last := found[len(found)-1]
		next := fmt.Sprintf("%s:%d", last.Kind, last.ID)
		out.Next = &next
	}
	return web.JSON(w, http.StatusOK, out)
}

// purgeEntries lists what the audit log tells of a purge.
func (a *api) purgeEntries(w http.ResponseWriter, q *request) error {
	limit, err := limitWanted(q)
	if err != nil {
		return err
	}
	after, err := web.Int(q.query, "after", 0, 0)
	if err != nil {
		return err
	}
	p, err := a.DB.Purge(q.Context(), q.view, q.purge)
	if err != nil {
		return err
	}
	found, err := a.DB.PurgeEntries(q.Context(), p, after, limit+1)
	if err != nil {
		return err
	}
	out := window[purgeEntry]{Limit: limit, Results: []purgeEntry{}}
	for i, e := range found {
		if int64(i) == limit {
			next := strconv.FormatInt(found[i-1].ID, 10)
			out.Next = &next
			break
		}
		out.Results = append(out.Results, purgeEntryOf(e))
	}
	return web.JSON(w, http.StatusOK, out)
}

// items are a page of a purge's set, and whether more follow.
func (a *api) items(q *request, p coreshed.Purge, page store.PurgeItemPage) ([]purgeItem, bool, error) {
	limit := page.Limit
	page.Limit++
	found, err := a.DB.PurgeItems(q.Context(), q.view, p, page)
	if err != nil {
		return nil, false, err
	}
	more := int64(len(found)) > limit
	found = found[:min(int64(len(found)), limit)]
	ways, err := a.DB.PurgeReasons(q.Context(), q.view, p, found)
	if err != nil {
		return nil, false, err
	}
	out := make([]purgeItem, len(found))
	for i, item := range found {
		out[i] = itemOf(item, ways[i])
	}
	return out, more, nil
}

// itemsWanted reads which page of a set is asked for.
func itemsWanted(q *request) (page store.PurgeItemPage, err error) {
	if page.Limit, err = limitWanted(q); err != nil {
		return page, err
	}
	if page.After, err = itemWanted(q.query.Get("after")); err != nil {
		return page, err
	}
	page.Failed, err = web.Bool(q.query, "failed", false)
	return page, err
}

// itemWanted reads the name of a thing of a set: "version:17"; nil when there is
// none.
func itemWanted(text string) (*coreshed.PurgeVia, error) {
	if text == "" {
		return nil, nil
	}
	kind, number, _ := strings.Cut(text, ":")
	id, err := strconv.ParseInt(number, 10, 64)
	v := coreshed.PurgeVia{Kind: coreshed.PurgeKind(kind), ID: id}
	switch v.Kind {
	case coreshed.PurgeVersion, coreshed.PurgeRun, coreshed.PurgeRecipeRow:
		if err == nil && id > 0 {
			return &v, nil
		}
	}
	bad := coreshed.Errorf(coreshed.Invalid, "The parameter after must be what next was on the page before.")
	bad.Field = "after"
	return nil, bad
}
