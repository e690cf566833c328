package evoapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/coreshed/coreshed"
)

// Limits of what a workspace says of itself, as the service's clients know them.
const (
	maxBody        = 1 << 20
	maxLabels      = 20
	maxLabelLength = 100
)

// workspaceBody is what a client sends to make or change a workspace.
type workspaceBody struct {
	Name             *string         `json:"name"`
	Description      *string         `json:"description"`
	BoundingBox      json.RawMessage `json:"bounding_box"`
	CoordinateSystem *string         `json:"default_coordinate_system"`
	Labels           *[]string       `json:"labels"`
}

func readWorkspace(r *http.Request) (title string, edit coreshed.WorkspaceEdit, err error) {
	edit, err = readWorkspaceEdit(r)
	if err != nil {
		return "", edit, err
	}
	if edit.Title == nil {
		return "", edit, invalidMember("name", "is required")
	}
	return *edit.Title, edit, nil
}

func readWorkspaceEdit(r *http.Request) (coreshed.WorkspaceEdit, error) {
	var body workspaceBody
	if err := readJSON(r, &body); err != nil {
		return coreshed.WorkspaceEdit{}, err
	}
	edit := coreshed.WorkspaceEdit{
		Title: body.Name, Description: body.Description, CoordinateSystem: body.CoordinateSystem, Labels: body.Labels,
	}
	if err := checkWorkspace(body); err != nil {
		return edit, err
	}
	var err error
	edit.BoundingBox, err = readBox(body.BoundingBox)
	return edit, err
}

func checkWorkspace(b workspaceBody) error {
	if b.Name != nil {
		n := utf8.RuneCountInString(*b.Name)
		if n < 1 || n > coreshed.MaxTitleLength || strings.ContainsFunc(*b.Name, unicode.IsControl) {
			return invalidMember("name", "must have 1 to 60 characters, none of them a control character")
		}
	}
	if holdsNUL(b.Description) {
		return invalidMember("description", "must not contain NUL")
	}
	if holdsNUL(b.CoordinateSystem) {
		return invalidMember("default_coordinate_system", "must not contain NUL")
	}
	if b.Labels != nil {
		bad := func(s string) bool {
			return s == "" || utf8.RuneCountInString(s) > maxLabelLength || strings.ContainsFunc(s, unicode.IsControl)
		}
		if len(*b.Labels) > maxLabels || slices.ContainsFunc(*b.Labels, bad) {
			return invalidMember("labels", "must be at most 20 texts of 1 to 100 characters")
		}
	}
	return nil
}

// holdsNUL reports whether a text has the one character that PostgreSQL cannot
// keep.
func holdsNUL(s *string) bool { return s != nil && strings.ContainsRune(*s, 0) }

// readBox returns the coordinates of a bounding box; null clears it, and one
// that was not sent stays as it is.
func readBox(raw json.RawMessage) (*string, error) {
	if raw == nil {
		return nil, nil
	}
	cleared := ""
	if bytes.Equal(raw, []byte("null")) {
		return &cleared, nil
	}
	var box struct {
		Type        string        `json:"type"`
		Coordinates [][][]float64 `json:"coordinates"`
	}
	if err := json.Unmarshal(raw, &box); err != nil || box.Type != "Polygon" || !isPolygon(box.Coordinates) {
		return nil, invalidMember("bounding_box", "must be a GeoJSON polygon in degrees of longitude and latitude")
	}
	text, err := json.Marshal(box.Coordinates)
	if err != nil {
		return nil, err
	}
	kept := string(text)
	return &kept, nil
}

// isPolygon reports whether rings are closed and on the globe (RFC 7946 §3.1.6).
func isPolygon(rings [][][]float64) bool {
	for _, ring := range rings {
		if len(ring) < 4 || !slices.Equal(ring[0], ring[len(ring)-1]) {
			return false
		}
		for _, p := range ring {
			if len(p) != 2 || p[0] < -180 || p[0] > 180 || p[1] < -90 || p[1] > 90 {
				return false
			}
		}
	}
	return len(rings) > 0
}

// readJSON reads a body that is one JSON object: BadRequest when it is none,
// Invalid when a member has the wrong type.
func readJSON(r *http.Request, into any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return coreshed.Errorf(coreshed.BadRequest, "The body did not arrive whole.").Because(err)
	}
	if len(data) > maxBody {
		return coreshed.Errorf(coreshed.BadRequest, "The body is larger than 1 MiB.")
	}
	err = json.Unmarshal(data, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return invalidMember(wrong.Field, "has the wrong type")
	}
	if err != nil || !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return coreshed.Errorf(coreshed.BadRequest, "The body must be a JSON object.")
	}
	return nil
}

func invalidMember(name, reason string) error {
	err := coreshed.Errorf(coreshed.Invalid, "The member %s %s.", name, reason)
	err.Field = name
	return err
}
