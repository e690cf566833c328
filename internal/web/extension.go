package web

import "encoding/json"

// Extended is an error whose problem document has a further member (RFC 9457
// §3.2).
type Extended struct {
	Err   error
	Name  string
	Value any
}

func (e *Extended) Error() string { return e.Err.Error() }

// Unwrap returns the error that is told.
func (e *Extended) Unwrap() error { return e.Err }

// extend adds the member to a document.
func (e *Extended) extend(doc problem) (any, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	members := map[string]any{}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	members[e.Name] = e.Value
	return members, nil
}
