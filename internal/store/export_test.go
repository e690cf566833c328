package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
)

// WithCure is what migrate says of an extension that is refused.
var WithCure = withCure

// Statements returns the text of every statement that was prepared.
func (db *DB) Statements(ctx context.Context) ([]string, error) {
	var texts []string
	db.stmts.kept.Range(func(text, _ any) bool {
		texts = append(texts, text.(string))
		return true
	})
	// The writer's own are for its goroutine alone.
	err := db.update(ctx, func(context.Context, tx) error {
		for text := range db.writer.stmts {
			texts = append(texts, text)
		}
		return nil
	})
	return texts, err
}

// ListStatements returns the text of what Files asks.
func (db *DB) ListStatements(ctx context.Context, a coreshed.Access, f coreshed.Filter, order []coreshed.Order, page coreshed.Page) ([]string, error) {
	var texts []string
	l, err := newFileList(db, a, f, order)
	if err != nil {
		return nil, err
	}
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		r := recorder{t, &texts}
		if err := l.count(ctx, r); err != nil {
			return err
		}
		_, err := l.page(ctx, r, page)
		return err
	})
	return texts, err
}

// recorder notes what is asked.
type recorder struct {
	tx
	texts *[]string
}

func (r recorder) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	*r.texts = append(*r.texts, query)
	return r.tx.query(ctx, query, args...)
}

// Plan returns how SQLite carries out a statement, a step a line.
func (db *DB) Plan(ctx context.Context, statement string) (string, error) {
	args := []any{}
	for strings.Contains(statement, fmt.Sprintf("$%d", len(args)+1)) {
		args = append(args, nil)
	}
	rows, err := db.read.QueryContext(ctx, `EXPLAIN QUERY PLAN `+statement, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return "", err
		}
		plan.WriteString(step + "\n")
	}
	return plan.String(), rows.Err()
}

// Exec changes rows past the store's rules.
func (db *DB) Exec(ctx context.Context, query string, args ...any) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, query, args...)
		return err
	})
}

// EntryFields are all that entries can be sorted by.
func EntryFields() []coreshed.OrderField { return slices.Sorted(maps.Keys(entryKeys)) }

// Queued counts the queue's rows of a run.
func Queued(ctx context.Context, db *DB, run int64) (int64, error) {
	return one(ctx, db, value[int64], `SELECT count(*) FROM queue WHERE job_id = $1`, run)
}

// Links returns the links of a run, from ancestor to descendant, 0 for none, in
// the order of their ids.
func Links(ctx context.Context, db *DB, run int64) ([][2]int64, error) {
	return all(ctx, db, func(rows *sql.Rows) ([2]int64, error) {
		var link [2]int64
		return link, rows.Scan(&link[0], &link[1])
	}, `SELECT ancestor_id, COALESCE(descendant_id, 0) FROM ancestry WHERE job_id = $1 ORDER BY ancestor_id, descendant_id`, run)
}

// EntriesEach answers as Entries does, in each of the ways that there are.
func (db *DB) EntriesEach(ctx context.Context, view coreshed.View, f coreshed.EntryFilter, order []coreshed.Order, page coreshed.Page, got func(way string, ids []int64, total int64)) error {
	o, err := orderEntries(order)
	if err != nil {
		return err
	}
	return db.view(ctx, func(ctx context.Context, t tx) error {
		l, err := newEntryList(ctx, t, view, f, o)
		if err != nil || l.filter.nothing {
			return err
		}
		sources := append(l.filter.sources(db.dialect), l.filter.whole(l.all), entrySource{kind: byOrder})
		for _, s := range append(sources, large(l.filter, db.dialect)...) {
			l.source, l.found = s, nil
			total, err := l.count(ctx, t)
			l.total = total
			if err != nil {
				return err
			}
			limit := min(page.Limit, total-page.Offset)
			if total == 0 || limit <= 0 {
				got(fmt.Sprint(s), nil, total)
				continue
			}
			for _, p := range l.filter.plans(s, o, total, l.all, page.Offset, limit) {
				ids, err := l.keys(ctx, t, p, limit)
				if err != nil {
					return err
				}
				got(fmt.Sprintf("%+v", p), ids, total)
			}
			if key, single := o.single(); single && key.expr == "v.modified_at" && l.filter.empty() && l.filter.visible == nil && db.dialect.searches {
				ids, err := l.spanPage(ctx, t, coreshed.Page{Offset: page.Offset, Limit: limit})
				if err != nil {
					return err
				}
				got("spans", ids, total)
			}
		}
		return nil
	})
}

// AddDataset adds a data set that one run has put out and another has read.
func AddDataset(ctx context.Context, db *DB, org int64, namespace, name string, maker, reader int64) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		id, err := insert(ctx, t, `INSERT INTO datasets (org_id, identity, namespace, name, created_at) VALUES ($1, $2, $3, $4, 0) RETURNING id`,
			org, []byte(namespace+name), namespace, name)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `INSERT INTO job_datasets (job_id, direction, dataset_id) VALUES ($1, 'output', $2)`, maker, id); err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO job_datasets (job_id, direction, dataset_id) VALUES ($1, 'input', $2)`, reader, id)
		return err
	})
}

// large are the sources of a filter, as if their parts had many rows.
func large(e *entryFilter, d dialect) []entrySource {
	for i := range e.parts {
		e.parts[i].rows = probes[1]
	}
	list := e.sources(d)
	for i := range list {
		list[i].rows = probes[1]
	}
	return list
}

// IndexNames adds so many names to the index of names, where there is one.
func (db *DB) IndexNames(ctx context.Context, limit int64) error {
	if !db.dialect.searches {
		return nil
	}
	return db.update(ctx, func(ctx context.Context, t tx) error { return indexNames(ctx, t, limit) })
}

// EntryStatements returns the text of what Entries asks where one in a thousand
// of a million entries matches.
func (db *DB) EntryStatements(ctx context.Context, view coreshed.View, f coreshed.EntryFilter, order []coreshed.Order) ([]string, error) {
	var texts []string
	o, err := orderEntries(order)
	if err != nil {
		return nil, err
	}
	err = db.view(ctx, func(ctx context.Context, t tx) error {
		r := recorder{t, &texts}
		l, err := newEntryList(ctx, r, view, f, o)
		if err != nil || l.filter.nothing {
			return err
		}
		l.found = nil
		l.all, l.total, l.source.rows = 1_000_000, 1000, 5000
		ids, err := l.page(ctx, r, coreshed.Page{Limit: 100})
		if err != nil {
			return err
		}
		_, err = entriesOf(ctx, r, view, ids)
		return err
	})
	return texts, err
}

// DropIndexes is how a bulk load begins.
func (db *DB) DropIndexes(ctx context.Context) error { return db.dropIndexes(ctx) }

// LinkIDs returns the ids of the rows that are a run's links.
func LinkIDs(ctx context.Context, db *DB, run int64) ([]int64, error) {
	return all(ctx, db, value[int64], `SELECT id FROM ancestry WHERE job_id = $1 ORDER BY id`, run)
}

// Begin begins a transaction that runs a statement, such as one that locks rows,
// and returns what ends it.
func (db *DB) Begin(ctx context.Context, statement string, args ...any) (release func() error, err error) {
	t, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	_, err = t.ExecContext(ctx, statement, args...)
	return t.Rollback, err
}

// EraseAudit erases the details of what the audit log tells of a thing, as a purge
// does.
func EraseAudit(ctx context.Context, db *DB, kind coreshed.AuditKind, id, purge int64) error {
	return db.update(ctx, func(ctx context.Context, t tx) error {
		return (&removal{purge: purge}).eraseAudit(ctx, t, kind, []int64{id})
	})
}

// InvariantQueries are what Check asks.
func InvariantQueries() []string {
	var list []string
	for _, inv := range invariants {
		list = append(list, inv.query)
	}
	return list
}
