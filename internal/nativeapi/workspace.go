package nativeapi

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// workspace is what this interface tells of a workspace: what others have no
// words for.
type workspace struct {
	ID        coreshed.UUID `json:"id"`
	Name      string        `json:"name"`
	Title     string        `json:"title"`
	Retention *int64        `json:"retention"` // seconds; null is for ever
}

func workspaceOf(w coreshed.Workspace) workspace {
	return workspace{w.UUID, w.Name, w.Title, idOrNull(int64(w.Retention / time.Second))}
}

func (a *api) getWorkspace(w http.ResponseWriter, q *request) error {
	return web.JSON(w, http.StatusOK, workspaceOf(q.access.Workspace))
}

// editWorkspace changes what the body has.
func (a *api) editWorkspace(w http.ResponseWriter, q *request) error {
	var body struct {
		Retention json.RawMessage `json:"retention"`
	}
	if err := readJSON(q.Request, &body); err != nil {
		return err
	}
	var edit coreshed.WorkspaceEdit
	if body.Retention != nil {
		retention, err := retentionOf(body.Retention)
		if err != nil {
			return err
		}
		edit.Retention = &retention
	}
	changed, err := a.DB.EditWorkspace(q.Context(), q.access, edit)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, workspaceOf(changed))
}

// retentionOf reads a number of seconds, or null, which is for ever.
func retentionOf(text json.RawMessage) (time.Duration, error) {
	if bytes.Equal(text, []byte("null")) {
		return 0, nil
	}
	var seconds int64
	if json.Unmarshal(text, &seconds) != nil || seconds < 1 || seconds > math.MaxInt64/int64(time.Second) {
		return 0, invalidMember("retention", "must be a positive number of seconds, or null")
	}
	return time.Duration(seconds) * time.Second, nil
}
