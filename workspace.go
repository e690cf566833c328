package coreshed

import (
	"time"

	"github.com/google/uuid"
)

// UUID identifies organisations, workspaces, files and people on the wire.
type UUID = uuid.UUID

// Organisation is a tenant.
type Organisation struct {
	ID        UUID
	Name      string
	CreatedAt time.Time
}

// Workspace holds files. Rows refer to it by its integer id; APIs by UUID.
type Workspace struct {
	ID    int64
	UUID  UUID
	OrgID UUID

	// Title is free text of 1 to 60 characters, unique without regard to case
	// among the live workspaces of the organisation. Name is a slug of at most
	// 50 characters made from the first title, and never changes.
	Title string
	Name  string

	Description      string
	BoundingBox      string // GeoJSON polygon coordinates as sent, or ""
	CoordinateSystem string
	Labels           []string
	BaseURL          string // under which others serve its folders, or ""

	CreatedAt, UpdatedAt time.Time
	CreatedBy, UpdatedBy Person
	DeletedAt            time.Time // zero while live

	Quota int64 // bytes; 0 is no limit
	Used  int64 // bytes of all versions that are kept, deleted files and staged blocks included
	Role  Role  // the caller's own; NoRole for an admin without one

	Retention time.Duration // for which deleted files are kept; 0 is for ever
}

// Deleted reports whether the workspace is deleted.
func (w Workspace) Deleted() bool { return !w.DeletedAt.IsZero() }

// WorkspaceEdit changes the fields that are not nil.
type WorkspaceEdit struct {
	Title, Description, BoundingBox, CoordinateSystem *string
	Labels                                            *[]string
	Quota                                             *int64
	Retention                                         *time.Duration // whole seconds; 0 is for ever
}

// MaxTitleLength is the longest title of a workspace, in code points.
const MaxTitleLength = 60
