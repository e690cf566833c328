package store

import (
	"slices"
	"strings"
)

// entrySource is where the rows of a list come from: one table and index, which
// the planner of SQLite has no say in. Pieces of it have no row in common,
// unless it says so.
type entrySource struct {
	kind  sourceKind
	part  *entryPart // of byPart and byCountry
	index string     // of byOrder; "" is the table

	rows int64 // how many there are, at least
}

type sourceKind int

const (
	byOrder     sourceKind = iota // all entries, in some order
	byPart                        // those that a part of the filter finds
	byCountry                     // rows of countries
	byWorkspace                   // those of the visible workspaces
	bySearch                      // those whose names have the parts of a text
)

// repeats reports whether one piece can have an entry several times: where it is
// read for several countries at once.
func (s entrySource) repeats(ordered bool) bool {
	return s.kind == byCountry && !ordered && s.part.values() > 1
}

// piece is a source, or a part of it that is in the order of its index.
type piece struct {
	from  string // after FROM
	id    string // column of the row's id
	moved string // column of the time of modification
	where func(*conditions)
}

// pieces returns the source in one piece or, when each is to be in order, one
// for each value. needsRow says that more is asked of each entry than where it
// is and when it was modified.
func (e *entryFilter) pieces(d dialect, s entrySource, needsRow, ordered bool) []piece {
	switch s.kind {
	case byPart:
		if s.part.ended != "" {
			return e.windowPieces(d, s)
		}
		return e.valuePieces(d, s, ordered)
	case byCountry:
		return e.countryPieces(d, s, needsRow, ordered)
	case byWorkspace:
		return e.workspacePieces(d, ordered)
	case bySearch:
		return e.searchPieces(d)
	}
	return []piece{{
		from: `versions v` + d.indexed(s.index), id: `v.id`, moved: `v.modified_at`,
		where: func(c *conditions) { e.all(c, d) },
	}}
}

// all adds the whole filter.
func (e *entryFilter) all(c *conditions, d dialect, seen ...*entryPart) {
	if e.visible != nil {
		c.anyID(d, `v.workspace_id`, e.visible)
	}
	c.rest(d, e, seen...)
	if e.search != "" {
		d.contains(c, `v.name_key`, e.search)
	}
}

func (e *entryFilter) valuePieces(d dialect, s entrySource, ordered bool) []piece {
	index := s.part.index
	if s.index != "" {
		index = s.index
	}
	make1 := func(p *entryPart) piece {
		return piece{
			from: `versions v` + d.indexed(index), id: `v.id`, moved: `v.modified_at`,
			where: func(c *conditions) {
				c.holds(d, p)
				seen := []*entryPart{s.part}
				for i := range e.parts {
					if o := &e.parts[i]; o != s.part && !ordered && o.asSet(s) {
						c.inSet(d, o)
						seen = append(seen, o)
					}
				}
				e.all(c, d, seen...)
			},
		}
	}
	if !ordered {
		return []piece{make1(s.part)}
	}
	list := make([]piece, s.part.values())
	for i := range list {
		list[i] = make1(s.part.only(i))
	}
	return list
}

// windowPieces are the entries that began in the window and ended in it and,
// apart, those that ended before they began: few, with an index of their own.
func (e *entryFilter) windowPieces(d dialect, s entrySource) []piece {
	p := s.part
	index := p.index
	if p.column != p.ended && p.window.From == nil {
		index += `_ended`
	}
	within := piece{
		from: `versions v` + d.indexed(index), id: `v.id`, moved: `v.modified_at`,
		where: func(c *conditions) {
			c.holds(d, p)
			if p.column != p.ended && p.window.From != nil && p.window.Until != nil {
				c.add(`v.`+p.column+` <= ?`, *p.window.Until)
			}
			e.all(c, d, p)
		},
	}
	if p.column == p.ended || p.window.From == nil || p.window.Until == nil {
		return []piece{within}
	}
	reversed := piece{
		from: `versions v` + d.indexed(p.index+`_reversed`), id: `v.id`, moved: `v.modified_at`,
		where: func(c *conditions) {
			c.add(`v.`+p.column+` > v.`+p.ended+` AND v.`+p.column+` > ? AND v.`+p.ended+` <= ?`, max(*p.window.Until, *p.window.From-1), *p.window.Until)
			e.all(c, d, p)
		},
	}
	return []piece{within, reversed}
}

// countryPieces read the rows of countries. Entries of several countries are in
// several pieces.
func (e *entryFilter) countryPieces(d dialect, s entrySource, needsRow, ordered bool) []piece {
	needsRow = needsRow || len(e.parts) > 1 || e.names != nil || e.search != ""
	make1 := func(p *entryPart) piece {
		made := piece{from: `version_countries n`, id: `n.version_row`, moved: `n.modified_at`}
		if needsRow {
			made.from += ` CROSS JOIN versions v`
		}
		made.where = func(c *conditions) {
			c.anyText(d, `n.iso3`, p.texts)
			if e.visible != nil {
				c.anyID(d, `n.workspace_id`, e.visible)
			}
			if needsRow {
				c.add(`v.id = n.version_row`)
				c.rest(d, e, s.part)
				if e.search != "" {
					d.contains(c, `v.name_key`, e.search)
				}
			}
		}
		return made
	}
	if !ordered {
		return []piece{make1(s.part)}
	}
	list := make([]piece, s.part.values())
	for i := range list {
		list[i] = make1(s.part.only(i))
	}
	return list
}

func (e *entryFilter) workspacePieces(d dialect, ordered bool) []piece {
	make1 := func(ids []int64) piece {
		return piece{
			from: `versions v` + d.indexed(`entries_workspace`), id: `v.id`, moved: `v.modified_at`,
			where: func(c *conditions) {
				c.anyID(d, `v.workspace_id`, ids)
				c.rest(d, e)
				if e.search != "" {
					d.contains(c, `v.name_key`, e.search)
				}
			},
		}
	}
	if !ordered {
		return []piece{make1(e.visible)}
	}
	var list []piece
	for i := range e.visible {
		list = append(list, make1(e.visible[i:i+1]))
	}
	return list
}

// searchPieces read the index of names, and apart the entries that are not in it
// yet, for SQLite: in PostgreSQL the planner uses one by itself.
func (e *entryFilter) searchPieces(d dialect) []piece {
	return []piece{{
		from: `entry_names CROSS JOIN versions v`, id: `v.id`, moved: `v.modified_at`,
		where: func(c *conditions) {
			c.add(`entry_names MATCH ?`, trigrams(e.search))
			c.add(`v.id = entry_names.rowid`)
			e.all(c, d)
		},
	}, {
		from: `versions v` + d.indexed(``), id: `v.id`, moved: `v.modified_at`,
		where: func(c *conditions) {
			c.add(`v.id > (SELECT upto FROM entry_names_done)`)
			e.all(c, d)
		},
	}}
}

// trigram is how many characters the index of names keeps together.
const trigram = 3

// trigrams is the query of the index of names for what has all trigrams of a
// text, in any order.
func trigrams(text string) string {
	runes := []rune(text)
	var list []string
	for i := 0; i+trigram <= len(runes); i++ {
		list = append(list, `"`+strings.ReplaceAll(string(runes[i:i+trigram]), `"`, `""`)+`"`)
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " AND ")
}
