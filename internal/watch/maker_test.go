package watch_test

import (
	"strings"
	"testing"

	"github.com/coreshed/coreshed"
)

// TestMakersRights: what a strike takes, it takes with the rights that its maker
// has at that time: to own what is watched, and to write to where the file goes.
func TestMakersRights(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		ctx := t.Context()
		id := s.strike(rule{"filename_regex": "to_", "new_workspace": "products"}, everything)
		admin := s.people.View(t, s.people.Admin)
		grant := func(workspace string, person coreshed.Person, role coreshed.Role) {
			s.must(s.db.Grant(ctx, coreshed.Operator, s.ids[workspace], person.ID, role))
		}
		arrive := func(name string, want coreshed.IngestStatus) {
			t.Helper()
			s.put(s.raw, name, "of "+name)
			s.pass(id)
			s.perform()
			list := s.ingests()
			last := list[len(list)-1]
			if last.Name != name || last.Status != want || (want == coreshed.IngestErrored) != strings.Contains(last.Reason, "made the strike or scan") {
				t.Errorf("%s: %s, %s", last.Name, last.Status, last.Reason)
			}
		}
		for _, workspace := range []string{"raw", "products"} {
			grant(workspace, s.people.Admin, coreshed.Owner) // one stays
		}
		arrive("to_1.tif", coreshed.IngestIngested)

		grant("products", s.people.Owner, coreshed.Viewer)
		arrive("to_2.tif", coreshed.IngestErrored)
		arrive("a_2.tif", coreshed.IngestIngested)
		s.must(s.db.Revoke(ctx, coreshed.Operator, s.ids["products"], s.people.Owner.ID))
		arrive("to_3.tif", coreshed.IngestErrored)
		grant("products", s.people.Owner, coreshed.Editor)
		arrive("to_4.tif", coreshed.IngestIngested)

		grant("raw", s.people.Owner, coreshed.Editor)
		arrive("a_5.tif", coreshed.IngestErrored)
		grant("raw", s.people.Owner, coreshed.Owner)
		arrive("a_6.tif", coreshed.IngestIngested)

		s.put(s.raw, "a_7.tif", "of a_7.tif")
		s.pass(id)
		s.must(s.db.Disable(ctx, s.people.Owner.ID)) // after the file was found
		s.perform()
		if got := s.ingests(coreshed.IngestErrored); len(got) != 4 || got[3].Name != "a_7.tif" {
			t.Errorf("%+v", got)
		}
		same(t, "products", []string{"to_1.tif of to_1.tif", "to_4.tif of to_4.tif"}, s.names(s.other))

		// Who gives it its configuration is its maker from then on.
		strike, err := s.db.Strike(ctx, admin, id)
		s.must(err)
		s.must(s.db.EditStrike(ctx, admin, id, coreshed.OriginEdit{Configuration: strike.Configuration, Workspace: strike.Workspace}))
		arrive("to_8.tif", coreshed.IngestIngested)
	})
}

// names is tree without the folders of days.
func (s *shed) names(folder string) []string {
	list := s.tree(folder)
	for i, name := range list {
		list[i] = name[strings.LastIndexByte(name, '/')+1:]
	}
	return list
}
