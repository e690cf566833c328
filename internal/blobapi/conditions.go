package blobapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// conditions are those of a request's headers.
type conditions struct {
	match, noneMatch     string // as sent; "" is none
	modified, unmodified time.Time
}

func readConditions(h http.Header) (conditions, error) {
	c := conditions{match: strings.Join(h["If-Match"], ","), noneMatch: strings.Join(h["If-None-Match"], ",")}
	var err error
	if c.modified, err = readTime(h, "If-Modified-Since"); err != nil {
		return c, err
	}
	c.unmodified, err = readTime(h, "If-Unmodified-Since")
	return c, err
}

func readTime(h http.Header, name string) (time.Time, error) {
	text := h.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := http.ParseTime(text)
	if err != nil {
		return t, invalidHeader(name, "an HTTP date")
	}
	return t, nil
}

func (c conditions) none() bool { return c == conditions{} }

// outcome is what conditions say of a blob.
type outcome int

const (
	met         outcome = iota
	notMet              // If-Match or If-Unmodified-Since
	notModified         // If-None-Match and If-Modified-Since, those that were given
)

// check evaluates as Azure Storage does: If-Match and If-Unmodified-Since and
// (If-None-Match or If-Modified-Since). The two times have whole seconds, so
// the blob's counts to the second.
func (c conditions) check(v coreshed.Version) outcome {
	changed := v.CreatedAt.Truncate(time.Second)
	if c.match != "" && !matches(c.match, v.ETag, false) {
		return notMet
	}
	if !c.unmodified.IsZero() && changed.After(c.unmodified) {
		return notMet
	}
	other := c.noneMatch != "" && !matches(c.noneMatch, v.ETag, true)
	newer := !c.modified.IsZero() && changed.After(c.modified)
	if (c.noneMatch != "" || !c.modified.IsZero()) && !other && !newer {
		return notModified
	}
	return met
}

// forRead fails when a blob is not to be sent.
func (c conditions) forRead(v coreshed.Version) error {
	switch c.check(v) {
	case notModified:
		r := refuse(http.StatusNotModified, "ConditionNotMet", "%s", conditionNotMet)
		r.header = http.Header{"Etag": {v.ETag}, "Last-Modified": {httpTime(v.CreatedAt)}}
		return r
	case notMet:
		return refuse(http.StatusPreconditionFailed, "ConditionNotMet", "%s", conditionNotMet)
	}
	return nil
}

// forWrite fails when a blob is not to be written; exists says whether it has
// been committed.
func (c conditions) forWrite(v coreshed.Version, exists bool) error {
	switch {
	case exists && strings.TrimSpace(c.noneMatch) == "*":
		return refuse(http.StatusConflict, "BlobAlreadyExists", "The specified blob already exists.")
	case exists && c.check(v) == met, !exists && c.match == "":
		return nil
	}
	return refuse(http.StatusPreconditionFailed, "ConditionNotMet", "%s", conditionNotMet)
}

const conditionNotMet = "The condition specified using HTTP conditional header(s) is not met."

// matches reports whether a list of entity tags has the tag. Tags without
// quotes count as tags, too. A weak one is the same only for weak comparison
// (RFC 9110 §8.8.3.2).
func matches(list, tag string, weak bool) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if weak {
			one = strings.TrimPrefix(one, "W/")
		}
		if one == "*" || one == tag || `"`+one+`"` == tag {
			return true
		}
	}
	return false
}

func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
