package web_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed/internal/web"
)

func TestMatchPath(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		want          map[string]string
	}{
		{"/a", "/a", map[string]string{}},
		{"/a", "/a/", nil},
		{"/a/{id}", "/a/", nil},
		{"/a/{id}", "/a/b/c", nil},
		{"/a/{id}", "/a/b%2Fc%20d", map[string]string{"id": "b/c d"}},
		{"/a/{id}/c", "/a/b%2Fc", nil},
		{"/a/{id}", "/a/%zz", map[string]string{"id": "%zz"}},
		{"/a/{path...}", "/a/", map[string]string{"path": ""}},
		{"/a/{path...}", "/a/b%2Fc//d", map[string]string{"path": "b%2Fc//d"}},
	} {
		got, ok := web.MatchPath(tt.pattern, tt.path)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != (tt.want != nil) {
			t.Errorf("%s %s: %v %s", tt.pattern, tt.path, ok, diff)
		}
	}
}

// FuzzMatchPath: a path that matches a pattern is that pattern with its values
// put in.
func FuzzMatchPath(f *testing.F) {
	f.Add("/v1/versions/{id}/lineage", "/v1/versions/12/lineage")
	f.Add("/v1/workspaces/{workspace}/runs/{id}", "/v1/workspaces/x%2f/runs/%C3%BC")
	f.Add("/{a}//", "//")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		values, ok := web.MatchPath(pattern, path)
		if !ok || strings.Contains(pattern, "{path...}") {
			return
		}
		want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
		if len(want) != len(got) {
			t.Fatalf("%q matches %q", pattern, path)
		}
		for i, segment := range want {
			name, is := strings.CutPrefix(segment, "{")
			text, err := url.PathUnescape(got[i])
			if err != nil {
				text = got[i]
			}
			if !is && got[i] != segment || is && strings.Count(pattern, segment) == 1 && values[strings.TrimSuffix(name, "}")] != text && segment != got[i] {
				t.Fatalf("%q matches %q as %v", pattern, path, values)
			}
		}
	})
}
