package scaleapi

import (
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// The size of a page without page_size, and the most that one has.
const (
	pageSize    = 100
	maxPageSize = 1000
)

// envelope is a page of a list.
type envelope struct {
	Count    int64   `json:"count"`
	Next     *string `json:"next"`
	Previous *string `json:"previous"`
	Results  any     `json:"results"`
}

// sendPage answers with the page that the request asks for. fetch returns a
// slice of the list and how many there are in all, also for a page of none;
// present makes the wire object.
func sendPage[T, W any](w http.ResponseWriter, q *request, fetch func(coreshed.Page) ([]T, int64, error), present func(T) W) error {
	number, size, err := q.page(func() (int64, error) {
		_, total, err := fetch(coreshed.Page{})
		return total, err
	})
	if err != nil {
		return err
	}
	found, total, err := fetch(coreshed.Page{Offset: (number - 1) * size, Limit: size})
	if err != nil {
		return err
	}
	last := lastPage(total, size)
	if number > last {
		return invalidPage()
	}
	results := make([]W, len(found))
	for i, v := range found {
		results[i] = present(v)
	}
	e := envelope{Count: total, Results: results}
	if number < last {
		e.Next = q.pageURL(number + 1)
	}
	if number > 1 {
		e.Previous = q.pageURL(number - 1)
	}
	return web.JSON(w, http.StatusOK, e)
}

// page reads which page is wanted, and of what size. A size that cannot be is
// corrected; a page that cannot be does not exist. total is asked for the last.
func (q *request) page(total func() (int64, error)) (number, size int64, err error) {
	size, ok := parseInt(last(q.query["page_size"]))
	if !ok || size <= 0 {
		size = pageSize
	}
	size = min(size, maxPageSize)
	if !q.query.Has("page") {
		return 1, size, nil
	}
	text := last(q.query["page"])
	if text == "last" {
		n, err := total()
		return lastPage(n, size), size, err
	}
	number, ok = parseInt(text)
	if !ok || number < 1 || number > math.MaxInt64/maxPageSize {
		return 0, 0, invalidPage()
	}
	return number, size, nil
}

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// lastPage is the number of the last page; an empty list has one.
func lastPage(total, size int64) int64 { return max((total+size-1)/size, 1) }

func invalidPage() error { return web.Refuse(http.StatusNotFound, "Invalid page.") }

// pageURL is the request's own address with another page. The first page has no
// number.
func (q *request) pageURL(number int64) *string {
	query := maps.Clone(q.query)
	delete(query, "page")
	if number > 1 {
		query.Set("page", decimal(number))
	}
	text := q.origin + (&url.URL{Path: q.URL.Path, RawQuery: query.Encode()}).String()
	return &text
}

// orders reads the fields that a list is sorted by: with a minus to reverse,
// nested ones behind two underscores or a dot. Which there are is the store's.
func (q *request) orders() ([]coreshed.Order, error) {
	names, err := q.texts("order")
	orders := make([]coreshed.Order, 0, len(names))
	for _, name := range names {
		field, desc := strings.CutPrefix(name, "-")
		o := coreshed.Order{Field: coreshed.OrderField(strings.ReplaceAll(field, ".", "__")), Desc: desc}
		// A key that has been one already changes nothing.
		if !slices.ContainsFunc(orders, func(p coreshed.Order) bool { return p.Field == o.Field }) {
			orders = append(orders, o)
		}
	}
	return orders, err
}
