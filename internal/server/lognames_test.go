package server_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/internal/server"
)

// What is refused, and what is done, leaves no name in the log that the request
// had in its path, its query or its body.
func TestLogHasNoNames(t *testing.T) {
	const name = "quendelstein"
	var log bytes.Buffer
	s := open(t, server.Config{Ephemeral: true, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	token, files := admin(t, s)
	f, err := files.Upload(t.Context(), client.Path(name+"/a.csv"), strings.NewReader("x"), 1, client.UploadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Store().WorkspaceByName(t.Context(), "Default")
	if err != nil {
		t.Fatal(err)
	}
	evo := fmt.Sprintf("/file/v2/orgs/%s/workspaces/%s", w.OrgID, w.UUID)
	native := "/coreshed/v1/workspaces/" + w.UUID.String()
	in := fmt.Sprintf(`{"workspace":%q,"path":"%s/`, w.UUID, name)
	for _, r := range []struct {
		method, path, body string
		status             int
	}{
		{"DELETE", evo + "/files/" + f.FileID.String(), "", 204},
		{"GET", evo + "/files/" + f.FileID.String(), "", 410},
		{"GET", evo + "/files/path/" + name + "/a.csv", "", 404},
		{"DELETE", evo + "/files/path/" + name, "", 404},
		{"GET", evo + "/files/path/" + name + "/..", "", 400},
		{"GET", evo + "/files?order_by=" + name, "", 422},
		{"GET", evo + "/files?" + name + "=1&limit=" + name, "", 422},
		{"GET", evo + "/" + name, "", 404},
		{"GET", "/workspace/orgs/" + name + "/workspaces", "", 422},
		{"GET", "/" + name, "", 404},
		{"POST", "/" + name, name, 404},
		{"POST", native + "/runs", `{"type":"` + name, 400},
		{"POST", native + "/runs", `{"` + name + `":1}`, 422},
		{"POST", native + "/" + name, "", 404},
		{"GET", "/coreshed/v1/runs?" + name + "=" + name + "&limit=" + name, "", 422},
		{"POST", "/coreshed/v1/purges", `{"paths":[` + in + `b.csv"}]}`, 404},
		{"POST", "/coreshed/v1/purges", `{"scope":"` + name + `","versions":[1]}`, 422},
		{"POST", "/coreshed/v1/holds", `{"version":77,"reason":"` + name + `"}`, 404},
		{"PUT", "/coreshed/v1/holds/" + name, `{}`, 405},
		{"GET", "/v6/files/?status=" + name + "&order=" + name + "&data_started=" + name, "", 400},
		{"GET", "/v6/files/" + name + "/", "", 404},
		{"POST", "/v6/files/purge-source/", `{"file_id":"` + name + `"}`, 400},
		{"POST", "/v6/workspaces/", `{"name":"` + name + `","json_config":{"broker":{"type":"` + name + `"}}}`, 400},
		{"POST", "/v6/strikes/", `{"name":"` + name + `","configuration":{"workspace":"` + name + `"}}`, 400},
		{"POST", "/api/v1/lineage", `{"eventType":"` + name + `"}`, 422},
		{"POST", "/connect/token?" + name, `{"` + name + `":1}`, 400},
		{"GET", "/connect/authorize?client_id=" + name, "", 400},
		{"PUT", "/file/" + name + "/" + name + "?sig=" + name + "&comp=" + name, name, 404},
		{"PUT", fmt.Sprintf("/file/%s/%s/%s/1?sig=%s&comp=%s", w.OrgID, w.UUID, f.FileID, name, name), name, 404},
	} {
		if got := try(t, s, token, r.method, r.path, r.body); got != r.status {
			t.Errorf("%s %s: %d, want %d", r.method, r.path, got, r.status)
		}
	}
	form := url.Values{"grant_type": {name}, "client_id": {name}}
	if resp, err := http.PostForm(s.Running().URL+"/connect/token", form); err != nil || resp.Body.Close() != nil || resp.StatusCode < 400 {
		t.Errorf("a token for %v: %v", form, err)
	}
	closeServer(t, s)
	if n := strings.Count(log.String(), `"msg":"request"`); n < 30 {
		t.Errorf("the log has %d requests", n)
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(strings.ToLower(line), name) {
			t.Errorf("the log has %s", line)
		}
	}
}
