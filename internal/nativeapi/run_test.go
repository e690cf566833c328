package nativeapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coreshed/coreshed"
)

type m = map[string]any

// ws is the path of the workspace, then rest.
func (s *shed) ws(rest string) string {
	return "/coreshed/v1/workspaces/" + s.Workspace.UUID.String() + rest
}

func (s *shed) runPath(r m, rest string) string {
	return fmt.Sprintf("/coreshed/v1/runs/%v%s", r["run"], rest)
}

// put uploads bytes to a URL as block-blob clients do.
func (s *shed) put(url, content string) int {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPut, url, strings.NewReader(content))
	s.must(err)
	r.Header.Set("x-ms-blob-type", "BlockBlob")
	resp, err := s.client.Do(r)
	s.must(err)
	s.must(resp.Body.Close())
	return resp.StatusCode
}

// at returns a member of nested objects and lists.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			v = v.(m)[p]
		case int:
			v = v.([]any)[p]
		}
	}
	return v
}

// TestRun records a run from its inputs to its uploaded output.
func TestRun(t *testing.T) {
	each(t, func(s *shed) {
		source := s.Put(t, s.Editor, "in/a.tif", "abc")
		body := m{
			"id": "night-1", "type": m{"name": "parse", "version": "1.0", "manifest": m{"job": m{"packageVersion": "3.1"}}},
			"inputs": []m{{"name": "IN", "path": "in/a.tif"}}, "values": m{"level": 2}, "start": m{"host": "node-1"},
			"outputs": []m{{"name": "OUT", "upload": "sub/out.csv", "media_type": "text/x-own"}},
		}
		r := s.want(s.Editor, "POST", s.ws("/runs"), body, 201)
		equal(t, []any{r["id"], r["status"], at(r, "type", "name"), at(r, "executions", 0, "host")}, []any{"night-1", "RUNNING", "parse", "node-1"})
		again := s.want(s.Editor, "POST", s.ws("/runs"), body, 200)
		equal(t, again["run"], r["run"])
		equal(t, at(again, "uploads", 0, "version_id"), at(r, "uploads", 0, "version_id"))

		s.want(s.Editor, "POST", s.runPath(r, "/complete"), nil, 409) // nothing is uploaded yet
		equal(t, s.put(at(r, "uploads", 0, "url").(string), "1,2,3"), 201)
		done := s.want(s.Editor, "POST", s.ws("/runs"), body, 200)
		equal(t, at(done, "uploads", 0, "url"), nil)
		id := at(done, "uploads", 0, "version")
		version := fmt.Sprintf("/coreshed/v1/versions/%v", id)
		v := s.want(s.Viewer, "GET", version, nil, 200)
		equal(t, []any{v["type"], v["published"], v["media_type"], at(v, "made_by", "output"), at(v, "made_by", "run")},
			[]any{"PRODUCT", false, "text/x-own", "OUT", r["run"]})
		equal(t, at(v, "description", "metadata"), any(m{"job_name": "parse", "job_version": "1.0", "package_version": "3.1"}))

		done = s.want(s.Editor, "POST", s.runPath(r, "/complete"), m{"exit_code": 0, "output": m{"n": 1}}, 200)
		equal(t, []any{done["status"], done["published"], at(done, "executions", 0, "exit_code"), at(done, "executions", 0, "output", "n")},
			[]any{"COMPLETED", true, json.Number("0"), json.Number("1")})
		equal(t, s.want(s.Viewer, "GET", version, nil, 200)["published"], any(true))
		found := s.want(s.Viewer, "GET", s.ws("/version?path="+v["path"].(string)), nil, 200)
		equal(t, found["id"], id)
		s.want(s.Viewer, "GET", s.ws("/version?file_id="+v["file_id"].(string)+"&version_id="+v["version_id"].(string)), nil, 200)
		s.want(s.Viewer, "GET", s.ws("/version?path=none"), nil, 404)
		s.want(s.Viewer, "GET", s.ws("/version"), nil, 422)

		in := s.want(s.Viewer, "GET", s.runPath(r, "/inputs"), nil, 200)
		equal(t, []any{in["total"], in["hidden"], at(in, "results", 0, "name"), at(in, "results", 0, "version", "id")},
			[]any{json.Number("1"), json.Number("0"), "IN", json.Number(fmt.Sprint(source.Version.ID))})
		out := s.want(s.Viewer, "GET", s.runPath(r, "/outputs"), nil, 200)
		equal(t, at(out, "results", 0, "version", "id"), id)
		list := s.want(s.Viewer, "GET", "/coreshed/v1/runs?status=COMPLETED&type=parse&id=night-1&workspace="+s.Workspace.UUID.String(), nil, 200)
		equal(t, []any{list["total"], at(list, "results", 0, "run")}, []any{json.Number("1"), r["run"]})

		for _, query := range []string{"/runs?status=COMPLETED&status=NONSENSE", "/runs?status=", "/runs?status=completed"} {
			refused := s.want(s.Viewer, "GET", "/coreshed/v1"+query, nil, 422)
			equal(t, strings.Contains(fmt.Sprint(refused), "status"), true)
		}
		s.want(s.Admin, "GET", "/coreshed/v1/audit?outcome=nonsense", nil, 422)
		s.want(s.Admin, "GET", "/coreshed/v1/audit?kind=nonsense", nil, 422)

		up := s.want(s.Viewer, "GET", version+"/lineage?direction=up", nil, 200)
		equal(t, []any{at(up, "versions", 1, "path"), at(up, "runs", 0, "run"), len(up["edges"].([]any)), up["complete"]},
			[]any{"in/a.tif", r["run"], 2, true})
		down := s.want(s.Viewer, "GET", fmt.Sprintf("/coreshed/v1/versions/%d/lineage?direction=down&depth=1", source.Version.ID), nil, 200)
		equal(t, []any{at(down, "versions", 1, "id"), at(down, "found", "versions")}, []any{id, json.Number("2")})

		s.want(s.Editor, "POST", s.runPath(r, "/unpublish"), nil, 200)
		equal(t, s.want(s.Viewer, "GET", version, nil, 200)["published"], any(false))
		s.want(s.Editor, "POST", s.runPath(r, "/publish"), nil, 200)
		equal(t, s.want(s.Viewer, "GET", version, nil, 200)["published"], any(true))
	})
}

// TestContent follows the way to the bytes of a version.
func TestContent(t *testing.T) {
	each(t, func(s *shed) {
		r := s.want(s.Editor, "POST", s.ws("/runs"), m{
			"type": m{"name": "parse", "version": "1"}, "start": m{}, "outputs": []m{{"name": "OUT", "upload": "x"}},
		}, 201)
		equal(t, s.put(at(r, "uploads", 0, "url").(string), "bytes"), 201)
		out := s.want(s.Editor, "GET", s.runPath(r, "/outputs"), nil, 200)
		path := fmt.Sprintf("/coreshed/v1/versions/%v/content", at(out, "results", 0, "version", "id"))
		equal(t, s.text(s.Viewer, path), "bytes")
		s.want(s.Member, "GET", path, nil, 404)
	})
}

// TestRunSteps goes one step at a time.
func TestRunSteps(t *testing.T) {
	each(t, func(s *shed) {
		r := s.want(s.Editor, "POST", s.ws("/runs"), m{"type": m{"name": "parse", "version": "1"}}, 201)
		equal(t, r["status"], any("QUEUED"))
		s.want(s.Editor, "PATCH", s.runPath(r, ""), m{"progress": []m{{"status": "HALF"}}}, 409)
		s.want(s.Editor, "PATCH", s.runPath(r, ""), m{"status": "BLOCKED", "priority": 5}, 200)
		s.want(s.Editor, "PATCH", s.runPath(r, ""), m{"status": "RUNNING"}, 422)
		s.want(s.Editor, "POST", s.runPath(r, "/start"), m{"try": "a"}, 200)
		s.want(s.Editor, "PATCH", s.runPath(r, ""), m{"progress": []m{{"task": "1", "status": "HALF", "document": m{"x": 1}}}, "facets": m{"a": 1}}, 200)
		s.want(s.Editor, "POST", s.runPath(r, "/outputs"), m{"outputs": []m{{"name": "OUT", "upload": "../x"}}}, 400)
		more := s.want(s.Editor, "POST", s.runPath(r, "/outputs"), m{"outputs": []m{{"name": "OUT", "upload": "x"}}}, 200)
		failed := s.want(s.Editor, "POST", s.runPath(r, "/fail"), m{"error": m{"name": "boom"}}, 200)
		equal(t, []any{failed["status"], at(failed, "error", "name"), at(failed, "facets", "a"), at(failed, "executions", 0, "progress", 0, "status")},
			[]any{"FAILED", "boom", json.Number("1"), "HALF"})
		equal(t, s.put(at(more, "uploads", 0, "url").(string), "late"), 404)
		s.want(s.Editor, "POST", s.runPath(r, "/complete"), nil, 409)
		s.want(s.Editor, "POST", s.runPath(r, "/publish"), nil, 409)
		s.want(s.Editor, "PATCH", s.runPath(r, ""), m{"status": "QUEUED"}, 200)
		equal(t, s.want(s.Editor, "POST", s.runPath(r, "/cancel"), nil, 409)["status"], any(json.Number("409"))) // the try has failed
		s.want(s.Editor, "POST", s.runPath(r, "/start"), m{"try": "b"}, 200)
		equal(t, s.want(s.Editor, "POST", s.runPath(r, "/cancel"), nil, 200)["status"], any("CANCELED"))
	})
}

// TestRunBodies: bad bodies are refused and change nothing.
func TestRunBodies(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "a.tif", "abc")
		with := func(name string, v any) m {
			return m{"id": "k", "type": m{"name": "parse", "version": "1"}, name: v}
		}
		for _, tt := range []struct {
			body   any
			status int
		}{
			{"", 422}, {"[]", 400}, {"{", 400}, {`{"id": 1}`, 422}, {`{"id": "\u0000"}`, 422}, {strings.Repeat(" ", 5<<20), 400},
			{m{"type": m{"name": "", "version": "1"}}, 422}, {m{"type": m{"name": strings.Repeat("x", 251), "version": "1"}}, 422},
			{with("unknown", 1), 422}, {with("status", "RUNNING"), 422}, {with("node", "n"), 422}, {with("recipe", 99), 422},
			{m{"type": m{"name": "p", "version": "1"}, "recipe": 99, "node": "n"}, 404}, {with("batch", 99), 404}, {with("supersedes", 99), 404},
			{with("inputs", []m{{"name": "IN"}}), 422}, {with("inputs", []m{{"version": 1}}), 422},
			{with("inputs", []m{{"name": "IN", "version": 1, "path": "a.tif"}}), 422}, {with("inputs", []m{{"name": "IN", "version": 1 << 40}}), 404},
			{with("inputs", []m{{"name": "IN", "path": "a.tif", "version_id": "x"}}), 422}, {with("inputs", []m{{"name": "IN", "path": "../a.tif"}}), 400},
			{with("inputs", []m{{"name": "IN", "file": f.UUID, "workspace": f.UUID}}), 422},
			{with("outputs", []m{{"name": "OUT", "upload": "x"}}), 409}, // it has not started
			{m{"type": m{"name": "p", "version": "1"}, "start": m{}, "outputs": []m{{"name": "OUT", "upload": "x", "version": 1}}}, 422},
			{m{"type": m{"name": "p", "version": "1"}, "start": m{}, "outputs": []m{{"name": "OUT", "upload": "x"}}, "end": m{"status": "COMPLETED"}}, 422},
			{with("end", m{"status": "RUNNING"}), 422}, {with("end", m{}), 422}, {with("values", []int{1}), 422}, {with("start", m{"at": "yesterday"}), 422},
			{with("queued_at", "9999-12-31T23:59:59-01:00"), 422}, {with("event", m{"type": "X", "occurred_at": "0000-01-01T00:00:00+01:00"}), 422},
			{with("start", m{"at": "9999-12-31T23:59:59-01:00"}), 422},
			{with("facets", "text"), 422}, {with("max_tries", -1), 422}, {with("event", m{"type": ""}), 422},
		} {
			s.want(s.Editor, "POST", s.ws("/runs"), tt.body, tt.status)
		}
		equal(t, s.want(s.Admin, "GET", "/coreshed/v1/runs", nil, 200)["total"], any(json.Number("0")))
		for _, query := range []string{"limit=0", "limit=x", "offset=-1", "recipe=x", "superseded=maybe", "workspace=x"} {
			s.want(s.Viewer, "GET", "/coreshed/v1/runs?"+query, nil, 422)
		}
		for _, query := range []string{"direction=sideways", "depth=-1", "limit=0"} {
			s.want(s.Viewer, "GET", fmt.Sprintf("/coreshed/v1/versions/%d/lineage?%s", f.Version.ID, query), nil, 422)
		}
	})
}

// TestRunRights: who may record, and that nothing tells others what is there.
func TestRunRights(t *testing.T) {
	each(t, func(s *shed) {
		body := m{"type": m{"name": "parse", "version": "1"}, "start": m{}}
		r := s.want(s.Editor, "POST", s.ws("/runs"), body, 201)
		for _, p := range []coreshed.Person{s.Viewer, s.Member} {
			s.want(p, "POST", s.ws("/runs"), body, 403)
			s.want(p, "POST", s.ws("/recipes"), m{"type": m{"name": "x"}}, 403)
			s.want(p, "POST", s.ws("/batches"), m{}, 403)
		}
		for _, verb := range []string{"start", "complete", "fail", "cancel", "publish", "unpublish"} {
			s.want(s.Viewer, "POST", s.runPath(r, "/"+verb), nil, 403)
			equal(t, s.want(s.Member, "POST", s.runPath(r, "/"+verb), nil, 404), s.want(s.Member, "POST", "/coreshed/v1/runs/99999/"+verb, nil, 404))
		}
		s.want(s.Viewer, "PATCH", s.runPath(r, ""), m{}, 403)
		s.want(s.Viewer, "POST", s.runPath(r, "/outputs"), m{"outputs": []m{}}, 403)
		for _, path := range []string{"", "/inputs", "/outputs"} {
			s.want(s.Viewer, "GET", s.runPath(r, path), nil, 200)
			s.want(s.Member, "GET", s.runPath(r, path), nil, 404)
		}
		equal(t, s.want(s.Member, "GET", "/coreshed/v1/runs", nil, 200)["total"], any(json.Number("0")))
		equal(t, s.want(s.Member, "GET", "/coreshed/v1/runs?workspace="+s.Workspace.UUID.String(), nil, 200)["total"], any(json.Number("0")))
		s.want(s.Stranger, "POST", s.ws("/runs"), body, 403)
		s.want(s.Member, "GET", s.ws("/version?path=a"), nil, 403)
	})
}
