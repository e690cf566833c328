package openlineage

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Unversioned is the version of a job that does not say any.
const Unversioned = "unversioned"

// maxSlug is the longest name of a job type or recipe type.
const maxSlug = 50

// Slug names the type that jobs of a namespace and name belong to, in a form
// that fits into paths: NAMESPACE-NAME, in lower case. Where that would not
// tell two jobs apart, eight digits of a hash follow.
func Slug(namespace, name string) string {
	slug := slugOf(namespace) + "-" + slugOf(name)
	if plain(namespace) && plain(name) && len(slug) <= maxSlug {
		return slug
	}
	sum := sha256.Sum256([]byte(namespace + "\x00" + name))
	return strings.TrimRight(slug[:min(len(slug), maxSlug-9)], "-") + "-" + hex.EncodeToString(sum[:4])
}

// plain reports whether a text is one word, whose slug is itself.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !inSlug(r) })
}

func inSlug(r rune) bool { return r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }

func slugOf(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !inSlug(r) })
	return strings.Join(words, "-")
}

// JobVersion returns the version of the job that runs: the tag, or else the
// revision, of its source code.
func (f Latest) JobVersion() string {
	var facet struct {
		Tag     string `json:"tag"`
		Version string `json:"version"`
	}
	read(f.get("sourceCodeLocation"), &facet)
	for _, v := range []string{facet.Tag, facet.Version} {
		if v = versionOf(v); v != "" {
			return v
		}
	}
	return Unversioned
}

// versionOf keeps what fits into a path.
func versionOf(v string) string {
	v = strings.Map(func(r rune) rune {
		if inSlug(r) || r >= 'A' && r <= 'Z' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, v)
	return strings.Trim(v[:min(len(v), maxSlug)], "-.")
}

// Description returns what the job's documentation says.
func (f Latest) Description() string {
	var facet struct {
		Description string `json:"description"`
	}
	read(f.get("documentation"), &facet)
	return strings.ReplaceAll(facet.Description, "\x00", "")
}
