package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/coreshed/coreshed"
)

// Rule says which files are taken, and what becomes of them.
type Rule struct {
	Tags         []string // added to the file's
	NewWorkspace string   // another one, by name; "" leaves it where it is
	NewPath      string   // clean and relative; "" keeps its path

	regex *regexp.Regexp
}

// parseRules reads the rules for the files of a workspace.
func parseRules(d document, workspace string) ([]Rule, error) {
	raw, _ := d.raw("files_to_ingest")
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil, invalid("files_to_ingest must be a list that is not empty")
	}
	rules := make([]Rule, len(list))
	for i, raw := range list {
		var err error
		if rules[i], err = parseRule(fmt.Sprintf("files_to_ingest[%d].", i), raw); err != nil {
			return nil, err
		}
		if rules[i].NewWorkspace == workspace {
			rules[i].NewWorkspace = "" // a copy would be found, and copied, again
		}
	}
	return rules, nil
}

func (r Rule) same(o Rule) bool {
	return slices.Equal(r.Tags, o.Tags) && r.NewWorkspace == o.NewWorkspace && r.NewPath == o.NewPath && r.regex.String() == o.regex.String()
}

func parseRule(where string, raw json.RawMessage) (Rule, error) {
	var r Rule
	d, err := parseDocument(where, raw, []string{"filename_regex", "data_types", "new_workspace", "new_file_path"})
	if err != nil {
		return r, err
	}
	text, err := d.required("filename_regex")
	if err != nil {
		return r, err
	}
	if r.regex, err = regexp.Compile(text); err != nil {
		return r, invalid("%sfilename_regex: %v", where, err)
	}
	if r.Tags, err = d.texts("data_types"); err != nil {
		return r, err
	}
	if r.NewWorkspace, err = d.text("new_workspace"); err != nil {
		return r, err
	}
	newPath, err := d.text("new_file_path")
	if err == nil && newPath != "" {
		r.NewPath, err = cleanFolder(where, newPath)
	}
	return r, err
}

// cleanFolder normalises a folder in a workspace, in which files can have an
// address.
func cleanFolder(where, raw string) (string, error) {
	clean := path.Clean(raw)
	if path.IsAbs(raw) || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", invalid("%snew_file_path must be a relative path inside the workspace", where)
	}
	_, err := coreshed.CleanPath(Rule{NewPath: clean}.Target("x", time.Time{}))
	if told, ok := errors.AsType[*coreshed.Error](err); ok {
		return "", invalid("%snew_file_path: %s", where, told.Msg)
	}
	return clean, err
}

// Match returns the first rule that takes a file, by its base name or by its
// path in the workspace.
func Match(rules []Rule, filePath string) (Rule, bool) {
	base := path.Base(filePath)
	for _, r := range rules {
		if r.begins(base) || r.begins(filePath) {
			return r, true
		}
	}
	return Rule{}, false
}

// begins reports whether a text begins with what the pattern matches, as Python's
// match has it: the leftmost match is at the start, if any is. A pattern that was
// put into another one might nest too deep, or quote the other's end.
func (r Rule) begins(text string) bool {
	at := r.regex.FindStringIndex(text)
	return at != nil && at[0] == 0
}

// Target is the path that the rule wants a file at, by the day in UTC; "" when
// it stays at its own.
func (r Rule) Target(name string, now time.Time) string {
	if r.NewPath == "" {
		return ""
	}
	return path.Join(r.NewPath, now.UTC().Format("2006/01/02"), name)
}

// FinalName is the name that a file has when its transfer is over: without the
// suffix, taken off as a whole. It reports whether there was one.
func (m Monitor) FinalName(name string) (string, bool) {
	if m.Suffix == "" || name == m.Suffix {
		return name, false
	}
	return strings.CutSuffix(name, m.Suffix)
}

// SidecarSuffix ends the name of the metadata document beside a file. Such a
// document is no arrival of its own.
const SidecarSuffix = ".metadata.json"

// IsSidecar reports whether a path names a metadata document of another file.
func IsSidecar(filePath string) bool { return strings.HasSuffix(filePath, SidecarSuffix) }
