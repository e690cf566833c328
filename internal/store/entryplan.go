package store

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// What reading costs, in tenths of a microsecond, as measured on a million
// entries: one that an index has all of, one whose row is looked up, and one
// that is sorted.
const (
	indexCost = 1
	rowCost   = 25
	sortCost  = 3
	nameCost  = 2 // one of the index of names, searched
)

// maxPieces is how many ordered pieces are merged.
const maxPieces = 8

// fewEntries is how many rows are looked up rather than that an index of all is
// read.
const fewEntries = 20_000

// gamble is by how much a walk through an order must promise to be cheaper: what
// matches may lie at its other end.
const gamble = 8

// probes are how far sources are counted to find the smallest.
var probes = []int64{500, 5000, 200_000}

// source returns where the entries that match are best found: the source with
// the fewest rows, as far as it pays to find out. visible is how many entries
// the caller sees in all.
func (e *entryFilter) source(ctx context.Context, t tx, visible int64) (entrySource, error) {
	candidates := e.sources(t.db().dialect)
	if len(candidates) == 0 {
		return e.whole(visible), nil
	}
	if seen := (entrySource{kind: byWorkspace, rows: visible}); e.visible != nil && visible <= probes[1] && e.covered(seen, false) {
		return seen, nil
	}
	for _, limit := range probes {
		if e.visible != nil && visible <= limit {
			return entrySource{kind: byWorkspace, rows: visible}, nil
		}
		if len(candidates) == 1 && candidates[0].kind != bySearch && (e.visible == nil || limit > probes[0]) {
			return candidates[0], nil
		}
		for i := range candidates {
			if err := e.probe(ctx, t, &candidates[i], limit); err != nil {
				return candidates[i], err
			}
		}
		best := slices.MinFunc(candidates, func(a, b entrySource) int { return cmp.Compare(a.rows, b.rows) })
		if best.rows < limit {
			return e.unlessWhole(best, visible), nil
		}
	}
	return e.unlessWhole(candidates[0], visible), nil
}

// unlessWhole is the source, or all that is visible where so many names have the
// parts of a text that to look them up takes longer than to read the index of
// all names.
func (e *entryFilter) unlessWhole(s entrySource, visible int64) entrySource {
	if s.kind == bySearch && (s.rows >= probes[len(probes)-1] || s.rows*rowCost > visible*nameCost) {
		return e.whole(visible)
	}
	return s
}

// sources are the parts that can find all that match, the likely smallest first.
func (e *entryFilter) sources(d dialect) []entrySource {
	var list []entrySource
	for i := range e.parts {
		p := &e.parts[i]
		kind := byPart
		if p.column == "iso3" {
			kind = byCountry
		}
		list = append(list, entrySource{kind: kind, part: p})
		if p.column == "job_id" || p.column == "name_key" {
			return list[len(list)-1:] // few, whatever else is asked
		}
	}
	if d.searches && utf8.RuneCountInString(e.search) >= trigram {
		list = append(list, entrySource{kind: bySearch})
	}
	return list
}

// whole is the source of all that the caller sees.
func (e *entryFilter) whole(visible int64) entrySource {
	switch {
	case e.visible != nil && visible <= fewEntries:
		return entrySource{kind: byWorkspace, rows: visible}
	case e.search != "" && len(e.parts) == 0 && e.names == nil:
		return entrySource{kind: byOrder, index: "entries_name", rows: visible}
	case e.visible != nil:
		return entrySource{kind: byWorkspace, rows: visible}
	}
	return entrySource{kind: byOrder, rows: visible}
}

// probe counts the rows of a source, up to a limit.
func (e *entryFilter) probe(ctx context.Context, t tx, s *entrySource, limit int64) (err error) {
	p, c := piece{from: `entry_names`, id: `entry_names.rowid`}, &conditions{}
	if s.kind == bySearch {
		c.add(`entry_names MATCH ?`, trigrams(e.search))
	} else {
		lone := &entryFilter{parts: []entryPart{*s.part}}
		p = lone.pieces(t.db().dialect, entrySource{kind: s.kind, part: &lone.parts[0]}, false, false)[0]
		p.where(c)
	}
	s.rows, err = one(ctx, t, value[int64], `SELECT count(*) FROM (SELECT `+p.id+` FROM `+p.from+` WHERE `+c.text()+` LIMIT `+c.arg(limit)+`) x`, c.args...)
	if s.part != nil {
		s.part.rows = s.rows
	}
	return err
}

// seenColumns are the columns of filters that the index entries_workspace has all of.
var seenColumns = []string{
	"modified_at", "created_at", "file_type", "job_type_id", "recipe_type_id", "batch_id", "source_sensor", "source_collection", "data_started",
}

// covered reports whether the index of a source has all that is asked of its
// rows, or sets of rows have, which are not made when few are read in order.
func (e *entryFilter) covered(s entrySource, ordered bool) bool {
	if e.names != nil || e.search != "" && s.index != "entries_name" && s.kind != byWorkspace {
		return false
	}
	for i := range e.parts {
		p := &e.parts[i]
		if p == s.part {
			continue
		}
		if !ordered && p.asSet(s) {
			continue
		}
		described := s.kind == byPart && strings.HasPrefix(s.part.column, "source_") && s.part.ended == "" && p.column == "data_started"
		if !described && (s.kind != byWorkspace || !slices.Contains(seenColumns, p.column)) {
			return false
		}
	}
	return true
}

// ordered returns the source in the order of one key; false when it has no index
// for that.
func (e *entryFilter) ordered(s entrySource, key entryKey) (entrySource, bool) {
	switch s.kind {
	case byPart:
		if s.part.column == "job_type_id" && key.expr == "v.created_at" {
			s.index = "entries_job_type_created"
			return s, s.part.values() <= maxPieces
		}
		if s.part.ended != "" || s.part.column == "name_key" {
			return s, s.part.index == key.index
		}
		return s, key.expr == "v.modified_at" && s.part.values() <= maxPieces
	case byCountry:
		return s, key.expr == "v.modified_at" && s.part.values() <= maxPieces
	case byWorkspace:
		return s, key.expr == "v.modified_at" && len(e.visible) <= maxPieces
	case byOrder:
		s.index = key.index
		return s, key.index != "" || key.expr == "v.id"
	}
	return s, false
}

// pagePlan is how a page is read.
type pagePlan struct {
	source   entrySource
	ordered  bool  // its pieces are in order
	backward bool  // from the end
	skip     int64 // rows before the page
	cost     float64
}

// plan chooses how to read a page of so many rows, skip of which come before it,
// of the total that match. all is how many entries there are.
func (e *entryFilter) plan(s entrySource, o entryOrder, total, all, skip, limit int64) pagePlan {
	plans := e.plans(s, o, total, all, skip, limit)
	return slices.MinFunc(plans, func(a, b pagePlan) int { return cmp.Compare(a.cost, b.cost) })
}

// plans are the ways to read a page: all that a source has, sorted, or as far as
// needed in the order of an index.
func (e *entryFilter) plans(s entrySource, o entryOrder, total, all, skip, limit int64) []pagePlan {
	rows := max(s.rows, total)
	each := func(s entrySource, ordered bool) float64 {
		if e.covered(s, ordered) {
			return indexCost
		}
		return rowCost
	}
	sorted := pagePlan{source: s, skip: skip, cost: float64(rows)*each(s, false) + float64(total)*sortCost}
	key, single := o.single()
	if !single {
		return []pagePlan{sorted}
	}
	indexed := key.expr == "v.modified_at" || s.kind == byWorkspace && (key.expr == "v.name_key" || key.expr == "v.created_at")
	if !indexed || s.kind == bySearch {
		sorted.cost += float64(total) * rowCost
	}
	plans := []pagePlan{sorted}
	near, backward := skip, false
	if fromEnd := total - skip - limit; fromEnd < near {
		near, backward = fromEnd, true
	}
	read := float64(near+limit) / float64(total)
	for _, way := range []entrySource{s, {kind: byOrder, rows: all}} {
		if way, ok := e.ordered(way, key); ok {
			cost := float64(max(way.rows, total)) * each(way, true) * min(1, read*e.doubt(way))
			plans = append(plans, pagePlan{source: way, ordered: true, backward: backward, skip: near, cost: cost})
		}
	}
	return plans
}

// doubt is by how much the part of a source that is read may be larger than the
// part of its rows that is wanted. Times go with the order.
func (e *entryFilter) doubt(s entrySource) float64 {
	doubt := 1.0
	for i := range e.parts {
		if p := &e.parts[i]; p != s.part {
			if doubt = max(doubt, gamble); p.ended != "" {
				return math.Inf(1)
			}
		}
	}
	if e.search != "" || e.names != nil {
		doubt = max(doubt, gamble)
	}
	return doubt
}

// setWorth is how many rows of another part's index take as long to read as one
// row to look up.
const setWorth = 7

// asSet reports whether the rows of a part are better found by its own index and
// compared, than that each of a source is looked up.
func (p *entryPart) asSet(s entrySource) bool {
	return s.kind == byPart && p.values() > 0 && p.index != "" && p.rows > 0 && p.rows < setWorth*s.rows && s.rows >= probes[1]
}
