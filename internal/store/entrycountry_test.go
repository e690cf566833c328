package store_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestEntriesOfSeveralCountries: an entry that touches two of the wanted
// countries is listed once, in whatever order.
func TestEntriesOfSeveralCountries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newEntries(t, db)
		many := []string{"AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH", "III"} // more than are merged in order
		for _, countries := range [][]string{{"AAA", "BBB"}, many} {
			for name, order := range map[string][]coreshed.Order{
				"default": nil, "by size": {{Field: "file_size"}}, "backwards": {{Field: "last_modified", Desc: true}},
				"by type's title": {{Field: "job_type__title"}}, "by two": {{Field: "file_type"}, {Field: "last_modified", Desc: true}},
			} {
				f := coreshed.EntryFilter{Countries: countries}
				want := idsOf(s.matching(s.views["admin"], f, order))
				got, total, err := db.Entries(t.Context(), s.views["admin"], f, order, coreshed.Page{Limit: 1000})
				must(t, err)
				if diff := gocmp.Diff(want, idsOf(got)); diff != "" || total != int64(len(want)) {
					t.Errorf("%v %s: %d in all, want %d: %s", countries, name, total, len(want), diff)
				}
			}
		}
	})
}
