package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// Files are the files of one workspace.
type Files struct {
	c         *Client
	base      string // of their URLs
	workspace coreshed.UUID
}

// Client returns the client that the files were taken from.
func (f *Files) Client() *Client { return f.c }

// Workspace is the id of the files' workspace.
func (f *Files) Workspace() coreshed.UUID { return f.workspace }

// Ref names a file, by path or by id.
type Ref struct {
	path string
	id   coreshed.UUID
}

// Path names the live file at a path. A slash at its start means nothing.
func Path(path string) Ref { return Ref{path: path} }

// ID names a file by its id.
func ID(id coreshed.UUID) Ref { return Ref{id: id} }

// String is the path or the id.
func (r Ref) String() string {
	if r.byID() {
		return r.id.String()
	}
	return r.path
}

func (r Ref) byID() bool { return r.id != coreshed.UUID{} }

func (f *Files) url(r Ref) string {
	if r.byID() {
		return f.base + "/" + r.id.String()
	}
	return f.base + "/path/" + escapePath(strings.TrimLeft(r.path, "/"))
}

// File is a file with one of its versions: the current one, or the one that
// was asked for.
type File struct {
	ID        coreshed.UUID `json:"file_id"`
	Path      string        `json:"path"` // folder and name, without a slash at the start
	VersionID int64         `json:"version_id,string"`
	Size      int64         `json:"size"`
	ETag      string        `json:"etag"`

	CreatedAt  time.Time `json:"created_at"`
	CreatedBy  Person    `json:"created_by"`
	ModifiedAt time.Time `json:"modified_at"`
	ModifiedBy Person    `json:"modified_by"`
	DeletedAt  time.Time `json:"deleted_at,omitzero"`
	DeletedBy  Person    `json:"deleted_by,omitzero"`

	// Versions are all versions, the newest first, when they were asked for.
	Versions []Version `json:"versions,omitempty"`

	download string // signed URL; "" in lists
}

// Version is one content of a file.
type Version struct {
	VersionID int64     `json:"version_id,string"`
	Size      int64     `json:"size"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy Person    `json:"created_by"`
}

// Person is how the server names a user. Name and Email may be unknown.
type Person struct {
	ID    coreshed.UUID `json:"id"`
	Name  string        `json:"name,omitempty"`
	Email string        `json:"email,omitempty"`
}

// UnmarshalJSON reads a file as the server sends it, where the path is that of
// the folder and the name stands beside it.
func (f *File) UnmarshalJSON(b []byte) error {
	type plain File
	wire := struct {
		*plain
		Name     string `json:"name"`
		Download string `json:"download"`
	}{plain: (*plain)(f)}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	if wire.Name != "" {
		f.Path = strings.TrimLeft(f.Path+wire.Name, "/")
	}
	f.download = wire.Download
	return nil
}

// GetOptions say what to get of a file. The zero value is its current version.
type GetOptions struct {
	VersionID int64 // 0 is the current one
	Versions  bool  // fill File.Versions
	Deleted   bool  // find a deleted file too; by id only
}

func (o GetOptions) query(r Ref) url.Values {
	q := url.Values{}
	if o.VersionID != 0 {
		q.Set("version_id", strconv.FormatInt(o.VersionID, 10))
	}
	if o.Versions {
		q.Set("include_versions", "true")
	}
	if o.Deleted && r.byID() {
		q.Set("deleted", "true")
	}
	return q
}

// Get returns a file. NotFound when there is none, or no such version; Gone
// when it is deleted and named by its id.
func (f *Files) Get(ctx context.Context, r Ref, o GetOptions) (File, error) {
	var file File
	_, err := f.c.do(ctx, call{method: http.MethodGet, path: f.url(r), query: o.query(r), want: []int{http.StatusOK}}, &file)
	return file, err
}

// Delete deletes a file with all its versions. It can be restored. To delete
// one again by id changes nothing; by path only a live file is found.
func (f *Files) Delete(ctx context.Context, r Ref) error {
	_, err := f.c.do(ctx, call{method: http.MethodDelete, path: f.url(r), want: []int{http.StatusNoContent}}, nil)
	return err
}

// Restore makes a deleted file live again and returns it. When its path has
// been taken meanwhile, it comes back as "name (1).ext".
func (f *Files) Restore(ctx context.Context, id coreshed.UUID) (File, error) {
	var file File
	status, err := f.c.do(ctx, call{
		method: http.MethodPut, path: f.url(ID(id)), query: url.Values{"deleted": {"false"}},
		want: []int{http.StatusNoContent, http.StatusSeeOther},
	}, &file)
	if err != nil || status == http.StatusSeeOther {
		return file, err
	}
	return f.Get(ctx, ID(id), GetOptions{})
}
