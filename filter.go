package coreshed

import "time"

// Filter says which files of a workspace are wanted. The zero Filter is every
// live file.
type Filter struct {
	Deleted bool // deleted files alone, instead of live ones

	CreatedBy, ModifiedBy, DeletedBy *UUID
	Created, Modified, DeletedAt     TimeRange

	// Name matches files whose name, not folder, contains it without regard to
	// case. Folder matches files whose path begins with it.
	Name   string
	Folder string
}

// IsZero reports whether the filter asks for nothing but live or deleted.
func (f Filter) IsZero() bool {
	f.Deleted = false
	return f == Filter{}
}

// TimeRange is the half-open range [From, Until) in microseconds since the
// epoch; nil is unbounded.
type TimeRange struct{ From, Until *int64 }

// Micros returns t in microseconds since the epoch, as filters and rows hold it.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// OrderField is a field that files are sorted by.
type OrderField string

// The fields that files are sorted by. The row's id is always the last key, so
// that every order is total.
const (
	ByCreated  OrderField = "created_at"
	ByModified OrderField = "modified_at"
	ByDeleted  OrderField = "deleted_at"
)

// Order is one sort key.
type Order struct {
	Field OrderField
	Desc  bool
}

// Page is a slice of a sorted list.
type Page struct{ Offset, Limit int64 }
