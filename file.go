package coreshed

import "time"

// File is an address in a workspace with the series of versions found there.
type File struct {
	ID   int64
	UUID UUID
	Path string // clean, as first spelt; see CleanPath

	Version Version // the current version, or the one that was asked for

	CreatedAt, ModifiedAt time.Time
	CreatedBy, ModifiedBy Person
	DeletedAt             time.Time // zero while live
	DeletedBy             Person
}

// Deleted reports whether the file, with all its versions, is deleted.
func (f File) Deleted() bool { return !f.DeletedAt.IsZero() }

// Version is one immutable content of a File.
type Version struct {
	ID        int64 // of the row, unique in the store for ever
	VersionID int64 // unique in its File; nanoseconds of the upload's reservation
	CreatedAt time.Time
	CreatedBy Person

	Size    int64
	ETag    string // with its double quotes, as HTTP has it
	Headers BlobHeaders
	SHA256  []byte // of the whole; nil until known
	MD5     []byte // of the whole; nil until known
	State   ByteState

	Superseded bool // a later version of the File has been committed
}

// BlobHeaders are the properties that an uploader gives and a download repeats.
type BlobHeaders struct {
	ContentType, ContentEncoding, ContentLanguage, ContentDisposition, CacheControl string
}

// DefaultContentType is the media type of bytes of which nothing is known.
const DefaultContentType = "application/octet-stream"

// ByteState says where a version's bytes are.
type ByteState string

// The byte states. Versions in the last three are not served.
const (
	Kept           ByteState = "kept"            // in the blob store
	InPlace        ByteState = "in place"        // in a folder or bucket that others own
	ChangedOutside ByteState = "changed outside" // not what was recorded
	Missing        ByteState = "missing"         // cannot be found
	Removed        ByteState = "removed"         // taken out on purpose
)

// Served reports whether bytes in this state may be read.
func (s ByteState) Served() bool { return s == Kept || s == InPlace }

// Extent is a run of a version's bytes: one immutable object of the blob
// store. A version's bytes are its extents in order.
type Extent struct {
	Block  string // block id as the client named it; "" for a whole body
	Offset int64  // in the version
	Size   int64
	Key    string // of the object
	SHA256 []byte
}

// Block is a staged piece of an upload.
type Block struct {
	ID   string // base64, as the client sent it
	Size int64
}

// Reservation is an upload in progress: a file and version id that become
// visible when the upload commits.
type Reservation struct {
	ID        int64
	FileUUID  UUID
	VersionID int64
	Path      string
	Prefix    string // of the keys of every object that this upload writes
	CreatedBy UUID
	StagedAt  time.Time // of the last staged block, or of the reservation
}
