package nativeapi

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// list is a page of something. Hidden are those that the caller may not see,
// where that is told.
type list[T any] struct {
	Total   int64  `json:"total"`
	Hidden  *int64 `json:"hidden,omitempty"`
	Limit   int64  `json:"limit"`
	Offset  int64  `json:"offset"`
	Results []T    `json:"results"`
}

func listOf[T any](p coreshed.Page, total int64, results []T) list[T] {
	return list[T]{Total: total, Limit: p.Limit, Offset: p.Offset, Results: append([]T{}, results...)}
}

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// pageWanted reads limit and offset. More than the largest page counts as that.
func pageWanted(q url.Values) (coreshed.Page, error) {
	limit, err := web.Int(q, "limit", defaultLimit, 1)
	if err != nil {
		return coreshed.Page{}, err
	}
	offset, err := web.Int(q, "offset", 0, 0)
	return coreshed.Page{Limit: min(limit, maxLimit), Offset: offset}, err
}

// idsWanted reads a parameter that may be repeated; nil when it is absent.
func idsWanted(q url.Values, name string) ([]int64, error) {
	var ids []int64
	for _, text := range q[name] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			bad := coreshed.Errorf(coreshed.Invalid, "The parameter %s must be a positive integer.", name)
			bad.Field = name
			return nil, bad
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// wordsWanted reads a parameter that may be repeated, of which each is one of the
// known words; nil when it is absent.
func wordsWanted[T ~string](q url.Values, name string, known ...T) ([]T, error) {
	var words []T
	for _, text := range q[name] {
		if !slices.Contains(known, T(text)) {
			bad := coreshed.Errorf(coreshed.Invalid, "The parameter %s must be one of %v.", name, known)
			bad.Field = name
			return nil, bad
		}
		words = append(words, T(text))
	}
	return words, nil
}

// wordWanted is wordsWanted for one; "" when it is absent.
func wordWanted[T ~string](q url.Values, name string, known ...T) (T, error) {
	words, err := wordsWanted(q, name, known...)
	if err != nil || len(words) == 0 {
		return "", err
	}
	return words[0], nil
}

// boolWanted reads a boolean parameter; nil when it is absent.
func boolWanted(q url.Values, name string) (*bool, error) {
	if !q.Has(name) {
		return nil, nil
	}
	b, err := web.Bool(q, name, false)
	return &b, err
}
