package evoapi_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestListEmpty(t *testing.T) {
	each(t, func(s *shed) {
		a := s.send(s.Viewer, "GET", s.files("?limit=5000&offset=0&deleted=False"), "Accept", "application/json").want(200)
		self := s.url + s.files("?deleted=False&limit=5000&offset=0")
		want := map[string]any{
			"count": number("0"), "total": number("0"), "limit": number("5000"), "offset": number("0"), "files": []any{},
			"links": map[string]any{"self": self, "next": nil, "prev": nil},
		}
		if diff := cmp.Diff(want, a.json()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestListPages(t *testing.T) {
	each(t, func(s *shed) {
		var want []string
		for i := range 5 {
			want = append(want, s.Put(t, s.Editor, fmt.Sprintf("d/gold %d.csv", i), "1").UUID.String())
		}
		s.Put(t, s.Editor, "gold/silver.csv", "1")
		path := s.files("?file_name=GOLD&limit=2")
		var got, pages []string
		for path != "" {
			a := s.send(s.Viewer, "GET", path).want(200)
			if a.at("total") != number("5") || a.at("limit") != number("2") {
				t.Fatalf("%s", a.body)
			}
			got, pages = append(got, a.names("files", "file_id")...), append(pages, a.at("links", "self").(string))
			next, _ := a.at("links", "next").(string)
			path = strings.TrimPrefix(next, s.url)
			if prev, _ := a.at("links", "prev").(string); len(pages) > 1 && prev != pages[len(pages)-2] || len(pages) == 1 && prev != "" {
				t.Errorf("prev of page %d is %q", len(pages), prev)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(pages) != 3 {
			t.Errorf("%d pages: %s", len(pages), diff)
		}
		a := s.send(s.Viewer, "GET", s.files("?file_name=gold&limit=2&offset=9223372036854775807")).want(200)
		if a.at("count") != number("0") || a.at("total") != number("5") || a.at("links", "next") != nil {
			t.Errorf("%s", a.body)
		}
		if a := s.send(s.Viewer, "GET", s.files("?limit=9223372036854775807")).want(200); a.at("limit") != number("5000") {
			t.Errorf("%s", a.body)
		}
	})
}

func TestListFilters(t *testing.T) {
	var now time.Time
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		now = time.Date(2026, 3, 1, 10, 0, 0, 500000000, time.UTC)
		s := open(t, db)
		s.Put(t, s.Editor, "a.csv", "1") // 10:00:00.5
		now = now.Add(time.Hour)
		s.Put(t, s.Owner, "b.csv", "1") // 11:00:00.5
		now = now.Add(time.Hour)
		s.Put(t, s.Owner, "a.csv", "2") // modified 12:00:00.5
		now = now.Add(time.Hour)
		c := s.Put(t, s.Editor, "c.csv", "1")
		s.send(s.Owner, "DELETE", s.files(id(c))).want(204) // 13:00:00.5
		now = time.Now()                                    // tokens live by the wall clock
		editor, owner := s.Editor.ID.String(), s.Owner.ID.String()
		for query, want := range map[string]string{
			"":                                       "ab",
			"deleted=true":                           "c",
			"deleted=1":                              "c",
			"author=" + editor:                       "a",
			"author=" + strings.ToUpper(owner):       "b",
			"author=" + uuid.NewString():             "",
			"modified_by=" + owner:                   "ab",
			"modified_by=" + editor:                  "",
			"deleted_by=" + owner:                    "",
			"deleted=True&deleted_by=" + owner:       "c",
			"created_at=2026-03-01T10:00:00Z":        "a",
			"created_at=2026-03-01T10:00:00.5Z":      "a",
			"created_at=2026-03-01T10:00:00.500001Z": "",
			"created_at=2026-03-01T10:00:01":         "",
			"created_at=gt:2026-03-01T10:00:00":      "ab",
			"created_at=gt:2026-03-01T10:00:00.5":    "b",
			"created_at=gte:2026-03-01T10:00:00.5":   "ab",
			"created_at=lt:2026-03-01T10:00:00.5":    "",
			"created_at=lte:2026-03-01T10:00:00.5":   "a",
			"created_at=2026-03-01T23:00:00%2B13:00": "a",
			"created_at=2026-03-01T23:00:00+13:00":   "a",
			"created_at=gte:2026-03-01+11:00:00":     "b",
			"created_at=2026-03-01":                  "ab",
			"created_at=gte:2026-03-01T10:30:00Z&created_at=lt:2026-03-01T11:30:00Z": "b",
			"created_at=gte:2026-03-01T11:30:00Z&created_at=lt:2026-03-01T10:30:00Z": "",
			"modified_at=gt:2026-03-01T11:30:00Z":                                    "a",
			"deleted=true&deleted_at=gte:2026-03-01T13:00:00Z":                       "c",
			"deleted_at=gte:2026-03-01T13:00:00Z":                                    "",
			"order_by=desc:created_at":                                               "ba",
			"order_by=modified_at":                                                   "ba",
			"order_by=order_by=modified_at,desc:created_at":                          "ba",
			"order_by=asc:modified_at":                                               "ba",
			"order_by=deleted_at":                                                    "ab",
			"order_by=":                                                              "ab",
			"file_name=A.CSV":                                                        "a",
			"file_name=%25":                                                          "",
			"path=nonsense&whatever=%20":                                             "ab",
		} {
			got := s.send(s.Viewer, "GET", s.files("?"+query)).want(200)
			if names := strings.ReplaceAll(strings.Join(got.names("files", "name"), ""), ".csv", ""); names != want {
				t.Errorf("%s lists %q, want %q", query, names, want)
			}
		}
	})
}

func TestListRefusesBadParameters(t *testing.T) {
	each(t, func(s *shed) {
		s.Put(t, s.Editor, "a.csv", "1")
		for _, query := range []string{
			"limit=0", "limit=-1", "limit=x", "limit=1.5", "limit=", "limit=99999999999999999999", "offset=-1", "offset=x",
			"deleted=maybe", "author=me", "author=", "author=00000000000000000000000000000000", "modified_by=x", "deleted_by=x",
			"created_at=", "created_at=yesterday", "created_at=eq:2026-01-01", "created_at=gt:", "modified_at=:2026-01-01",
			"created_at=2026-13-01", "created_at=2026-01-01T25:00:00Z", "created_at=2026-01-01&created_at=2026-01-01",
			"created_at=gt:2026-01-01&created_at=2026-01-01", "deleted_at=GT:2026-01-01",
			"created_at=gt:2026-01-01&created_at=gt:2026-01-02&created_at=gt:2026-01-03",
			"order_by=size", "order_by=desc:", "order_by=,", "order_by=created_at,created_at", "order_by=down:created_at",
			"file_name=%00", "file_name=%ff",
		} {
			s.send(s.Viewer, "GET", s.files("?"+query)).want(422, "/file-api/validation")
		}
		for _, query := range []string{"limit=%zz", "%", "x=%f"} {
			s.send(s.Viewer, "GET", s.files("?"+query)).want(400, "/file-api/bad-request")
		}
		for _, bad := range []string{"nonsense", strings.ReplaceAll(uuid.NewString(), "-", ""), "{" + uuid.NewString() + "}", "%zz"} {
			if _, err := url.PathUnescape(bad); err != nil {
				continue // refused before it gets here
			}
			s.send(s.Viewer, "GET", s.files("/"+bad)).want(422, "/file-api/validation")
			s.send(s.Viewer, "GET", strings.Replace(s.files(""), s.Org.ID.String(), bad, 1)).want(422)
			s.send(s.Viewer, "GET", strings.Replace(s.files(""), s.Workspace.UUID.String(), bad, 1)).want(422)
		}
	})
}
