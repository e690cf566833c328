package client

import (
	"context"
	"net/http"

	"github.com/coreshed/coreshed"
)

// Organisation is one that the caller can use.
type Organisation struct {
	ID   coreshed.UUID `json:"id"`
	Name string        `json:"display_name"`
}

// Organisations asks discovery for the organisations that the caller can use.
func (c *Client) Organisations(ctx context.Context) ([]Organisation, error) {
	var answer struct {
		Discovery struct{ Organizations []Organisation }
	}
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/evo/identity/v2/discovery", want: []int{http.StatusOK}}, &answer)
	return answer.Discovery.Organizations, err
}
