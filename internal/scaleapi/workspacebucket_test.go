package scaleapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// bucket is a configuration with secrets.
func bucket() object {
	return object{"broker": object{
		"type": "s3", "bucket_name": "bucket", "region_name": "us-east-1", "endpoint_url": "http://" + nobody,
		"credentials": object{"access_key_id": "AKIA", "secret_access_key": "secret"},
	}}
}

// Whoever lets the server's own rights be used is an admin; others bring
// credentials.
func TestWhoMayConfigure(t *testing.T) {
	s := open(t, storetest.Memory(t))
	post := func(p coreshed.Person, configuration object) answer {
		return s.send(p, "POST", "/v6/workspaces/", body(t, object{"title": "Mine", "configuration": configuration}))
	}
	post(anonymous, bucket()).want(403, noCredentials)
	post(s.Stranger, bucket()).want(403, noPermission)
	post(s.Member, s.host()).want(403, noPermission)
	byRole := bucket()
	delete(byRole["broker"].(object), "credentials")
	post(s.Member, byRole).want(403, noPermission)
	a := post(s.Member, bucket()).want(201)
	path := fmt.Sprintf("/v6/workspaces/%s/", a.at("id"))
	patch := func(p coreshed.Person, configuration any) answer {
		return s.send(p, "PATCH", path, body(t, object{"configuration": configuration}))
	}
	read := s.get(s.Member, path).want(200).at("configuration")
	patch(s.Member, read).want(204) // unchanged
	read.(object)["broker"].(object)["nfs_path"] = nil
	patch(s.Member, read).want(204) // as pages send it
	patch(s.Member, s.host()).want(403, noPermission)
	elsewhere := bucket()
	elsewhere["broker"].(object)["bucket_name"] = "another"
	patch(s.Member, elsewhere).want(204)
	elsewhere["broker"].(object)["credentials"] = object{"access_key_id": "************", "secret_access_key": "************"}
	elsewhere["broker"].(object)["bucket_name"] = "third"
	patch(s.Member, elsewhere).want(403, noPermission) // secrets of who knows whom, elsewhere
	patch(s.Admin, elsewhere).want(204)
	patch(s.Viewer, bucket()).want(404)
	if a := s.get(s.Admin, path).want(200); a.at("configuration", "broker", "credentials", "secret_access_key") != "secret" || a.at("configuration", "broker", "bucket_name") != "third" {
		t.Errorf("configured as %s", a.body)
	}
}

// Cases 29 and 30.
func TestWorkspaceDetails(t *testing.T) {
	each(t, func(s *shed) {
		s.get(s.Admin, "/v6/workspaces/999999/").want(404, "Not found.") // case 29
		configuration := bucket()
		configuration["version"] = "6"
		path := s.create("Bucket", configuration)
		a := s.get(s.Admin, path).want(200) // case 30
		if _, ok := a.json()["deprecated"]; !ok {
			t.Errorf("case 30: no deprecated in %s", a.body)
		}
		if diff := cmp.Diff(any(bucket()), a.at("configuration")); diff != "" {
			t.Errorf("case 30, for staff (-want +got):\n%s", diff)
		}
		id := a.at("id").(string)
		var row int64
		fmt.Sscan(id, &row)
		if err := s.DB.Grant(t.Context(), coreshed.Operator, row, s.Viewer.ID, coreshed.Viewer); err != nil {
			t.Fatal(err)
		}
		masked := bucket()
		masked["broker"].(object)["credentials"] = object{"access_key_id": "************", "secret_access_key": "************"}
		if diff := cmp.Diff(any(masked), s.get(s.Viewer, path).want(200).at("configuration")); diff != "" {
			t.Errorf("case 30, for others (-want +got):\n%s", diff)
		}
		own := s.get(s.Viewer, "/v6/workspaces/"+decimal(s.Workspace.ID)+"/").want(200)
		if own.at("configuration", "broker", "type") != "coreshed" {
			t.Errorf("a workspace in Coreshed's own store: %s", own.body)
		}
	})
}

// What was read can be sent back: long titles and masked secrets stay.
func TestEditUnchanged(t *testing.T) {
	s := open(t, storetest.Memory(t))
	title := strings.Repeat("ä", 60)
	a := s.send(s.Admin, "POST", "/v6/workspaces/", body(t, object{"title": title, "configuration": bucket()})).want(201)
	path := fmt.Sprintf("/v6/workspaces/%s/", a.at("id"))
	if a.at("title") != title[:100] || a.at("configuration", "broker", "credentials", "access_key_id") != "************" {
		t.Errorf("created as %s", a.body)
	}
	s.send(s.Admin, "PATCH", path, string(a.body)).want(204)
	if got := s.get(s.Admin, path).at("configuration", "broker", "credentials", "secret_access_key"); got != "secret" {
		t.Errorf("the secret is %v", got)
	}
	ws, err := s.DB.WorkspaceByName(t.Context(), a.at("name").(string))
	if err != nil || ws.Title != title {
		t.Errorf("the title is %q, %v", ws.Title, err)
	}
}
