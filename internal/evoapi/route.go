package evoapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// The scopes of tokens.
const (
	fileScope      = "evo.file"
	workspaceScope = "evo.workspace"
	discoveryScope = "evo.discovery"
)

// route is one operation. A segment of the pattern in braces is an id;
// {path...} is all that is left of the path, at least "".
type route struct {
	method, pattern string
	scope           string        // that the token must cover; "" needs no token
	role            coreshed.Role // that the caller must have in the workspace
	deleted         bool          // the workspace may be deleted
	handle          func(http.ResponseWriter, *request) error
}

// Operation makes it a web.Route.
func (rt route) Operation() (method, pattern string) { return rt.method, rt.pattern }

const (
	files      = "/file/v2/orgs/{org}/workspaces/{workspace}/files"
	workspaces = "/workspace/orgs/{org}/workspaces"
	workspace  = workspaces + "/{workspace}"
	discovery  = "/evo/identity/v2/discovery"
)

// table is every route. The first that matches is taken.
func (a *api) table() []route {
	const none, viewer, editor, owner = coreshed.NoRole, coreshed.Viewer, coreshed.Editor, coreshed.Owner
	return []route{
		{"GET", files, fileScope, viewer, false, a.listFiles},
		{"GET", files + "/path/{path...}", fileScope, viewer, false, a.fileByPath},
		{"PUT", files + "/path/{path...}", fileScope, editor, false, a.uploadByPath},
		{"DELETE", files + "/path/{path...}", fileScope, editor, false, a.deleteByPath},
		{"GET", files + "/{file}", fileScope, viewer, false, a.fileByID},
		{"PUT", files + "/{file}", fileScope, editor, false, a.updateByID},
		{"DELETE", files + "/{file}", fileScope, editor, false, a.deleteByID},
		{"GET", "/file/health_check", "", none, false, a.health},

		{"GET", discovery, discoveryScope, none, false, a.discover},
		{"GET", "/workspace" + discovery, discoveryScope, none, false, a.discover},

		{"GET", workspaces, workspaceScope, none, false, a.listWorkspaces},
		{"POST", workspaces, workspaceScope, none, false, a.createWorkspace},
		{"GET", workspaces + "/summary", workspaceScope, none, false, a.summarizeWorkspaces},
		{"GET", workspace, workspaceScope, viewer, true, a.getWorkspace},
		{"POST", workspace, workspaceScope, owner, true, a.restoreWorkspace},
		{"PATCH", workspace, workspaceScope, owner, false, a.updateWorkspace},
		{"DELETE", workspace, workspaceScope, owner, true, a.deleteWorkspace},
		{"GET", workspace + "/current-user-role", workspaceScope, viewer, false, a.currentRole},
		{"GET", workspace + "/users", workspaceScope, viewer, false, a.listUsers},
		{"POST", workspace + "/users", workspaceScope, editor, false, a.grantRole},
		{"DELETE", workspace + "/users/{user}", workspaceScope, editor, false, a.revokeRole},
		{"GET", "/workspace/health_check", "", none, false, a.health},
	}
}

// identify reads the ids in the path.
func (q *request) identify(values map[string]string) error {
	q.path = values["path"]
	for _, id := range []struct {
		name string
		into *coreshed.UUID
	}{{"org", &q.org}, {"workspace", &q.workspace}, {"file", &q.file}, {"user", &q.user}} {
		text, ok := values[id.name]
		if !ok {
			continue
		}
		var err error
		if *id.into, err = web.ParseID(text); err != nil {
			return coreshed.Errorf(coreshed.Invalid, "The id of the %s in the address is not a UUID.", id.name)
		}
		q.note(id.name, *id.into)
	}
	return nil
}

// cleanPath returns the path that the request names in the form in which files
// keep it.
func (q *request) cleanPath() (string, error) {
	decoded, err := url.PathUnescape(q.path)
	if err != nil {
		return "", coreshed.Errorf(coreshed.InvalidPath, "The path has a malformed percent-escape.")
	}
	path, err := coreshed.CleanPath(decoded)
	if err != nil || !q.checksSpaces() {
		return path, err
	}
	return path, coreshed.CheckSpaces(path)
}

// checksSpaces reports whether the caller has opted in to the refusal of white
// space at the ends of path segments.
func (q *request) checksSpaces() bool {
	const feature = "enable-no-leading-or-trailing-whitespaces-check"
	for _, name := range []string{"API-Preview", "Preview-API"} {
		for _, value := range q.Header.Values(name) {
			for f := range strings.SplitSeq(value, ",") {
				if strings.EqualFold(strings.TrimSpace(f), feature) {
					return true
				}
			}
		}
	}
	return false
}
