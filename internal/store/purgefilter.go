package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"

	"github.com/coreshed/coreshed"
)

// errNothingMatches says that a filter finds nothing to begin a purge with.
var errNothingMatches = coreshed.Errorf(coreshed.NotFound, "Nothing that you may see matches the filter.")

// recorded is a filter as a purge records it, and its SHA-256, which stays when the
// names in it are erased; nil for none.
func recorded(f *coreshed.PurgeFilter) (text any, sum []byte, err error) {
	if f == nil {
		return nil, nil, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(f); err != nil {
		return nil, nil, err
	}
	document := bytes.TrimSpace(b.Bytes())
	digest := sha256.Sum256(document)
	return string(document), digest[:], nil
}

// blobOrNull is NULL for nil, which SQLite would take for an empty one.
func blobOrNull(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// match adds what a filter finds in the view to the set, at its beginning. The
// sources of a set are removed by who owns the workspaces of all of them: Forbidden
// to others. What is found goes from rows to rows.
func (s *purgeSet) match(ctx context.Context, t tx, view coreshed.View, f coreshed.PurgeFilter) error {
	view, err := viewOf(ctx, t, view, f.Workspace)
	if err != nil {
		return err
	}
	e, err := readEntryFilter(ctx, t, view, f.Entries())
	if err != nil {
		return err
	}
	found := int64(0)
	if !e.nothing {
		if found, err = s.addMatching(ctx, t, view, e, f.Folder); err != nil {
			return err
		}
	}
	if found == 0 {
		return errNothingMatches
	}
	from, err := all(ctx, t, value[int64], `SELECT DISTINCT workspace_id FROM purge_items WHERE purge_id = $1 AND depth = 0`, s.purge)
	for _, w := range from {
		if err == nil {
			err = (coreshed.Access{Actor: view.Actor, Role: view.Roles[w]}).Require(coreshed.Owner)
		}
	}
	return err
}

// viewOf is a view of one of its workspaces alone.
func viewOf(ctx context.Context, t tx, view coreshed.View, workspace coreshed.UUID) (coreshed.View, error) {
	if workspace == (coreshed.UUID{}) {
		return view, nil
	}
	id, err := one(ctx, t, value[int64], `SELECT id FROM workspaces WHERE uuid = $1`, workspace)
	if err != nil || !view.Sees(id) {
		return view, notFound(cmpErr(err, coreshed.NotFound), "The workspace does not exist.")
	}
	view.Roles, view.Everything = map[int64]coreshed.Role{id: view.Roles[id]}, false
	return view, nil
}

// addMatching adds the entries that match, from the source that a list of them would
// read.
func (s *purgeSet) addMatching(ctx context.Context, t tx, view coreshed.View, e *entryFilter, folder string) (int64, error) {
	visible, err := (&entryList{}).workspaces(ctx, t, view)
	if err != nil {
		return 0, err
	}
	source, err := e.source(ctx, t, visible)
	if err != nil {
		return 0, err
	}
	found := int64(0)
	for _, p := range e.pieces(t.db().dialect, source, true, false) {
		match := &conditions{}
		p.where(match)
		c := &conditions{args: match.args}
		c.terms = append(c.terms, `v.id IN (SELECT `+p.id+` FROM `+p.from+` WHERE `+match.text()+`)`)
		if folder != "" {
			c.like(`f.path_key`, escapeLike(coreshed.FoldPath(folder))+"%")
		}
		n, err := s.add(ctx, t, c, rowVersion, `NULL, NULL`, ` FROM versions v JOIN files f ON f.id = v.file_id WHERE `+c.text())
		if err != nil {
			return 0, err
		}
		found += n
	}
	return found, nil
}

// eraseFilter erases what a purge was asked for when it has ended, and makes plans by
// the same filter void, which would keep the names in it. Its digest stays.
func eraseFilter(ctx context.Context, t tx, purge int64) error {
	_, err := t.exec(ctx, `UPDATE purges SET filter = NULL WHERE filter IS NOT NULL AND (id = $1 OR status = 'planned'
		AND filter_sha256 = (SELECT filter_sha256 FROM purges WHERE id = $1) AND org_id = (SELECT org_id FROM purges WHERE id = $1))`, purge)
	return err
}
