package evoapi

import (
	"cmp"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
)

type fileList struct {
	Count  int          `json:"count"`
	Total  int64        `json:"total"`
	Limit  int64        `json:"limit"`
	Offset int64        `json:"offset"`
	Links  pageLinks    `json:"links"`
	Files  []listedFile `json:"files"`
}

type pageLinks struct {
	Self string  `json:"self"`
	Next *string `json:"next"`
	Prev *string `json:"prev"`
}

// fileFields are what a file says of itself everywhere.
type fileFields struct {
	FileID     coreshed.UUID `json:"file_id"`
	Name       string        `json:"name"`
	Path       string        `json:"path"`
	VersionID  string        `json:"version_id"`
	Size       int64         `json:"size"`
	ETag       string        `json:"etag"`
	CreatedAt  string        `json:"created_at"`
	CreatedBy  *user         `json:"created_by"`
	ModifiedAt string        `json:"modified_at"`
	ModifiedBy *user         `json:"modified_by"`
	DeletedAt  *string       `json:"deleted_at"`
	DeletedBy  *user         `json:"deleted_by"`
}

type listedFile struct {
	fileFields
	Links selfLink `json:"links"`
}

type selfLink struct {
	Self string `json:"self"`
}

type downloadFile struct {
	fileFields
	Download string         `json:"download"`
	Self     string         `json:"self"`
	Versions *[]fileVersion `json:"versions"`
}

type fileVersion struct {
	FileID    coreshed.UUID `json:"file_id"`
	VersionID string        `json:"version_id"`
	Name      string        `json:"name"`
	Path      string        `json:"path"`
	Size      int64         `json:"size"`
	CreatedAt string        `json:"created_at"`
	CreatedBy *user         `json:"created_by"`
	Link      string        `json:"link"`
}

type uploadFile struct {
	FileID    coreshed.UUID `json:"file_id"`
	VersionID string        `json:"version_id"`
	Upload    string        `json:"upload"`
}

type user struct {
	ID    coreshed.UUID `json:"id"`
	Name  *string       `json:"name"`
	Email *string       `json:"email"`
}

func fieldsOf(f coreshed.File) fileFields {
	folder, name := coreshed.SplitPath(f.Path)
	fields := fileFields{
		FileID: f.UUID, Name: name, Path: folder, VersionID: decimal(f.Version.VersionID),
		Size: f.Version.Size, ETag: f.Version.ETag,
		CreatedAt: timestamp(f.CreatedAt), CreatedBy: userOf(f.CreatedBy),
		ModifiedAt: timestamp(f.ModifiedAt), ModifiedBy: userOf(f.ModifiedBy),
	}
	if f.Deleted() {
		at := timestamp(f.DeletedAt)
		fields.DeletedAt, fields.DeletedBy = &at, userOf(f.DeletedBy)
	}
	return fields
}

func userOf(p coreshed.Person) *user {
	if p.ID == (coreshed.UUID{}) {
		return nil
	}
	return &user{ID: p.ID, Name: known(p.Name), Email: known(p.Email)}
}

// known is nil for text that is not known.
func known[T cmp.Ordered](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// timestamp has microseconds always, so that times sort as text too.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// decimal writes a version id, which is text on the wire: many readers of JSON
// lose digits of large numbers.
func decimal(n int64) string { return strconv.FormatInt(n, 10) }
