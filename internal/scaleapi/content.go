package scaleapi

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
)

// fileURL is where the bytes of a version are: under the workspace's own
// address when they lie in its folders, else here. It is null when they are
// nowhere.
func (q *request) fileURL(e coreshed.Entry) *string {
	if !e.State.Served() {
		return nil
	}
	text := q.url("/files/" + strconv.FormatInt(e.ID, 10) + "/content/")
	if e.State == coreshed.InPlace && e.Workspace.BaseURL != "" && e.StoragePath != "" {
		path := url.URL{Path: "/" + strings.TrimPrefix(e.StoragePath, "/")}
		text = strings.TrimSuffix(e.Workspace.BaseURL, "/") + path.EscapedPath()
	}
	return &text
}
