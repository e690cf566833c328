package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/coreshed/coreshed"
)

// The kinds of things in sets of purges, as rows have them. Files are among
// tombstones alone.
const (
	rowVersion = iota
	rowRun
	rowRecipe
	rowFile
)

// The states of things in sets of purges, as rows have them.
const (
	rowWaits = iota
	rowGone
)

// purgeSet is the set of a purge while it is found: what it was asked for, then
// level by level what that leads to. It is in rows alone, and found some at a time but
// for recipes of which nothing would be left, so that memory does not grow with it.
type purgeSet struct {
	purge       int64
	scope       coreshed.PurgeScope
	sourceBytes bool
	depth       int64
}

// find finds the whole set of the versions with these row ids, which are a JSON
// list, and of those in the view that match a filter, which is JSON too; "" is none.
func (s *purgeSet) find(ctx context.Context, t tx, view coreshed.View, versions, filter string) error {
	if filter != "" {
		var f coreshed.PurgeFilter
		if err := json.Unmarshal([]byte(filter), &f); err != nil {
			return fmt.Errorf("filter of purge %d: %w", s.purge, err)
		}
		if err := s.match(ctx, t, view, f); err != nil {
			return err
		}
	}
	c := &conditions{}
	if _, err := s.add(ctx, t, c, rowVersion, `NULL, NULL`, ` FROM versions v JOIN files f ON f.id = v.file_id
		WHERE v.id IN (`+t.db().dialect.list(c.arg(versions), "bigint")+`)`); err != nil {
		return err
	}
	if s.scope == coreshed.PurgeDeleted {
		return nil
	}
	for {
		found, err := s.step(ctx, t)
		if err != nil {
			return err
		}
		if found > 0 {
			continue
		}
		// A recipe whose last node goes leads to nothing but those above it.
		if found, err = s.emptied(ctx, t); err != nil || found == 0 {
			return err
		}
	}
}

// step finds what the things at the depth that was reached last lead to.
func (s *purgeSet) step(ctx context.Context, t tx) (found int64, err error) {
	links := s.links()
	s.depth++
	for _, l := range links {
		n, err := s.follow(ctx, t, l)
		if err != nil {
			return 0, err
		}
		found += n
	}
	return found, nil
}

// How many things one statement follows, and how many it adds: SQLite holds these
// in memory meanwhile, for they are read from the table that they go to.
var (
	purgeFollowed = 2000
	purgeAdded    = 50_000
)

// follow adds what the things at the last depth lead to by one way.
func (s *purgeSet) follow(ctx context.Context, t tx, l link) (found int64, err error) {
	last := int64(0)
	for {
		upto, err := one(ctx, t, value[sql.NullInt64], `SELECT max(item_id) FROM (SELECT item_id FROM purge_items
			WHERE purge_id = $1 AND kind = $2 AND depth = $3 AND state = 0 AND item_id > $4 ORDER BY item_id LIMIT `+strconv.Itoa(purgeFollowed)+`) x`,
			s.purge, l.from, s.depth-1, last)
		if err != nil || !upto.Valid {
			return found, err
		}
		// Fewer than asked for may be some that were found several times.
		for n := int64(1); n > 0; found += n {
			if n, err = s.followSome(ctx, t, l, last, upto.Int64); err != nil {
				return found, err
			}
		}
		last = upto.Int64
	}
}

// followSome is follow for the things whose ids are after one and up to another, as
// far as one statement goes.
func (s *purgeSet) followSome(ctx context.Context, t tx, l link, after, upto int64) (int64, error) {
	c := &conditions{}
	purge := c.arg(s.purge)
	// CROSS keeps SQLite from looking for the links of all there is.
	from := ` FROM purge_items p CROSS JOIN ` + l.table + l.kept() + `
		WHERE p.purge_id = ` + purge + ` AND p.kind = ` + c.arg(l.from) + ` AND p.depth = ` + c.arg(s.depth-1) + ` AND p.state = 0
		AND p.item_id > ` + c.arg(after) + ` AND p.item_id <= ` + c.arg(upto) + ` AND ` + l.where + `
		AND NOT EXISTS (SELECT 1 FROM purge_items q WHERE q.purge_id = ` + purge + ` AND q.kind = ` + c.arg(l.to) + ` AND q.item_id = ` + idOf(l.to) + `)
		LIMIT ` + strconv.Itoa(purgeAdded)
	return s.add(ctx, t, c, l.to, `p.kind, p.item_id`, from)
}

// idOf is the row id of a thing that add selects.
func idOf(kind int64) string {
	return [...]string{rowVersion: `v.id`, rowRun: `j.id`, rowRecipe: `r.id`}[kind]
}

// link is a way from a thing p of the set to others.
type link struct {
	from, to int64
	table    string // with what is linked
	where    string
}

// kept joins the rows that are linked, under the alias that add selects from.
func (l link) kept() string {
	if l.to == rowVersion {
		return ` CROSS JOIN files f`
	}
	return ``
}

// links are the ways that the scope follows.
func (s *purgeSet) links() []link {
	all := []link{
		{rowVersion, rowRun, `job_inputs i CROSS JOIN jobs j`, `i.version_row = p.item_id AND j.id = i.job_id`},
		{rowRun, rowVersion, `versions v`, `v.job_id = p.item_id AND f.id = v.file_id`},
		{rowRun, rowVersion, `job_outputs o CROSS JOIN versions v`, `o.job_id = p.item_id AND v.id = o.version_row AND f.id = v.file_id`},
	}
	if s.scope != coreshed.PurgeRecipe {
		return all
	}
	return append(all,
		link{rowVersion, rowRecipe, `recipe_inputs i CROSS JOIN recipes r`, `i.version_row = p.item_id AND r.id = i.recipe_id`},
		link{rowRecipe, rowRun, `recipe_nodes n CROSS JOIN jobs j`, `n.recipe_id = p.item_id AND n.is_original = 1 AND j.id = n.job_id`},
		link{rowRecipe, rowRun, `jobs j`, `j.recipe_id = p.item_id`},
		link{rowRecipe, rowRecipe, `recipe_nodes n CROSS JOIN recipes r`, `n.recipe_id = p.item_id AND n.is_original = 1 AND r.id = n.sub_recipe_id`},
		link{rowRecipe, rowRecipe, `recipe_nodes n CROSS JOIN recipes r`, `n.sub_recipe_id = p.item_id AND n.is_original = 1 AND r.id = n.recipe_id`},
		link{rowRecipe, rowRecipe, `recipes r`, `r.recipe_id = p.item_id`},
		link{rowRecipe, rowRecipe, `recipes q CROSS JOIN recipes r`, `q.id = p.item_id AND r.id = q.superseded_recipe_id`},
	)
}

// emptied adds the recipes of which nothing would be left: those that have a
// node, or read something, in the set, and no node outside it.
func (s *purgeSet) emptied(ctx context.Context, t tx) (int64, error) {
	s.depth++
	c := &conditions{}
	purge := c.arg(s.purge)
	in := func(kind, column string) string {
		return `EXISTS (SELECT 1 FROM purge_items q WHERE q.purge_id = ` + purge + ` AND q.kind = ` + kind + ` AND q.item_id = ` + column + `)`
	}
	return s.add(ctx, t, c, rowRecipe, `NULL, NULL`, ` FROM recipes r WHERE r.id IN (
			SELECT n.recipe_id FROM purge_items p CROSS JOIN recipe_nodes n WHERE p.purge_id = `+purge+` AND p.kind = 1 AND p.state = 0 AND n.job_id = p.item_id
			UNION SELECT n.recipe_id FROM purge_items p CROSS JOIN recipe_nodes n WHERE p.purge_id = `+purge+` AND p.kind = 2 AND p.state = 0 AND n.sub_recipe_id = p.item_id
			UNION SELECT i.recipe_id FROM purge_items p CROSS JOIN recipe_inputs i WHERE p.purge_id = `+purge+` AND p.kind = 0 AND p.state = 0 AND i.version_row = p.item_id)
		AND NOT `+in("2", "r.id")+`
		AND NOT EXISTS (SELECT 1 FROM recipe_nodes n WHERE n.recipe_id = r.id
			AND (n.job_id IS NOT NULL AND NOT `+in("1", "n.job_id")+` OR n.sub_recipe_id IS NOT NULL AND NOT `+in("2", "n.sub_recipe_id")+`))
		AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.recipe_id = r.id AND NOT `+in("1", "j.id")+`)`)
}

// add adds things that are not in the set yet, at the depth that is reached: a
// SELECT from v and f, j or r. The arguments of the text are those of c.
func (s *purgeSet) add(ctx context.Context, t tx, c *conditions, kind int64, via, from string) (int64, error) {
	// PostgreSQL takes no type from the column that a selected argument is for.
	depth := `CAST(` + c.arg(s.depth) + ` AS BIGINT), `
	columns := `j.id, ` + depth + via + `, j.workspace_id, NULL, NULL, NULL, j.job_type_id, 0, NULL, NULL, ''`
	switch kind {
	case rowRecipe:
		columns = `r.id, ` + depth + via + `, r.workspace_id, NULL, NULL, NULL, NULL, 0, NULL, NULL, ''`
	case rowVersion:
		columns = `v.id, ` + depth + via + `, v.workspace_id, f.uuid, v.version_id, v.file_type, v.job_type_id, v.size, v.sha256, v.md5, ` + s.fate(c)
	}
	return t.exec(ctx, `INSERT INTO purge_items (purge_id, kind, item_id, depth, via_kind, via_id, workspace_id, file_uuid, version_id, file_type, job_type_id,
		size, sha256, md5, bytes) SELECT CAST(`+c.arg(s.purge)+` AS BIGINT), CAST(`+c.arg(kind)+` AS BIGINT), `+columns+from+` ON CONFLICT DO NOTHING`, c.args...)
}

// fate decides what becomes of a version's bytes. Those of products go, in place
// too; of sources those that are Coreshed's own, or all when that is asked for.
func (s *purgeSet) fate(c *conditions) string {
	return `CASE WHEN v.place IS NULL THEN 'remove' WHEN v.state <> 'in place' THEN 'unknown'
		WHEN v.owned = 1 OR ` + c.arg(btoi(s.depth > 0 || s.sourceBytes)) + ` = 1 THEN 'remove' ELSE 'keep' END`
}
