package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/server"
	"github.com/coreshed/coreshed/internal/store"
)

// try sends a request and returns its status.
func try(t *testing.T, s *server.Server, token, method, path, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.Running().URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Set("Content-Type", "application/json"); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultTransport.(*http.Transport).Clone().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// refusals returns what the audit log of a server that is closed tells of refused
// requests, the oldest first, by who was refused.
func refusals(t *testing.T, data string) map[string][]coreshed.AuditEntry {
	t.Helper()
	s := open(t, server.Config{Data: data})
	defer closeServer(t, s)
	org, err := s.Store().Organisations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user, err := s.Store().User(t.Context(), auth.AdminEmail)
	if err != nil {
		t.Fatal(err)
	}
	view, err := s.Store().View(t.Context(), coreshed.Actor{ID: user.ID}, org[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Store().AuditEntries(t.Context(), view, store.AuditFilter{Outcome: coreshed.AuditRefused}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]coreshed.AuditEntry{}
	for i := range list {
		e := list[len(list)-1-i]
		if e.Number < 0 {
			t.Errorf("entry %d has no number after the server was closed", e.ID)
		}
		found[e.Actor] = append(found[e.Actor], e)
	}
	return found
}

// viewer makes someone who may only look, and returns a token.
func viewer(t *testing.T, s *server.Server, w coreshed.Workspace) (coreshed.Person, string) {
	t.Helper()
	p, err := s.Store().AddUser(t.Context(), w.OrgID, store.NewUser{Email: "viewer@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store().Grant(t.Context(), coreshed.Operator, w.ID, p.ID, coreshed.Viewer); err != nil {
		t.Fatal(err)
	}
	token, err := auth.Mint(t.Context(), s.Store(), p, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return p, token
}

// What is refused is in the audit log when the server has stopped, with the route
// and ids alone; what only looks is not.
func TestRefusedChangesAreRecorded(t *testing.T) {
	data := t.TempDir()
	s := open(t, server.Config{Data: data})
	w, err := s.Store().WorkspaceByName(t.Context(), "Default")
	if err != nil {
		t.Fatal(err)
	}
	person, token := viewer(t, s, w)
	files := fmt.Sprintf("/file/v2/orgs/%s/workspaces/%s/files", w.OrgID, w.UUID)
	for _, r := range []struct {
		token, method, path, body string
		status                    int
	}{
		{token, "PUT", files + "/path/secret.csv", "", 403},
		{token, "POST", "/coreshed/v1/workspaces/" + w.UUID.String() + "/runs", `{"type":{"name":"x","version":"1"}}`, 403},
		{"", "POST", "/v6/files/purge-source/", `{}`, 403},
		{"", "DELETE", files + "/path/secret.csv", "", 401},
		{"", "POST", "/api/v1/lineage", `{}`, 401},
		{"", "GET", files, "", 401},                                      // it only looks
		{token, "GET", "/coreshed/v1/audit", "", 403},                    // as above
		{token, "POST", "/coreshed/v1/purges", `{`, 400},                 // it is malformed
		{token, "POST", "/coreshed/v1/purges", `{"versions":[77]}`, 404}, // there is nothing to refuse
	} {
		if got := try(t, s, r.token, r.method, r.path, r.body); got != r.status {
			t.Errorf("%s %s: %d, want %d", r.method, r.path, got, r.status)
		}
	}
	closeServer(t, s)

	found := refusals(t, data)
	mine, nobody := found[person.ID.String()], found["nobody"]
	if len(found) != 2 || len(mine) != 2 || len(nobody) != 3 {
		t.Fatalf("refusals are %+v", found)
	}
	var said map[string]any
	if err := json.Unmarshal(mine[0].Details, &said); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"family": "evo-file", "method": "PUT", "status": 403.0, "kind": "forbidden", "workspace": w.UUID.String()} {
		if said[name] != want {
			t.Errorf("the details of the first have %s %v, want %v", name, said[name], want)
		}
	}
	if mine[0].Action != coreshed.ActRequestRefuse || mine[0].Workspace != w.ID || strings.Contains(string(mine[0].Details), "secret") {
		t.Errorf("the first is %+v %s", mine[0], mine[0].Details)
	}
}

// Nobody fills the database by being refused, and what has no entry is counted.
func TestRefusalsAreBounded(t *testing.T) {
	data := t.TempDir()
	s := open(t, server.Config{Data: data})
	for range 90 {
		if got := try(t, s, "", "POST", "/v6/strikes/", "{}"); got != http.StatusForbidden {
			t.Fatalf("status %d", got)
		}
	}
	closeServer(t, s)
	list := refusals(t, data)["nobody"]
	var said struct{ Requests int }
	last := list[len(list)-1]
	if err := json.Unmarshal(last.Details, &said); err != nil {
		t.Fatal(err)
	}
	if len(list) != 21 || last.Action != coreshed.ActRequestRefuseMany || said.Requests != 70 {
		t.Errorf("%d entries, of which the last is %+v %s", len(list), last, last.Details)
	}
}

// A hold is a refusal whatever the status, and so is a wrong password.
func TestHoldsAndPasswordsThatRefuse(t *testing.T) {
	data := t.TempDir()
	s := open(t, server.Config{Data: data})
	token, files := admin(t, s)
	if _, err := files.Upload(t.Context(), client.Path("a.csv"), strings.NewReader("x"), 1, client.UploadOptions{}); err != nil {
		t.Fatal(err)
	}
	w, err := s.Store().WorkspaceByName(t.Context(), "Default")
	if err != nil {
		t.Fatal(err)
	}
	if got := try(t, s, token, "POST", "/coreshed/v1/holds", fmt.Sprintf(`{"workspace":%q,"reason":"case 17"}`, w.UUID)); got != http.StatusCreated {
		t.Fatalf("hold: %d", got)
	}
	if got := try(t, s, token, "DELETE", fmt.Sprintf("/file/v2/orgs/%s/workspaces/%s/files/path/a.csv", w.OrgID, w.UUID), ""); got != http.StatusBadRequest {
		t.Errorf("delete: %d", got)
	}
	if got := try(t, s, token, "POST", "/v6/files/purge-source/", `{"file_id":1}`); got != http.StatusBadRequest {
		t.Errorf("purge: %d", got)
	}
	form := url.Values{"email": {auth.AdminEmail}, "password": {"wrong"}, "form": {"f"}}
	query := url.Values{
		"client_id": {auth.NativeClient}, "redirect_uri": {auth.NativeRedirect}, "response_type": {"code"},
		"code_challenge": {"LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE"}, "code_challenge_method": {"S256"}, "scope": {"evo.file"},
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.Running().URL+"/connect/authorize?"+query.Encode(), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", "coreshed_form=f")
	resp, err := http.DefaultTransport.(*http.Transport).Clone().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	closeServer(t, s)
	var said []string
	for _, list := range refusals(t, data) {
		for _, e := range list {
			said = append(said, string(e.Details))
		}
	}
	all := strings.Join(said, "\n")
	if len(said) != 3 || strings.Count(all, `"kind":"held"`) != 2 || !strings.Contains(all, `"refused":"password"`) ||
		strings.Contains(all, "127.0.0.1") || strings.Contains(all, "a.csv") || strings.Contains(all, "case 17") {
		t.Errorf("the log tells:\n%s", all)
	}
}
