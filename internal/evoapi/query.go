package evoapi

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// maxListed bounds a page of files.
const maxListed = 5000

// filesWanted reads the parameters of a list of files.
func filesWanted(q url.Values) (f coreshed.Filter, order []coreshed.Order, page coreshed.Page, err error) {
	if page, err = pageOf(q, maxListed, maxListed); err != nil {
		return f, order, page, err
	}
	if f.Deleted, err = web.Bool(q, "deleted", false); err != nil {
		return f, order, page, err
	}
	for name, into := range map[string]**coreshed.UUID{
		"author": &f.CreatedBy, "modified_by": &f.ModifiedBy, "deleted_by": &f.DeletedBy,
	} {
		if *into, err = web.ID(q, name); err != nil {
			return f, order, page, err
		}
	}
	for name, into := range map[string]*coreshed.TimeRange{
		"created_at": &f.Created, "modified_at": &f.Modified, "deleted_at": &f.DeletedAt,
	} {
		if *into, err = times(q, name); err != nil {
			return f, order, page, err
		}
	}
	if f.Name, err = text(q, "file_name"); err != nil {
		return f, order, page, err
	}
	order, err = orderBy(q, "order_by", coreshed.ByCreated, coreshed.ByModified, coreshed.ByDeleted)
	return f, order, page, err
}

// pageOf reads limit and offset. A limit over most counts as most.
func pageOf(q url.Values, fallback, most int64) (coreshed.Page, error) {
	limit, err := web.Int(q, "limit", fallback, 1)
	if err != nil {
		return coreshed.Page{}, err
	}
	offset, err := web.Int(q, "offset", 0, 0)
	return coreshed.Page{Limit: min(limit, most), Offset: offset}, err
}

// versionID reads which version is meant; 0 is none in particular. The name
// "version" is an older one, and only read where it is told.
func versionID(q url.Values, names ...string) (int64, error) {
	for _, name := range names {
		if q.Has(name) {
			return web.Int(q, name, 0, 1)
		}
	}
	return 0, nil
}

// orderBy reads "field,desc:field". Some have sent the parameter's own name
// again in its value, as in its published example.
func orderBy(q url.Values, name string, fields ...coreshed.OrderField) ([]coreshed.Order, error) {
	value := strings.TrimPrefix(strings.Join(q[name], ","), name+"=")
	if value == "" {
		return nil, nil
	}
	var orders []coreshed.Order
	for term := range strings.SplitSeq(value, ",") {
		term = strings.TrimSpace(term)
		field, desc := strings.CutPrefix(term, "desc:")
		o := coreshed.Order{Field: coreshed.OrderField(strings.TrimPrefix(field, "asc:")), Desc: desc}
		again := slices.ContainsFunc(orders, func(p coreshed.Order) bool { return p.Field == o.Field })
		if !slices.Contains(fields, o.Field) || again {
			err := coreshed.Errorf(coreshed.Invalid, "The parameter %s takes each of %v once, after asc: or desc: or alone.", name, fields)
			err.Field = name
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, nil
}

// text reads a parameter that is looked for in names. Names have no NUL and
// are valid UTF-8, and PostgreSQL takes nothing else.
func text(q url.Values, name string) (string, error) {
	value := q.Get(name)
	if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		err := coreshed.Errorf(coreshed.Invalid, "The parameter %s must be text.", name)
		err.Field = name
		return "", err
	}
	return value, nil
}
