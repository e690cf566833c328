package evoapi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) listFiles(w http.ResponseWriter, q *request) error {
	filter, order, page, err := filesWanted(q.query)
	if err != nil {
		return err
	}
	found, total, err := a.DB.Files(q.Context(), q.access, filter, order, page)
	if err != nil {
		return err
	}
	list := fileList{
		Count: len(found), Total: total, Limit: page.Limit, Offset: page.Offset,
		Links: q.pageLinks(page, total), Files: make([]listedFile, len(found)),
	}
	base := q.filesURL()
	for i, f := range found {
		list.Files[i] = listedFile{fieldsOf(f), selfLink{fileURL(base, f)}}
	}
	return web.JSON(w, http.StatusOK, list)
}

func (a *api) fileByID(w http.ResponseWriter, q *request) error {
	version, err := versionID(q.query, "version_id", "version")
	if err != nil {
		return err
	}
	deleted, err := web.Bool(q.query, "deleted", false)
	if err != nil {
		return err
	}
	versions, err := web.Bool(q.query, "include_versions", false)
	if err != nil {
		return err
	}
	f, err := a.DB.FileByID(q.Context(), q.access, q.file, version)
	if err != nil {
		return err
	}
	if f.Deleted() && !deleted {
		return coreshed.Errorf(coreshed.Gone, "The file has been deleted; it can be restored.")
	}
	return a.present(w, q, f, version != 0, versions)
}

func (a *api) fileByPath(w http.ResponseWriter, q *request) error {
	version, err := versionID(q.query, "version_id", "version")
	if err != nil {
		return err
	}
	versions, err := web.Bool(q.query, "include_versions", false)
	if err != nil {
		return err
	}
	path, err := q.cleanPath()
	if err != nil {
		return err
	}
	f, err := a.DB.FileByPath(q.Context(), q.access, path, version)
	if err != nil {
		return err
	}
	return a.present(w, q, f, version != 0, versions)
}

// present answers with a file whose bytes can be had.
func (a *api) present(w http.ResponseWriter, q *request, f coreshed.File, chosen, versions bool) error {
	if q.path != "" {
		q.note("file", f.UUID)
	}
	if !f.Version.State.Served() {
		return coreshed.Errorf(coreshed.Gone, "The bytes of this version are not available: %s.", f.Version.State)
	}
	return a.show(w, q, http.StatusOK, f, chosen, versions)
}

// show answers with a file and where to download the version it comes with.
// When that version was chosen, its author and time are the modification's.
func (a *api) show(w http.ResponseWriter, q *request, status int, f coreshed.File, chosen, versions bool) error {
	if chosen {
		f.ModifiedAt, f.ModifiedBy = f.Version.CreatedAt, f.Version.CreatedBy
	}
	fields := fieldsOf(f)
	fields.Path = pathField(q, f)
	body := downloadFile{fileFields: fields, Self: fileURL(q.filesURL(), f)}
	var err error
	body.Download, err = a.Signer.Download(q.Context(), q.origin, q.blob(f.UUID, f.Version.VersionID), fields.Name, f.Deleted())
	if err != nil {
		return err
	}
	if versions {
		if body.Versions, err = a.versions(q, f); err != nil {
			return err
		}
	}
	return web.JSON(w, status, body)
}

func (a *api) versions(q *request, f coreshed.File) (*[]fileVersion, error) {
	found, err := a.DB.Versions(q.Context(), q.access, f.ID)
	if err != nil {
		return nil, err
	}
	list := make([]fileVersion, len(found))
	for i, v := range found {
		_, name := coreshed.SplitPath(v.Path)
		list[i] = fileVersion{
			FileID: v.UUID, VersionID: decimal(v.Version.VersionID), Name: name, Path: pathField(q, v),
			Size: v.Version.Size, CreatedAt: timestamp(v.Version.CreatedAt), CreatedBy: userOf(v.Version.CreatedBy),
			Link: versionURL(q.filesURL(), v),
		}
	}
	return &list, nil
}

// pathField is the folder of a file, with one exception: the published Python
// client up to evo-files 0.2 takes the parent of what these two endpoints send,
// so that only the full path makes it show the right one. The list of files it
// reads as it is.
func pathField(q *request, f coreshed.File) string {
	name, version, _ := strings.Cut(q.Header.Get("Evo-SDK-Source"), "@")
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(minor)
	if name == "evo-files" && major == "0" && err == nil && n <= 2 {
		return "/" + f.Path
	}
	folder, _ := coreshed.SplitPath(f.Path)
	return folder
}

func (q *request) blob(file coreshed.UUID, version int64) signedurl.Blob {
	return signedurl.Blob{Workspace: q.workspace, File: file, VersionID: version}
}

// filesURL is the address of the workspace's files.
func (q *request) filesURL() string {
	return q.origin + strings.NewReplacer("{org}", q.org.String(), "{workspace}", q.workspace.String()).Replace(files)
}

// fileURL is where a file is found: by its path while it is live.
func fileURL(base string, f coreshed.File) string {
	if f.Deleted() {
		return base + "/" + f.UUID.String() + "?deleted=true"
	}
	return base + "/path/" + (&url.URL{Path: f.Path}).EscapedPath()
}

// versionURL is where a file is found with the version it comes with.
func versionURL(base string, f coreshed.File) string {
	u := base + "/" + f.UUID.String() + "?version_id=" + decimal(f.Version.VersionID)
	if f.Deleted() {
		u += "&deleted=true"
	}
	return u
}

// pageLinks are the links of a page of files, with all that was asked for.
func (q *request) pageLinks(page coreshed.Page, total int64) pageLinks {
	links := pageLinks{Self: q.pageURL(page, page.Offset)}
	if total-page.Offset > page.Limit {
		next := q.pageURL(page, page.Offset+page.Limit)
		links.Next = &next
	}
	if page.Offset > 0 {
		prev := q.pageURL(page, max(page.Offset-page.Limit, 0))
		links.Prev = &prev
	}
	return links
}

// pageURL is the address of the page of the same list that begins at offset.
func (q *request) pageURL(page coreshed.Page, offset int64) string {
	values := url.Values{}
	for name, v := range q.query {
		values[name] = v
	}
	values.Set("limit", decimal(page.Limit))
	values.Set("offset", decimal(offset))
	return q.origin + q.URL.EscapedPath() + "?" + values.Encode()
}
