package evoapi_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/evoapi"
)

func TestDiscovery(t *testing.T) {
	each(t, func(s *shed) {
		want := map[string]any{"discovery": map[string]any{
			"organizations":  []any{map[string]any{"id": s.Org.ID.String(), "display_name": "Northern Minerals"}},
			"hubs":           []any{map[string]any{"code": "local", "display_name": "Local hub", "url": s.url}},
			"services":       []any{map[string]any{"code": "evo", "display_name": "Evo"}},
			"service_access": []any{map[string]any{"org_id": s.Org.ID.String(), "hub_code": "local", "services": []any{"evo"}}},
			"accounts":       nil,
		}}
		for _, path := range []string{"/evo/identity/v2/discovery", "/workspace/evo/identity/v2/discovery"} {
			for _, query := range []string{"", "?service=evo", "?service=evo&service=blockmodel"} {
				a := s.send(s.Member, "GET", path+query).want(200)
				if diff := cmp.Diff(want, a.json()); diff != "" {
					t.Errorf("%s: %s", a.what, diff)
				}
			}
			a := s.send(s.Member, "GET", path+"?service=file&service=evo").want(200)
			if diff := cmp.Diff([]any{"evo", "file"}, a.at("discovery", "service_access", 0, "services")); diff != "" {
				t.Error(diff)
			}
			a = s.send(s.Member, "GET", path+"?service=geoscienceobject").want(200)
			if len(a.at("discovery", "organizations").([]any)) != 0 {
				t.Errorf("%s", a.body)
			}
			s.send(s.Member, "GET", path+"?service=%zz").want(400)
		}
	})
}

// Someone with a role in one workspace finds the organisation, too.
func TestDiscoveryOfGuest(t *testing.T) {
	each(t, func(s *shed) {
		if err := s.DB.Grant(t.Context(), coreshed.Operator, s.Workspace.ID, s.Stranger.ID, coreshed.Viewer); err != nil {
			t.Fatal(err)
		}
		a := s.send(s.Stranger, "GET", "/evo/identity/v2/discovery").want(200)
		if n := len(a.at("discovery", "organizations").([]any)); n != 2 {
			t.Errorf("%d organisations: %s", n, a.body)
		}
		if a := s.send(s.Stranger, "GET", s.workspaces("")).want(200); a.at("links", "total") != number("1") {
			t.Errorf("%s", a.body)
		}
		s.sendJSON(s.Stranger, "POST", s.workspaces(""), `{"name": "x"}`).want(403)
	})
}

func TestHealth(t *testing.T) {
	each(t, func(s *shed) {
		bad := errors.New("secret")
		for _, c := range []struct {
			query  string
			health map[string]error
			status int
			word   string
		}{
			{"", map[string]error{evoapi.Metadata: bad}, 200, "pass"}, // not asked
			{"check_dependencies=true", map[string]error{evoapi.Metadata: nil, "blobs": nil}, 200, "pass"},
			{"check_dependencies=true", map[string]error{evoapi.Metadata: nil, "blobs": bad}, 200, "degraded"},
			{"check_dependencies=true&strict=true", map[string]error{evoapi.Metadata: nil, "blobs": bad}, 503, "fail"},
			{"check_dependencies=true", map[string]error{evoapi.Metadata: bad, "blobs": nil}, 503, "fail"},
			{"check_dependencies=True", map[string]error{evoapi.Metadata: bad}, 200, "pass"}, // lower case only
		} {
			s.health = c.health
			for _, path := range []string{"/file/health_check", "/workspace/health_check"} {
				bare := s.sendBody("", "GET", path+"?"+c.query, nil).want(c.status)
				if string(bare.body) != c.word {
					t.Errorf("%s: %q, want %s", bare.what, bare.body, c.word)
				}
				full := s.sendBody("Bearer x", "GET", path+"?full=true&"+c.query, nil).want(c.status)
				if full.at("status") != c.word || full.at("version") != "test" {
					t.Errorf("%s: %s", full.what, full.body)
				}
			}
		}
	})
}

func TestWorkspaceLife(t *testing.T) {
	each(t, func(s *shed) {
		body := `{"name": "South pit", "description": "d", "default_coordinate_system": "EPSG:28355", "labels": ["a", "b"],
			"bounding_box": {"type": "Polygon", "coordinates": [[[100,0],[101,0],[101,1],[100,1],[100,0]]]}, "unknown": 1}`
		a := s.sendJSON(s.Member, "POST", s.workspaces(""), body).want(201)
		got := a.json()
		path := s.workspaces("/" + got["id"].(string))
		if got["self_link"] != s.url+path || got["current_user_role"] != "owner" || got["ml_enabled"] != false {
			t.Errorf("%s", a.body)
		}
		read := s.send(s.Member, "GET", path+"?deleted=False").want(200)
		if diff := cmp.Diff(got, read.json()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff("EPSG:28355", read.at("default_coordinate_system")); diff != "" || read.at("bounding_box", "coordinates", 0, 2, 1) != number("1") {
			t.Errorf("%s", read.body)
		}
		s.send(s.Editor, "GET", path).want(403)
		if a := s.send(s.Admin, "GET", path).want(200); a.at("current_user_role") != "owner" {
			t.Errorf("%s", a.body)
		}
		changed := s.sendJSON(s.Admin, "PATCH", path, `{"name": "West pit", "labels": [], "bounding_box": null}`).want(200)
		if changed.at("name") != "West pit" || changed.at("description") != "d" || changed.at("bounding_box") != nil ||
			len(changed.at("labels").([]any)) != 0 || changed.at("updated_by", "name") != "Admin" || changed.at("created_by", "name") != "Member" {
			t.Errorf("%s", changed.body)
		}

		s.send(s.Member, "DELETE", path).want(204)
		s.send(s.Member, "DELETE", path).want(204)
		s.send(s.Member, "GET", path).want(410, "/gone")
		s.send(s.Stranger, "GET", path).want(403)
		s.sendJSON(s.Member, "PATCH", path, `{}`).want(410)
		s.send(s.Member, "GET", path+"/users").want(410)
		s.send(s.Member, "GET", path+"?deleted=true").want(200)
		s.send(s.Member, "GET", "/file/v2/orgs/"+s.Org.ID.String()+"/workspaces/"+got["id"].(string)+"/files").want(404)
		if a := s.send(s.Member, "GET", s.workspaces("?deleted=true")).want(200); a.at("results", 0, "name") != "West pit" {
			t.Errorf("%s", a.body)
		}
		s.send(s.Member, "POST", path).want(422, "/validation")
		s.send(s.Member, "POST", path+"?deleted=true").want(422)
		s.send(s.Member, "POST", path+"?deleted=False").want(204)
		s.send(s.Member, "POST", path+"?deleted=false").want(204)

		s.send(s.Member, "DELETE", path).want(204)
		s.sendJSON(s.Member, "POST", s.workspaces(""), `{"name": "WEST PIT"}`).want(201)
		restored := s.send(s.Member, "POST", path+"?deleted=false").want(303)
		if restored.header.Get("Location") != s.url+path {
			t.Errorf("Location %s", restored.header.Get("Location"))
		}
		if a := s.send(s.Member, "GET", path).want(200); a.at("name") != "West pit (1)" {
			t.Errorf("%s", a.body)
		}
	})
}

func TestWorkspaceBodies(t *testing.T) {
	each(t, func(s *shed) {
		long := func(n int) string { return strings.Repeat("x", n) }
		for body, param := range map[string]string{
			`{}`: "name", `{"name": null}`: "name", `{"name": ""}`: "name", `{"name": "` + long(61) + `"}`: "name",
			`{"name": 5}`: "name", `{"name": "a\u0000"}`: "name", `{"name": "north PIT"}`: "name",
			`{"name": "x", "description": []}`: "description", `{"name": "x", "description": "\u0000"}`: "description",
			`{"name": "x", "labels": "a"}`: "labels", `{"name": "x", "labels": [""]}`: "labels", `{"name": "x", "labels": ["a\u0000"]}`: "labels",
			`{"name": "x", "default_coordinate_system": "\u0000"}`:                                                  "default_coordinate_system",
			`{"name": "x", "bounding_box": 5}`:                                                                      "bounding_box",
			`{"name": "x", "bounding_box": {"type": "Point", "coordinates": []}}`:                                   "bounding_box",
			`{"name": "x", "bounding_box": {"type": "Polygon", "coordinates": []}}`:                                 "bounding_box",
			`{"name": "x", "bounding_box": {"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,1]]]}}`:        "bounding_box",
			`{"name": "x", "bounding_box": {"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,91],[0,1],[0,0]]]}}`: "bounding_box",
		} {
			a := s.sendJSON(s.Owner, "POST", s.workspaces(""), body).want(422, "/validation")
			if a.at("invalid-params", 0, "name") != param {
				t.Errorf("%s: %s", body, a.body)
			}
		}
		for _, body := range []string{``, `x`, `[]`, `null`, `"x"`, `{"name": "x"`, `{"name": "x"} {}`, `{"name": "` + long(2<<20) + `"}`} {
			s.sendJSON(s.Owner, "POST", s.workspaces(""), body).want(400, "/bad-request")
			s.sendJSON(s.Owner, "PATCH", s.here(""), body).want(400, "/bad-request")
		}
		s.sendJSON(s.Owner, "POST", s.workspaces(""), `{"name": "`+long(60)+`"}`).want(201)
		s.sendJSON(s.Owner, "PATCH", s.here(""), `{"name": "North PIT"}`).want(200)
		s.sendJSON(s.Owner, "PATCH", s.here(""), `{"name": "`+long(60)+`"}`).want(422)
		s.sendJSON(s.Stranger, "POST", s.workspaces(""), `{"name": "x"}`).want(403)
	})
}

func TestListWorkspaces(t *testing.T) {
	each(t, func(s *shed) {
		for _, title := range []string{"Delta", "alpha", "Charlie", "bravo"} {
			s.AddWorkspace(t, title)
		}
		for query, want := range map[string][]string{
			"":                                  {"alpha", "bravo", "Charlie", "Delta", "North pit"},
			"order_by=desc:name":                {"North pit", "Delta", "Charlie", "bravo", "alpha"},
			"sort=-name":                        {"North pit", "Delta", "Charlie", "bravo", "alpha"},
			"order_by=created_at":               {"North pit", "Delta", "alpha", "Charlie", "bravo"},
			"sort=-created_at":                  {"bravo", "Charlie", "alpha", "Delta", "North pit"},
			"order_by=user_role,desc:name":      {"North pit", "Delta", "Charlie", "bravo", "alpha"},
			"limit=2&offset=1":                  {"bravo", "Charlie"},
			"name=A&limit=2":                    {"alpha", "bravo"},
			"filter[name]=alp":                  {"alpha"},
			"filter%5Bname%5D=alp":              {"alpha"},
			"name=delta&filter[name]=alp":       {"Delta"},
			"created_by=" + s.Owner.ID.String(): {"alpha", "bravo", "Charlie", "Delta", "North pit"},
			"filter[created_by]=" + s.Admin.ID.String(): {},
			"user_id=" + s.Viewer.ID.String():           {"North pit"},
			"created_at=gte:2100-01-01":                 {},
			"updated_at=lt:2100-01-01&limit=1":          {"alpha"},
			"deleted=true":                              {},
		} {
			for _, p := range []coreshed.Person{s.Owner, s.Admin} {
				full := s.send(p, "GET", s.workspaces("?"+query)).want(200)
				if diff := cmp.Diff(want, full.names("results", "name")); diff != "" {
					t.Errorf("%s for %s: %s", query, p.Name, diff)
				}
				short := s.send(p, "GET", s.workspaces("/summary?"+query)).want(200)
				if diff := cmp.Diff(want, short.names("results", "name")); diff != "" {
					t.Errorf("summary %s: %s", query, diff)
				}
			}
		}
		a := s.send(s.Owner, "GET", s.workspaces("?limit=2&offset=2&order_by=asc:name")).want(200)
		page := func(offset string) string {
			return s.url + s.workspaces("?limit=2&offset="+offset+"&order_by=asc%3Aname")
		}
		links := map[string]any{
			"first": page("0"), "last": page("4"), "next": page("4"), "previous": page("0"), "count": number("2"), "total": number("5"),
		}
		if diff := cmp.Diff(links, a.at("links")); diff != "" {
			t.Error(diff)
		}
		if a := s.send(s.Viewer, "GET", s.workspaces("")).want(200); a.at("results", 0, "current_user_role") != "viewer" || a.at("links", "total") != number("1") {
			t.Errorf("%s", a.body)
		}
		if a := s.send(s.Member, "GET", s.workspaces("")).want(200); a.at("links", "total") != number("0") || a.at("links", "last") != a.at("links", "first") {
			t.Errorf("%s", a.body)
		}
		s.send(s.Stranger, "GET", s.workspaces("")).want(403)
		for _, query := range []string{"limit=0", "offset=-1", "order_by=size", "sort=size", "created_by=x", "user_id=x", "created_at=x", "name=%00", "deleted=x"} {
			if a := s.send(s.Owner, "GET", s.workspaces("?"+query)).want(422); a.at("invalid-params") == nil {
				t.Errorf("%s: %s", query, a.body)
			}
		}
	})
}

func TestRoles(t *testing.T) {
	each(t, func(s *shed) {
		grant := func(who coreshed.Person, body string) answer { return s.sendJSON(who, "POST", s.here("/users"), body) }
		to := func(p coreshed.Person, role string) string {
			return `{"user_id": "` + p.ID.String() + `", "role": "` + role + `"}`
		}

		a := grant(s.Owner, to(s.Member, "editor")).want(201)
		if a.at("user_id") != s.Member.ID.String() || a.at("role") != "editor" {
			t.Errorf("%s", a.body)
		}
		if a := s.send(s.Member, "GET", s.here("/current-user-role")).want(200); a.at("role") != "editor" || a.at("user_id") != s.Member.ID.String() {
			t.Errorf("%s", a.body)
		}
		grant(s.Editor, to(s.Member, "viewer")).want(201)
		grant(s.Editor, to(s.Member, "owner")).want(403, "/auth/insufficient-role")
		grant(s.Editor, to(s.Owner, "viewer")).want(403, "/auth/insufficient-role")
		s.send(s.Editor, "DELETE", s.here("/users/"+s.Owner.ID.String())).want(403)
		grant(s.Viewer, to(s.Member, "viewer")).want(403)

		// The last owner stays, whoever asks.
		grant(s.Admin, to(s.Owner, "viewer")).want(422)
		s.send(s.Owner, "DELETE", s.here("/users/"+s.Owner.ID.String())).want(422)
		grant(s.Owner, to(s.Member, "owner")).want(201)
		s.send(s.Owner, "DELETE", s.here("/users/"+s.Owner.ID.String())).want(204)
		s.send(s.Owner, "GET", s.here("")).want(403)
		grant(s.Admin, to(s.Owner, "owner")).want(201)

		s.send(s.Owner, "DELETE", s.here("/users/"+uuid.NewString())).want(404)
		s.send(s.Owner, "DELETE", s.here("/users/nobody")).want(422)
		grant(s.Owner, `{"user_id": "`+uuid.NewString()+`", "role": "viewer"}`).want(404)
		for _, body := range []string{
			`{}`, `{"role": "viewer"}`, `{"user_id": "x", "role": "viewer"}`, to(s.Member, "king"), `{"user_id": 5, "role": "viewer"}`,
			`{"user_id": "` + s.Member.ID.String() + `", "email": "a@b.c", "role": "viewer"}`, `{"email": "nonsense", "role": "viewer"}`,
			`{"email": "", "role": "viewer"}`,
		} {
			if a := grant(s.Owner, body).want(422); a.at("invalid-params") == nil {
				t.Errorf("%s: %s", body, a.body)
			}
		}
		grant(s.Owner, `nonsense`).want(400)

		users := s.send(s.Viewer, "GET", s.here("/users")).want(200)
		if diff := cmp.Diff([]string{"editor", "owner", "owner", "viewer"}, users.names("results", "role")); diff != "" {
			t.Error(diff)
		}
		one := s.send(s.Viewer, "GET", s.here("/users?filter[user_id]="+s.Editor.ID.String())).want(200)
		want := []any{map[string]any{"user_id": s.Editor.ID.String(), "role": "editor", "email": s.Editor.Email, "full_name": "Editor"}}
		if diff := cmp.Diff(want, one.at("results")); diff != "" {
			t.Error(diff)
		}
		s.send(s.Viewer, "GET", s.here("/users?user_id=x")).want(422)
	})
}

// A role can be given to an address before its owner has come.
func TestRolesByEmail(t *testing.T) {
	each(t, func(s *shed) {
		grant := func(who coreshed.Person, email, role string) answer {
			return s.sendJSON(who, "POST", s.here("/users"), `{"email": "`+email+`", "role": "`+role+`"}`)
		}
		if a := grant(s.Owner, s.Member.Email, "viewer").want(201); a.at("user_id") != s.Member.ID.String() {
			t.Errorf("%s", a.body)
		}
		s.send(s.Member, "GET", s.here("")).want(200)
		address := "New@" + s.Org.ID.String() + ".example"
		pending := grant(s.Owner, address, "owner").want(201).at("user_id").(string)
		grant(s.Editor, address, "viewer").want(403) // who waits is above the editor
		users := s.send(s.Viewer, "GET", s.here("/users?user_id="+pending)).want(200)
		if len(users.at("results").([]any)) != 1 || users.at("results", 0, "role") != "owner" || users.at("results", 0, "full_name") != nil {
			t.Errorf("%s", users.body)
		}
		s.send(s.Owner, "DELETE", s.here("/users/"+pending)).want(204)
		s.send(s.Owner, "DELETE", s.here("/users/"+pending)).want(404)
		grant(s.Owner, address, "editor").want(201)
		person := s.User(t, address)
		if a := s.send(person, "GET", s.here("/current-user-role")).want(200); a.at("role") != "editor" {
			t.Errorf("%s", a.body)
		}
	})
}
