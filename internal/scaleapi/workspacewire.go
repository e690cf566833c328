package scaleapi

import (
	"encoding/json"

	"github.com/coreshed/coreshed"
)

type workspace struct {
	ID           int64   `json:"id"`
	Name         string  `json:"name"`
	Title        string  `json:"title"`
	Description  *string `json:"description"`
	BaseURL      *string `json:"base_url"`
	IsActive     bool    `json:"is_active"`
	Created      string  `json:"created"`
	Deprecated   *string `json:"deprecated"`
	LastModified string  `json:"last_modified"`
}

type workspaceDetails struct {
	workspace
	Configuration json.RawMessage `json:"configuration"`
}

func workspaceOf(ws coreshed.Workspace) workspace {
	return workspace{
		ID: ws.ID, Name: ws.Name, Title: cut(ws.Title), Description: known(ws.Description), BaseURL: known(ws.BaseURL),
		IsActive: !ws.Deleted(), Created: stamp(ws.CreatedAt), Deprecated: stampOrNull(ws.DeletedAt), LastModified: stamp(ws.UpdatedAt),
	}
}

// cut makes a title as short as clients of Scale know them.
func cut(title string) string {
	runes := []rune(title)
	return string(runes[:min(len(runes), 50)])
}

// rawJSON writes what was read from JSON.
func rawJSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it came from JSON
	}
	return text
}
