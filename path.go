package coreshed

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Limits of an address, in code points.
const (
	MaxNameLength = 255
	MaxPathLength = 2048
)

// CleanPath turns a decoded path into the form in which a File keeps it: no
// leading slash, single slashes between segments, spelling kept. It fails with
// InvalidPath when nothing is left, and for a trailing slash, a segment "." or
// "..", a control character, invalid UTF-8, and a name or path that is too
// long.
func CleanPath(raw string) (string, error) {
	if !utf8.ValidString(raw) {
		return "", Errorf(InvalidPath, "The path is not valid UTF-8.")
	}
	if strings.ContainsFunc(raw, unicode.IsControl) {
		return "", Errorf(InvalidPath, "The path contains a control character.")
	}
	segments := strings.FieldsFunc(raw, func(r rune) bool { return r == '/' })
	if len(segments) == 0 {
		return "", Errorf(InvalidPath, "The path is empty.")
	}
	if strings.HasSuffix(raw, "/") {
		return "", Errorf(InvalidPath, "The path ends with a slash; a file needs a name.")
	}
	for _, s := range segments {
		if s == "." || s == ".." {
			return "", Errorf(InvalidPath, "The path contains the segment %q.", s)
		}
	}
	path := strings.Join(segments, "/")
	return path, checkLength(path, segments[len(segments)-1])
}

func checkLength(path, name string) error {
	if utf8.RuneCountInString(name) > MaxNameLength {
		return Errorf(InvalidPath, "File name is too long, must be less than %d characters", MaxNameLength+1)
	}
	if utf8.RuneCountInString(path) > MaxPathLength {
		return Errorf(InvalidPath, "The path is too long, must be at most %d characters", MaxPathLength)
	}
	return nil
}

// CheckSpaces fails with InvalidPath when a segment of a clean path starts or
// ends with white space. Callers opt in to this check.
func CheckSpaces(path string) error {
	for s := range strings.SplitSeq(path, "/") {
		if s != strings.TrimSpace(s) {
			return Errorf(InvalidPath, "Object names or path segments starting with or ending with a space (' ') are not permitted.")
		}
	}
	return nil
}

// FoldPath returns the key by which two spellings of a path, or of a name, are
// the same: Unicode NFC, full case folding, and NFC again, since folding can
// leave a composable pair behind.
func FoldPath(path string) string {
	// cases.Caser keeps state, so each call has its own.
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(path)))
}

// SplitPath cuts a clean path into its folder and its name. The folder has a
// leading and a trailing slash: "/" or "/A/B/".
func SplitPath(path string) (folder, name string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "/", path
	}
	return "/" + path[:i+1], path[i+1:]
}

// NumberedPath returns the nth alternative of a clean path whose address is
// taken: " (n)" before the extension. The name is cut where the number would
// make it or the path too long, the extension kept. Only a folder that leaves
// no room for a name and a number gives a path that is too long.
func NumberedPath(path string, n int) string {
	folder, name := SplitPath(path)
	base, ext := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		base, ext = name[:i], name[i:]
	}
	suffix := " (" + strconv.Itoa(n) + ")"
	most := min(MaxNameLength, MaxPathLength-utf8.RuneCountInString(folder)+1) - len(suffix)
	room := most - utf8.RuneCountInString(ext)
	if room < 1 {
		// The "extension" is most of the name, so it is not worth keeping whole.
		base, ext, room = name, "", max(most, 1)
	}
	if runes := []rune(base); len(runes) > room {
		base = string(runes[:room])
	}
	return folder[1:] + base + suffix + ext
}
