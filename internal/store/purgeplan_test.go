package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestPurgePlan: what a plan tells of a set and of what is beside it, and that
// it tells nothing of workspaces that the caller does not see.
func TestPurgePlan(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		source, other := s.Put(t, s.Owner, "source.tif", "source"), s.Put(t, s.Owner, "other.tif", "other")
		twin := s.Put(t, s.Owner, "twin.tif", "source")
		_, a := s.Made(t, "a.tif", source.Version.ID, other.Version.ID)
		hidden := s.AddWorkspace(t, "South pit")
		r, _, err := db.RecordRun(t.Context(), s.View(t, s.Admin), hidden.ID, storetest.NewRun(a))
		must(t, err)
		must(t, db.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Member.ID, coreshed.Owner))

		member := s.View(t, s.Member)
		p, err := db.PlanPurge(t.Context(), member, store.NewPurge{Versions: []int64{source.Version.ID}, Scope: coreshed.PurgeLineage})
		must(t, err)
		if p.Planned.Runs != 2 || p.Forbidden != 1 || p.PlannedBy.Email != s.Member.Email {
			t.Errorf("the purge is %+v", p)
		}
		plan, err := db.PurgePlan(t.Context(), member, p)
		must(t, err)
		wantEqual(t, plan.Hidden, coreshed.PurgeTotals{Runs: 1})
		var kinds []string
		for _, sum := range plan.Sums {
			kinds = append(kinds, string(sum.Kind)+" "+string(sum.Type)+" "+sum.JobType+" "+sum.Workspace.Name)
		}
		wantEqual(t, kinds, []string{"version SOURCE  " + s.Workspace.Name, "version PRODUCT parse " + s.Workspace.Name, "run  parse " + s.Workspace.Name})
		if plan.Twins.Total != 1 || plan.Twins.Versions[0].ID != twin.Version.ID || plan.Twins.Versions[0].Path != "twin.tif" {
			t.Errorf("twins are %+v", plan.Twins)
		}
		if plan.AlsoFrom.Total != 1 || plan.AlsoFrom.Versions[0].ID != other.Version.ID {
			t.Errorf("it is also from %+v", plan.AlsoFrom)
		}
		items, err := db.PurgeItems(t.Context(), s.View(t, s.Admin), p, store.PurgeItemPage{Limit: 100})
		must(t, err)
		ways, err := db.PurgeReasons(t.Context(), member, p, items)
		must(t, err)
		last := len(items) - 1
		if items[last].ID != r.ID || items[last].Name != "parse 1.0" || items[last].Workspace.UUID != hidden.UUID {
			t.Fatalf("the last is %+v", items[last])
		}
		want := []coreshed.PurgeVia{{Kind: coreshed.PurgeVersion, ID: a}, *items[1].Via, {Kind: coreshed.PurgeVersion, ID: source.Version.ID}}
		if diff := cmp.Diff(want, ways[last]); diff != "" {
			t.Error(diff)
		}

		// A purge that began in the hidden workspace: its steps have no ids.
		must(t, db.Revoke(t.Context(), coreshed.Operator, s.Workspace.ID, s.Member.ID))
		must(t, db.Grant(t.Context(), coreshed.Operator, hidden.ID, s.Member.ID, coreshed.Viewer))
		member = s.View(t, s.Member)
		ways, err = db.PurgeReasons(t.Context(), member, p, items[last:])
		must(t, err)
		wantEqual(t, len(ways[0]), 3)
		for _, step := range ways[0] {
			wantEqual(t, step.ID, int64(0))
		}

		admin := s.View(t, s.Admin)
		p, err = db.ExecutePurge(t.Context(), admin, p.UUID, p.Fingerprint)
		must(t, err)
		if p.ExecutedBy.Name != s.Admin.Name {
			t.Errorf("executed by %+v", p.ExecutedBy)
		}
		drain(t, db, p.ID)
		after, err := db.PurgePlan(t.Context(), admin, p)
		must(t, err)
		if after.AlsoFrom.Total != 1 || after.Twins.Total != 1 || after.Hidden != (coreshed.PurgeTotals{}) {
			t.Errorf("afterwards it is %+v", after)
		}
	})
}
