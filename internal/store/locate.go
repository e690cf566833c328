package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/openlineage"
)

// locator finds what names of data sets lead to, in the live workspaces of a
// view. What is not there and what the view does not show look the same.
type locator struct {
	view       coreshed.View
	hosts      []string // of this server, as in coreshed://HOST/WORKSPACE
	workspaces []locatedWorkspace
}

// locatedWorkspace is a workspace with where its folder or bucket lies.
type locatedWorkspace struct {
	id          int64
	uuid        coreshed.UUID
	name, title string
	scheme      string // of the storage: "file", "s3", or "" for none
	host        string // the bucket; of a file, the server that exports it, or ""
	root        string // clean path of the folder
}

// place is a path in a workspace. In storage it is a storage path, else an
// address; each is tried for the other.
type place struct {
	workspace int64
	path      string
	storage   bool
}

func newLocator(ctx context.Context, t tx, view coreshed.View, hosts []string) (*locator, error) {
	l := &locator{view: view, hosts: hosts}
	rows, err := all(ctx, t, func(rows *sql.Rows) (locatedWorkspace, error) {
		var w locatedWorkspace
		var configuration sql.NullString
		err := rows.Scan(&w.id, &w.uuid, &w.name, &w.title, &configuration)
		w.locate(configuration.String)
		return w, err
	}, `SELECT id, uuid, name, title, configuration FROM workspaces WHERE org_id = $1 AND deleted_at IS NULL ORDER BY id`, view.Org)
	for _, w := range rows {
		if view.Sees(w.id) {
			l.workspaces = append(l.workspaces, w)
		}
	}
	return l, err
}

// locate reads from the configuration of a broker where its storage lies.
func (w *locatedWorkspace) locate(configuration string) {
	var c struct {
		Broker struct {
			HostPath string `json:"host_path"`
			NFSPath  string `json:"nfs_path"`
			Bucket   string `json:"bucket_name"`
		} `json:"broker"`
	}
	if json.Unmarshal([]byte(configuration), &c) != nil {
		return // none, or one that says nothing of it
	}
	switch {
	case c.Broker.Bucket != "":
		w.scheme, w.host = "s3", c.Broker.Bucket
	case c.Broker.HostPath != "":
		w.scheme, w.root = "file", path.Clean(c.Broker.HostPath)
	case c.Broker.NFSPath != "":
		host, dir, _ := strings.Cut(c.Broker.NFSPath, ":")
		w.scheme, w.host, w.root = "file", strings.ToLower(host), path.Clean("/"+dir)
	}
}

// places returns where a name may lead, likeliest first.
func (l *locator) places(n openlineage.Name) []place {
	if n.Namespace == "file" { // of this machine, in the words of OpenLineage
		return l.inStorage("file", "", n.Name)
	}
	u, err := url.Parse(n.Namespace)
	if err != nil {
		return nil
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "coreshed":
		if w := l.named(strings.Trim(u.Path, "/")); w != 0 && slices.Contains(l.hosts, host) {
			return []place{{w, n.Name, false}}
		}
	case "file":
		full := n.Name
		if u.Path != "" && !within(path.Clean(u.Path), path.Clean(full)) {
			full = u.Path + "/" + n.Name
		}
		return l.inStorage("file", host, full)
	case "s3", "s3a", "s3n":
		return l.inStorage("s3", u.Host, strings.TrimPrefix(u.Path+"/"+n.Name, "/"))
	}
	return nil
}

// named finds a workspace by UUID, name, title, or the name that its title gives
// it; 0 when there is none.
func (l *locator) named(text string) int64 {
	id, err := uuid.Parse(text)
	for _, is := range []func(locatedWorkspace) bool{
		func(w locatedWorkspace) bool { return err == nil && w.uuid == id },
		func(w locatedWorkspace) bool { return w.name == text },
		func(w locatedWorkspace) bool { return coreshed.FoldPath(w.title) == coreshed.FoldPath(text) },
		func(w locatedWorkspace) bool { return titleSlug(w.title) == text && text != titleSlug("") },
	} {
		if i := slices.IndexFunc(l.workspaces, is); i >= 0 {
			return l.workspaces[i].id
		}
	}
	return 0
}

// inStorage finds the workspaces in whose storage something lies; of folders in
// folders the innermost is the first.
func (l *locator) inStorage(scheme, host, full string) []place {
	var found []place
	roots := map[int64]int{}
	for _, w := range l.workspaces {
		if w.scheme != scheme || w.host != host {
			continue
		}
		inner := strings.TrimPrefix(full, "/")
		if scheme == "file" {
			if full = path.Clean("/" + full); !within(w.root, full) {
				continue
			}
			inner = strings.TrimPrefix(strings.TrimPrefix(full, w.root), "/")
		}
		roots[w.id] = len(w.root)
		found = append(found, place{w.id, inner, true})
	}
	slices.SortStableFunc(found, func(a, b place) int { return roots[b.workspace] - roots[a.workspace] })
	return found
}

func within(root, full string) bool {
	return root == "/" || full == root || strings.HasPrefix(full, root+"/")
}

// placesOf returns where a data set may be, of the workspaces in which the view
// has at least role.
func (l *locator) placesOf(d openlineage.Dataset, role coreshed.Role) []place {
	var found []place
	for _, n := range d.Names() {
		for _, p := range l.places(n) {
			if l.view.Roles[p.workspace].AtLeast(role) {
				found = append(found, p)
			}
		}
	}
	return found
}

// find returns the version that a data set is in one of these places: the one
// that it names, else the current one, and its workspace. Zero when none is
// there.
func find(ctx context.Context, t tx, d openlineage.Dataset, places []place) (openlineage.Pin, int64, error) {
	text, _ := d.Version()
	var version int64
	if text != "" {
		var err error
		if version, err = strconv.ParseInt(text, 10, 64); err != nil || version <= 0 {
			return openlineage.Pin{}, 0, nil //nolint:nilerr // another system's version
		}
	}
	for _, p := range places {
		pin, err := p.version(ctx, t, version)
		if !errors.Is(err, coreshed.NotFound) {
			return pin, p.workspace, err
		}
	}
	return openlineage.Pin{}, 0, nil
}

// version finds a version at a place by its row id or its version id; 0 is the
// current one. One that is named is found although its file is deleted.
func (p place) version(ctx context.Context, t tx, version int64) (openlineage.Pin, error) {
	tries := []func(context.Context, tx, int64) (openlineage.Pin, error){p.address, p.stored}
	if p.storage {
		slices.Reverse(tries)
	}
	if version != 0 {
		tries = append(tries, p.byRow, p.deleted)
	}
	for _, try := range tries {
		if pin, err := try(ctx, t, version); !errors.Is(err, coreshed.NotFound) {
			return pin, err
		}
	}
	return openlineage.Pin{}, coreshed.NotFound
}

func scanPin(rows *sql.Rows) (openlineage.Pin, error) {
	var p openlineage.Pin
	return p, rows.Scan(&p.Version, &p.File)
}

// key is what a live file with that address is found by. What cannot be an
// address is none.
func (p place) key() []byte {
	clean, err := coreshed.CleanPath(p.path)
	if err != nil {
		return []byte{}
	}
	return Address(clean)
}

func (p place) address(ctx context.Context, t tx, version int64) (openlineage.Pin, error) {
	return one(ctx, t, scanPin, `SELECT v.id, f.id FROM files f JOIN versions v ON v.file_id = f.id
		WHERE f.workspace_id = $1 AND f.address = $2 AND f.deleted_at IS NULL AND f.current_id IS NOT NULL
		AND (v.version_id = $3 OR v.id = $3 OR 0 = $3 AND v.id = f.current_id)`, p.workspace, p.key(), version)
}

func (p place) stored(ctx context.Context, t tx, version int64) (openlineage.Pin, error) {
	return one(ctx, t, scanPin, `SELECT v.id, f.id FROM versions v JOIN files f ON f.id = v.file_id
		WHERE v.workspace_id = $1 AND v.place = $2 AND f.deleted_at IS NULL AND (v.version_id = $3 OR v.id = $3 OR 0 = $3)
		ORDER BY v.id DESC LIMIT 1`, p.workspace, placeKey(p.path), version)
}

func (p place) byRow(ctx context.Context, t tx, version int64) (openlineage.Pin, error) {
	return one(ctx, t, scanPin, `SELECT v.id, f.id FROM versions v JOIN files f ON f.id = v.file_id
		WHERE v.id = $1 AND v.workspace_id = $2 AND (f.address = $3 OR v.place = $4)`, version, p.workspace, p.key(), placeKey(p.path))
}

// deleted finds a version by its version id in the files that had the address,
// or lay at the place, and are deleted.
func (p place) deleted(ctx context.Context, t tx, version int64) (openlineage.Pin, error) {
	const gone = `SELECT v.id, f.id FROM versions v JOIN files f ON f.id = v.file_id WHERE f.deleted_at IS NOT NULL AND v.version_id = $1 AND `
	const newest = ` ORDER BY f.id DESC LIMIT 1`
	_, name := coreshed.SplitPath(p.path)
	// By name: files are found by their address only while they are live. The
	// sum keeps SQLite from the index of the whole workspace.
	pin, err := one(ctx, t, scanPin, gone+`v.workspace_id + 0 = $2 AND v.name_key = $3 AND f.address = $4`+newest,
		version, p.workspace, coreshed.FoldPath(name), p.key())
	if errors.Is(err, coreshed.NotFound) {
		return one(ctx, t, scanPin, gone+`v.workspace_id = $2 AND v.place = $3`+newest, version, p.workspace, placeKey(p.path))
	}
	return pin, err
}
