package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// List returns the files that match a filter, in an order that is that of
// creation by default, and gets page after page as they are read. It ends with
// the first error. The API has no filter for folders: with Filter.Folder, all
// files are asked for and the others are dropped here. Files that are deleted
// or made meanwhile may move a later page, so that a file is missed or met
// twice.
func (f *Files) List(ctx context.Context, filter coreshed.Filter, order ...coreshed.Order) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		folder := coreshed.FoldPath(strings.TrimLeft(filter.Folder, "/"))
		q := listQuery(filter, order)
		for offset := int64(0); ; {
			p, err := f.page(ctx, q, offset)
			if err != nil {
				yield(File{}, err)
				return
			}
			for _, file := range p.Files {
				if strings.HasPrefix(coreshed.FoldPath(file.Path), folder) && !yield(file, nil) {
					return
				}
			}
			offset += int64(len(p.Files))
			if len(p.Files) == 0 || offset >= p.Total {
				return
			}
		}
	}
}

type filePage struct {
	Total int64
	Files []File
}

func (f *Files) page(ctx context.Context, q url.Values, offset int64) (filePage, error) {
	q.Set("offset", strconv.FormatInt(offset, 10))
	var p filePage
	_, err := f.c.do(ctx, call{method: http.MethodGet, path: f.base, query: q, want: []int{http.StatusOK}}, &p)
	return p, err
}

func listQuery(f coreshed.Filter, order []coreshed.Order) url.Values {
	q := url.Values{}
	if f.Deleted {
		q.Set("deleted", "true")
	}
	if f.Name != "" {
		q.Set("file_name", f.Name)
	}
	for name, id := range map[string]*coreshed.UUID{"author": f.CreatedBy, "modified_by": f.ModifiedBy, "deleted_by": f.DeletedBy} {
		if id != nil {
			q.Set(name, id.String())
		}
	}
	for name, r := range map[string]coreshed.TimeRange{"created_at": f.Created, "modified_at": f.Modified, "deleted_at": f.DeletedAt} {
		addTime(q, name, "gte:", r.From)
		addTime(q, name, "lt:", r.Until)
	}
	if len(order) > 0 {
		q.Set("order_by", orderBy(order))
	}
	return q
}

func addTime(q url.Values, name, operator string, micros *int64) {
	if micros != nil {
		q.Add(name, operator+time.UnixMicro(*micros).UTC().Format(time.RFC3339Nano))
	}
}

func orderBy(order []coreshed.Order) string {
	keys := make([]string, len(order))
	for i, o := range order {
		keys[i] = "asc:" + string(o.Field)
		if o.Desc {
			keys[i] = "desc:" + string(o.Field)
		}
	}
	return strings.Join(keys, ",")
}
