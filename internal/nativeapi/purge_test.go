package nativeapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/leased"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

const purges = "/coreshed/v1/purges"

// purged works on the purges as the server does, until none is open.
func (s *shed) purged() {
	s.t.Helper()
	runner := leased.NewRunner(s.DB, "test", slog.New(slog.DiscardHandler))
	for range 100 {
		open, err := s.DB.OpenPurges(s.t.Context())
		s.must(err)
		if len(open) == 0 {
			return
		}
		runner.Do(s.t.Context(), "purge", func(ctx context.Context, l store.Lease) { s.must(s.catalog.Purge(ctx, l, open[0])) })
		time.Sleep(time.Millisecond)
	}
	s.t.Fatal("purges are still open")
}

func number(n int64) any { return json.Number(decimal(n)) }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// TestPurge plans a purge, executes it when it has changed, and reads the report.
func TestPurge(t *testing.T) {
	each(t, func(s *shed) {
		source, other := s.Put(t, s.Owner, "a/source.tif", "source"), s.Put(t, s.Owner, "other.tif", "other")
		twin := s.Put(t, s.Owner, "twin.tif", "source")
		run, made := s.Made(t, "made.tif", source.Version.ID, other.Version.ID)
		body := m{"paths": []m{{"workspace": s.Workspace.UUID, "path": "a/source.tif"}}, "reason": "sold"}
		p := s.want(s.Owner, "POST", purges, body, 201)
		equal(t, []any{p["status"], p["scope"], p["source_bytes"], p["reason"], at(p, "planned_by", "email"), at(p, "planned", "versions"), at(p, "planned", "runs"), p["held"], p["executed_at"]},
			[]any{"planned", "lineage", false, "sold", s.Owner.Email, number(2), number(1), number(0), nil})
		equal(t, []any{at(p, "plan", "twins", "total"), at(p, "plan", "twins", "versions", 0, "id"), at(p, "plan", "also_from", "versions", 0, "path"), at(p, "plan", "datasets", "total")},
			[]any{number(1), number(twin.Version.ID), "other.tif", number(0)})
		equal(t, []any{at(p, "plan", "sums", 0, "type"), at(p, "plan", "sums", 0, "size"), at(p, "plan", "sums", 1, "job_type"), at(p, "plan", "sums", 2, "kind"), at(p, "plan", "keeps", "versions")},
			[]any{"SOURCE", number(6), "parse", "run", number(0)})

		path := purges + "/" + p["id"].(string)
		equal(t, s.want(s.Owner, "GET", path, nil, 200), p)
		items := s.want(s.Owner, "GET", path+"/items?limit=2", nil, 200)
		equal(t, []any{len(items["results"].([]any)), items["next"]}, []any{2, "version:" + decimal(made)})
		equal(t, at(items, "results", 1, "via"), any([]any{m{"kind": "run", "id": number(run.ID)}, m{"kind": "version", "id": number(source.Version.ID)}}))
		rest := s.want(s.Owner, "GET", path+"/items?limit=2&after="+items["next"].(string), nil, 200)
		equal(t, []any{at(rest, "results", 0, "name"), rest["next"]}, []any{"parse 1.0", nil})

		// The set grows after the plan.
		s.want(s.Owner, "GET", path+"/report", nil, 409)
		_, late := s.Made(t, "late.tif", made)
		refused := s.want(s.Owner, "POST", path+"/execute", m{"fingerprint": p["fingerprint"]}, 409)
		fresh := refused["plan"].(m)
		equal(t, []any{at(fresh, "planned", "versions"), fresh["id"] != p["id"], refused["status"]}, []any{number(3), true, number(409)})
		equal(t, s.want(s.Owner, "POST", path+"/execute", m{"fingerprint": strings.Repeat("ab", 32)}, 409)["plan"], nil)
		path = purges + "/" + fresh["id"].(string)
		started := s.want(s.Owner, "POST", path+"/execute", m{"fingerprint": fresh["fingerprint"]}, 202)
		equal(t, []any{started["status"], at(started, "executed_by", "id")}, []any{"purging", s.Owner.ID.String()})
		s.want(s.Owner, "POST", path+"/execute", m{"fingerprint": fresh["fingerprint"]}, 202)
		// What is marked is used for nothing new, and by no other purge.
		s.want(s.Owner, "POST", s.ws("/runs"), m{"type": m{"name": "x", "version": "1"}, "inputs": []m{{"name": "IN", "version": made}}}, 409)
		again := s.want(s.Owner, "POST", purges, m{"versions": []int64{late}}, 201)
		s.want(s.Owner, "POST", purges+"/"+again["id"].(string)+"/execute", m{"fingerprint": again["fingerprint"]}, 409)

		// While it runs, its counters alone are read.
		running := s.want(s.Owner, "GET", path, nil, 200)
		equal(t, []any{running["plan"], running["planned"]}, []any{nil, fresh["planned"]})

		equal(t, s.want(s.Owner, "POST", path+"/stop", nil, 200)["status"], any("stopped"))
		s.purged()
		equal(t, at(s.want(s.Owner, "GET", path, nil, 200), "plan", "sums"), at(fresh, "plan", "sums"))
		equal(t, s.want(s.Owner, "GET", path, nil, 200)["status"], any("stopped"))
		s.want(s.Owner, "POST", path+"/execute", m{"fingerprint": fresh["fingerprint"]}, 202)
		s.purged()

		report := s.want(s.Owner, "GET", path+"/report", nil, 200)
		equal(t, []any{report["status"], report["removed"], report["errors"], report["last_error"], len(report["items"].([]any)), report["ended_at"] != nil},
			[]any{"purged", report["planned"], number(0), nil, 5, true})
		equal(t, []any{at(report, "items", 0, "state"), at(report, "items", 0, "name"), at(report, "items", 0, "sha256"), at(report, "items", 0, "size"), at(report, "items", 0, "file_id")},
			[]any{"removed", nil, at(items, "results", 0, "sha256"), number(6), source.UUID.String()})
		lines := strings.Split(strings.TrimSpace(s.text(s.Owner, path+"/report?format=csv")), "\n")
		equal(t, []any{len(lines), strings.HasPrefix(lines[1], "version,"+decimal(source.Version.ID)+","), strings.HasSuffix(lines[2], ",run,"+decimal(run.ID))}, []any{6, true, true})
		s.want(s.Owner, "GET", path+"/report?format=pdf", nil, 422)
		var told []any
		for next := any("0"); next != nil; {
			page := s.want(s.Owner, "GET", path+"/audit?limit=2&after="+next.(string), nil, 200)
			told, next = append(told, page["results"].([]any)...), page["next"]
		}
		equal(t, any(told), report["audit"])
		var actions []any
		for _, e := range told {
			actions = append(actions, at(e, "action"))
		}
		equal(t, actions, []any{"purge.plan", "purge.execute", "purge.stop", "purge.execute", "purge.end"})
		s.want(s.Owner, "GET", "/coreshed/v1/versions/"+decimal(made), nil, 404)
		s.want(s.Owner, "GET", "/coreshed/v1/versions/"+decimal(twin.Version.ID), nil, 200)

		list := s.want(s.Owner, "GET", purges+"?limit=2", nil, 200)
		equal(t, []any{at(list, "results", 0, "id"), at(list, "results", 1, "id"), list["next"]}, []any{again["id"], fresh["id"], fresh["id"]})
		list = s.want(s.Owner, "GET", purges+"?limit=2&after="+list["next"].(string), nil, 200)
		equal(t, []any{len(list["results"].([]any)), at(list, "results", 0, "id"), list["next"]}, []any{1, p["id"], nil})
	})
}

// TestPurgeRights: who may purge, and that nothing is told of what others have.
func TestPurgeRights(t *testing.T) {
	each(t, func(s *shed) {
		source := s.Put(t, s.Owner, "source.tif", "source")
		_, made := s.Made(t, "made.tif", source.Version.ID)
		body := m{"versions": []int64{source.Version.ID}}
		for _, p := range []coreshed.Person{s.Viewer, s.Editor} {
			s.want(p, "POST", purges, body, 403)
		}
		for _, p := range []coreshed.Person{s.Member, s.Stranger} {
			equal(t, s.want(p, "POST", purges, body, 404), s.want(p, "POST", purges, m{"versions": []int64{99999}}, 404))
			s.want(p, "POST", purges, m{"files": []coreshed.UUID{source.UUID}}, 404)
			s.want(p, "POST", purges, m{"paths": []m{{"workspace": s.Workspace.UUID, "path": "source.tif"}}}, 404)
		}

		// Something was made from it where its owner sees nothing.
		hidden := s.AddWorkspace(t, "South pit")
		_, _, err := s.DB.RecordRun(t.Context(), s.View(t, s.Admin), hidden.ID, storetest.NewRun(made))
		s.must(err)
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Member.ID, coreshed.Owner))
		p := s.want(s.Member, "POST", purges, body, 201)
		equal(t, []any{p["forbidden"], at(p, "plan", "hidden", "runs"), at(p, "planned", "runs"), len(at(p, "plan", "sums").([]any))}, []any{number(1), number(1), number(2), 3})
		text, err := json.Marshal(p)
		s.must(err)
		equal(t, strings.Contains(string(text), hidden.UUID.String()) || strings.Contains(string(text), hidden.Title), false)
		path := purges + "/" + p["id"].(string)
		equal(t, len(s.want(s.Member, "GET", path+"/items", nil, 200)["results"].([]any)), 3)
		s.want(s.Member, "POST", path+"/execute", m{"fingerprint": p["fingerprint"]}, 403)

		// It is its planner's and the admin's alone.
		for _, p := range []coreshed.Person{s.Owner, s.Editor, s.Stranger} {
			for _, rest := range []string{"", "/items", "/audit", "/report"} {
				s.want(p, "GET", path+rest, nil, 404)
			}
			s.want(p, "POST", path+"/execute", m{"fingerprint": "00"}, 404)
			s.want(p, "POST", path+"/stop", nil, 404)
			equal(t, len(s.want(p, "GET", purges, nil, 200)["results"].([]any)), 0)
		}
		equal(t, s.want(s.Admin, "GET", path, nil, 200)["forbidden"], number(1))
		s.want(s.Admin, "POST", path+"/execute", m{"fingerprint": p["fingerprint"]}, 202)
		s.purged()
		equal(t, at(s.want(s.Member, "GET", path+"/report", nil, 200), "removed", "runs"), number(2))
	})
}

// TestPurgeBodies: bad requests are refused and plan nothing.
func TestPurgeBodies(t *testing.T) {
	each(t, func(s *shed) {
		v := s.Put(t, s.Owner, "a.tif", "abc").Version.ID
		for _, tt := range []struct {
			body   any
			status int
		}{
			{"", 422}, {"[]", 400}, {"{", 400}, {m{"versions": "1"}, 422}, {m{"versions": []int64{v}, "scope": "all"}, 422}, {m{"versions": []int64{v}, "source_bytes": "False"}, 422}, {m{"x": 1}, 422},
			{m{"versions": []int64{v}, "reason": strings.Repeat("x", 2001)}, 422}, {m{"files": []string{"x"}}, 422}, {m{"versions": []int64{0}}, 404},
			{m{"files": []coreshed.UUID{uuid.New()}}, 404}, {m{"paths": []m{{"workspace": s.Workspace.UUID, "path": "none"}}}, 404},
			{m{"paths": []m{{"workspace": s.Workspace.UUID, "path": "../a"}}}, 400}, {m{"paths": []m{{"path": "a.tif"}}}, 404},
			{m{"versions": make([]int64, 20_001)}, 422},
		} {
			s.want(s.Owner, "POST", purges, tt.body, tt.status)
		}
		equal(t, len(s.want(s.Owner, "GET", purges, nil, 200)["results"].([]any)), 0)
		p := s.want(s.Owner, "POST", purges, m{"versions": []int64{v}, "scope": "recipe", "source_bytes": true}, 201)
		path := purges + "/" + p["id"].(string)
		for _, body := range []any{nil, m{"fingerprint": 1}, m{"fingerprint": "xyz"}, m{"fingerprint": ""}} {
			s.want(s.Owner, "POST", path+"/execute", body, 422)
		}
		for _, query := range []string{"?after=x", "/items?after=x", "/items?after=file:1", "/items?after=run:0", "/items?limit=0", "/items?failed=x", "/audit?after=x", "/x"} {
			want := 422
			if query == "/x" {
				want = 404
			}
			target := path + query
			if strings.HasPrefix(query, "?") {
				target = purges + query
			}
			s.want(s.Owner, "GET", target, nil, want)
		}
		s.want(s.Owner, "GET", purges+"/7", nil, 422)
		s.want(s.Owner, "GET", purges+"?after="+uuid.NewString(), nil, 404)
		s.want(s.Owner, "DELETE", path, nil, 405)
	})
}

// TestPurgeByFilter begins with what matches, and looks for it again when it is
// executed.
func TestPurgeByFilter(t *testing.T) {
	each(t, func(s *shed) {
		s.Put(t, s.Owner, "north/<a>.tif", "a")
		body := m{"filter": m{"workspace": s.Workspace.UUID, "folder": "NORTH/", "created_started": "2020-01-01T00:00:00Z", "file_type": []string{"SOURCE"}}}
		for _, p := range []coreshed.Person{s.Viewer, s.Editor} {
			s.want(p, "POST", purges, body, 403)
		}
		s.want(s.Member, "POST", purges, body, 404)
		for filter, status := range map[string]int{
			`{}`: 422, `{"workspace": "` + s.Workspace.UUID.String() + `"}`: 422, `{"folder": ""}`: 422, `{"file_name": []}`: 422, `{"x": 1}`: 422, `[]`: 422,
			`{"file_name": "a"}`: 422, `{"job_id": ["1"]}`: 422, `{"created_started": "yesterday"}`: 422, `{"folder": "south/"}`: 404, `{"file_name": ["a.tif"]}`: 404,
			`{"folder": "north/", "workspace": "` + uuid.NewString() + `"}`: 404,
		} {
			s.want(s.Owner, "POST", purges, `{"filter": `+filter+`}`, status)
		}
		p := s.want(s.Owner, "POST", purges, body, 201)
		equal(t, []any{at(p, "planned", "versions"), at(p, "filter", "folder"), at(p, "filter", "file_type", 0)}, []any{number(1), "NORTH/", "SOURCE"})
		s.Put(t, s.Owner, "north/b.tif", "b")
		path := purges + "/" + p["id"].(string)
		fresh := s.want(s.Owner, "POST", path+"/execute", m{"fingerprint": p["fingerprint"]}, 409)["plan"].(m)
		equal(t, []any{at(fresh, "planned", "versions"), fresh["filter"], fresh["filter_sha256"]}, []any{number(2), p["filter"], p["filter_sha256"]})
		path = purges + "/" + fresh["id"].(string)
		s.want(s.Owner, "POST", path+"/execute", m{"fingerprint": fresh["fingerprint"]}, 202)
		s.purged()
		report := s.want(s.Owner, "GET", path+"/report", nil, 200)
		equal(t, []any{report["filter"], report["filter_sha256"], at(report, "removed", "versions")}, []any{nil, p["filter_sha256"], number(2)})
		s.want(s.Owner, "POST", purges+"/"+p["id"].(string)+"/execute", m{"fingerprint": p["fingerprint"]}, 409)
	})
}
