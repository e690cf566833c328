package evoapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// operation is one row of the rights matrix: who may, and what they get.
type operation struct {
	method, path, body string
	least              coreshed.Role
	status             int
}

// operations ask for what is not there, so that each can be tried by everyone.
func (s *shed) operations() []operation {
	id := uuid.NewString()
	grant := fmt.Sprintf(`{"user_id": %q, "role": "viewer"}`, s.Member.ID)
	return []operation{
		{"GET", s.files(""), "", coreshed.Viewer, 200},
		{"GET", s.files("/" + id), "", coreshed.Viewer, 404},
		{"GET", s.files("/path/no.csv"), "", coreshed.Viewer, 404},
		{"PUT", s.files("/" + id), "", coreshed.Editor, 404},
		{"PUT", s.files("/" + id + "?deleted=false"), "", coreshed.Editor, 404},
		{"PUT", s.files("/path/new.csv"), "", coreshed.Editor, 200},
		{"DELETE", s.files("/" + id), "", coreshed.Editor, 404},
		{"DELETE", s.files("/path/no.csv"), "", coreshed.Editor, 404},
		{"GET", s.here(""), "", coreshed.Viewer, 200},
		{"GET", s.here("/current-user-role"), "", coreshed.Viewer, 200},
		{"GET", s.here("/users"), "", coreshed.Viewer, 200},
		{"POST", s.here("/users"), grant, coreshed.Editor, 201},
		{"DELETE", s.here("/users/" + s.Member.ID.String()), "", coreshed.Editor, 0},
		{"PATCH", s.here(""), `{"description": "x"}`, coreshed.Owner, 200},
		{"POST", s.here("?deleted=false"), "", coreshed.Owner, 204},
	}
}

func TestRights(t *testing.T) {
	each(t, func(s *shed) {
		good := s.token(s.Owner, time.Hour)
		refused := map[string]struct {
			authorization string
			problem       string
		}{
			"no token": {"", "/auth/missing-token"},
			"forged":   {good[:len(good)-6] + "AAAAAA", "/auth/invalid-token"},
			"garbage":  {"Bearer x", "/auth/invalid-token"},
			"basic":    {"Basic dTpw", "/auth/invalid-token"},
			"expired":  {s.token(s.Owner, -time.Minute), "/auth/invalid-token"},
		}
		roles := map[coreshed.Person]coreshed.Role{
			s.Admin: coreshed.Owner, s.Owner: coreshed.Owner, s.Editor: coreshed.Editor, s.Viewer: coreshed.Viewer,
			s.Stranger: coreshed.NoRole,
		}
		for _, op := range s.operations() {
			for who, r := range refused {
				a := s.sendBody(r.authorization, op.method, op.path, strings.NewReader(op.body)).want(401, r.problem)
				if a.header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s for %s has no WWW-Authenticate", a.what, who)
				}
			}
			for person, role := range roles {
				a := s.sendJSON(person, op.method, op.path, op.body)
				switch {
				case role.AtLeast(op.least) && (op.status == 0 || a.status == op.status):
				case role.AtLeast(op.least):
					t.Errorf("%s as %s: status %d, want %d: %s", a.what, person.Name, a.status, op.status, a.body)
				default:
					wantForbidden(t, a, op.least, role)
				}
			}
		}
		for _, path := range []string{"/evo/identity/v2/discovery", s.workspaces(""), s.workspaces("/summary")} {
			for _, r := range refused {
				s.sendBody(r.authorization, "GET", path, nil).want(401, r.problem)
			}
		}
	})
}

func wantForbidden(t *testing.T, a answer, least, role coreshed.Role) {
	t.Helper()
	a.want(403, "/auth/insufficient-role")
	yours := string(role)
	if role == coreshed.NoRole {
		yours = "none"
	}
	var permitted []any
	for _, r := range least.From() {
		permitted = append(permitted, string(r))
	}
	if diff := cmp.Diff(permitted, a.at("permitted_roles")); diff != "" || a.at("your_role") != yours {
		t.Errorf("%s: your role %v %s", a.what, a.at("your_role"), diff)
	}
}

// Nothing tells an unknown workspace from a forbidden one, to those who are not
// admins.
func TestUnknownAndForbiddenAnswerAlike(t *testing.T) {
	each(t, func(s *shed) {
		unknown := strings.NewReplacer(s.Workspace.UUID.String(), uuid.NewString())
		elsewhere := strings.NewReplacer(s.Org.ID.String(), uuid.NewString())
		for _, op := range s.operations() {
			for _, p := range []coreshed.Person{s.Stranger, s.Member} {
				if strings.HasPrefix(op.path, s.here("/users")) && op.method != "GET" {
					continue // which gave the member a role
				}
				forbidden := s.sendJSON(p, op.method, op.path, op.body).want(403)
				for _, other := range []*strings.Replacer{unknown, elsewhere} {
					a := s.sendJSON(p, op.method, other.Replace(op.path), op.body).want(403)
					if diff := cmp.Diff(string(forbidden.body), string(a.body)); diff != "" {
						t.Errorf("%s: %s", a.what, diff)
					}
				}
			}
			s.sendJSON(s.Admin, op.method, unknown.Replace(op.path), op.body).want(404)
			s.sendJSON(s.Owner, op.method, unknown.Replace(op.path), op.body).want(403)
		}
	})
}

func TestDisabledAccount(t *testing.T) {
	each(t, func(s *shed) {
		token := s.token(s.Editor, time.Hour)
		if err := s.DB.Disable(t.Context(), s.Editor.ID); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{s.files(""), s.here(""), s.workspaces("")} {
			s.sendBody(token, "GET", path, nil).want(401, "/auth/invalid-token")
		}
	})
}

func TestScopes(t *testing.T) {
	each(t, func(s *shed) {
		narrow := func(scope string) string {
			token := s.token(s.Owner, time.Hour)
			s.scopes[token] = scope
			return token
		}
		paths := map[string]string{
			"evo.file": s.files(""), "evo.workspace": s.workspaces(""), "evo.discovery": "/evo/identity/v2/discovery",
		}
		for scope := range paths {
			token := narrow(scope)
			for other, path := range paths {
				a := s.sendBody(token, "GET", path, nil)
				if other == scope {
					a.want(200)
				} else if a.want(403, "/auth/invalid-token"); a.at("title") != "Access Denied." {
					t.Errorf("%s: title %v", a.what, a.at("title"))
				}
			}
		}
	})
}

// The checks come in one order: token, ids, role, parameters, existence.
func TestOrderOfChecks(t *testing.T) {
	each(t, func(s *shed) {
		badID := "/file/v2/orgs/" + s.Org.ID.String() + "/workspaces/nonsense/files?limit=x"
		s.sendBody("", "GET", badID, nil).want(401)
		s.send(s.Stranger, "GET", badID).want(422, "/validation")
		s.send(s.Stranger, "GET", s.files("?limit=x")).want(403)
		s.send(s.Viewer, "GET", s.files("/"+uuid.NewString()+"?version_id=x")).want(422)
		s.send(s.Viewer, "GET", s.files("/"+uuid.NewString()+"?version_id=1")).want(404)
		s.send(s.Viewer, "PUT", s.files("/path/%2e%2e")).want(403)
		s.send(s.Editor, http.MethodPut, s.files("/path/%2e%2e")).want(400, "/files/invalid-path")
	})
}
