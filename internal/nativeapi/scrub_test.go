package nativeapi_test

import (
	"testing"

	"github.com/coreshed/coreshed"
)

// Rounds are for admins; what is damaged is for whoever sees it.
func TestScrubs(t *testing.T) {
	each(t, func(s *shed) {
		const scrubs, damaged = "/coreshed/v1/scrubs", "/coreshed/v1/damaged"
		s.want(s.Owner, "GET", scrubs, nil, 403)
		s.want(s.Owner, "POST", scrubs, nil, 403)
		s.want(s.Admin, "GET", scrubs+"?limit=x", nil, 422)
		equal(t, s.want(s.Admin, "GET", scrubs, nil, 200)["total"], number(0))
		round := s.want(s.Admin, "POST", scrubs, nil, 202)
		equal(t, round["ended_at"], any(nil))
		equal(t, s.want(s.Admin, "POST", scrubs, nil, 202), round)
		equal(t, s.want(s.Admin, "GET", scrubs, nil, 200)["results"], any([]any{round}))

		f := s.Put(t, s.Editor, "a/b.csv", "1")
		if changed, err := s.DB.Damage(t.Context(), f.Version.ID, coreshed.ChangedOutside); err != nil || !changed {
			t.Fatal(changed, err)
		}
		s.want(s.Owner, "GET", damaged+"?offset=-1", nil, 422)
		for _, p := range []coreshed.Person{s.Viewer, s.Admin} {
			list := s.want(p, "GET", damaged, nil, 200)["results"].([]any)
			if len(list) != 1 {
				t.Fatalf("%s sees %v", p.Name, list)
			}
			d := list[0].(map[string]any)
			equal(t, []any{d["path"], d["state"], d["version"]}, []any{"a/b.csv", "changed outside", number(f.Version.ID)})
		}
		for _, p := range []coreshed.Person{s.Member, s.Stranger} {
			equal(t, s.want(p, "GET", damaged, nil, 200)["total"], number(0))
		}
	})
}
