package blob

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// A part of a key is what rand.Text makes, at least 128 random bits in
// base32, in lower case because some file systems fold case.
const (
	partLen  = 26
	Alphabet = "abcdefghijklmnopqrstuvwxyz234567" // of both parts of a key
)

// NewPrefix returns a random prefix for the keys of all objects that one
// version ever writes.
func NewPrefix() string { return strings.ToLower(rand.Text()) }

// NewKey returns a new key "<prefix>/<name>" with a random name. It is never
// repeated, so nobody has to ask whether it is free.
func NewKey(prefix string) string { return prefix + "/" + strings.ToLower(rand.Text()) }

// ValidKey returns ErrInvalidKey unless key has the form that NewPrefix and
// NewKey give it. No such key can leave a folder or be a reserved name.
func ValidKey(key string) error {
	prefix, name, _ := strings.Cut(key, "/")
	if !validPart(prefix) || !validPart(name) {
		return fmt.Errorf("%w %q", ErrInvalidKey, key)
	}
	return nil
}

// ValidPrefix returns ErrInvalidKey unless prefix has the form that NewPrefix
// gives it.
func ValidPrefix(prefix string) error {
	if !validPart(prefix) {
		return fmt.Errorf("%w %q", ErrInvalidKey, prefix)
	}
	return nil
}

func validPart(s string) bool {
	return len(s) == partLen && strings.Trim(s, Alphabet) == ""
}
