package blobapi_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed/internal/blobapi"
)

func TestSignatures(t *testing.T) {
	p := inMemory(t, blobapi.Config{})
	b := p.uploaded(t, "a.csv", some(100))
	change := func(name, value string) string {
		u, err := url.Parse(p.down(t, b))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for _, u := range []string{
		change("sp", "rwt"), change("se", "2099-01-01T00:00:00Z"), change("rscd", "inline"), change("rsct", "text/html"),
		change("sig", "AAAA"), change("skoid", uuid.NewString()), change("si", "deleted"),
		p.down(t, b) + "&sp=w", strings.Replace(p.down(t, b), b.File.String(), uuid.NewString(), 1),
		p.server.URL + "/" + b.Workspace.String() + "/" + b.File.String() + "/1",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
			r := p.want(t, 403, "AuthenticationFailed", p.do(t, method, u, nil))
			if method == http.MethodGet && !bytes.Contains(r.body, []byte("<AuthenticationErrorDetail>")) {
				t.Errorf("no detail: %s", r.body)
			}
		}
	}
	p.want(t, 200, "", p.get(t, p.down(t, b)+"&timeout=30&unknown=x"))

	up, down := p.up(t, b), p.down(t, b)
	p.clock.move(31 * time.Minute)
	p.want(t, 403, "AuthenticationFailed", p.put(t, up, some(100), blockBlob))
	r := p.want(t, 403, "AuthenticationFailed", p.get(t, down))
	if !bytes.Contains(r.body, []byte("Signed expiry time [")) {
		t.Errorf("the detail does not say that the URL has expired: %s", r.body)
	}
}

func TestPermissions(t *testing.T) {
	p := inMemory(t, blobapi.Config{})
	b := p.uploaded(t, "a.csv", some(100))
	for _, tt := range []struct {
		method, url string
		status      int
		code        string
	}{
		{"GET", p.up(t, b), 403, "AuthorizationPermissionMismatch"},
		{"HEAD", p.up(t, b), 403, "AuthorizationPermissionMismatch"},
		{"PUT", p.down(t, b), 403, "AuthorizationPermissionMismatch"},
		{"PUT", p.down(t, b) + "&comp=block&blockid=AAAA", 403, "AuthorizationPermissionMismatch"},
		{"PUT", p.down(t, b) + "&comp=blocklist", 403, "AuthorizationPermissionMismatch"},
		{"PUT", p.down(t, b) + "&comp=metadata", 403, "AuthorizationPermissionMismatch"},
		{"GET", p.up(t, b) + "&comp=metadata", 403, "AuthorizationPermissionMismatch"},
		{"GET", p.down(t, b) + "&comp=metadata", 400, "InvalidQueryParameterValue"},
		{"HEAD", p.down(t, b) + "&comp=blocklist", 400, "InvalidQueryParameterValue"},
		{"PUT", p.up(t, b) + "&comp=lease", 400, "InvalidQueryParameterValue"},
		{"DELETE", p.up(t, b), 403, "AuthorizationPermissionMismatch"},
		{"DELETE", p.down(t, b), 403, "AuthorizationPermissionMismatch"},
		{"POST", p.up(t, b), 405, "UnsupportedHttpVerb"},
		{"PATCH", p.down(t, b), 405, "UnsupportedHttpVerb"},
	} {
		p.want(t, tt.status, tt.code, p.do(t, tt.method, tt.url, nil, blockBlob))
	}
	p.wantContent(t, b, some(100))
}

// TestReencodedURL sends a URL as azcopy and aiohttp do.
func TestReencodedURL(t *testing.T) {
	p := inMemory(t, blobapi.Config{})
	b := p.uploaded(t, "a.csv", some(100))
	u := strings.Replace(p.down(t, b), "/"+b.File.String()+"/", "%2F"+b.File.String()+"%2F", 1)
	p.want(t, 200, "", p.get(t, u))
	p.want(t, 200, "", p.get(t, strings.NewReplacer("%27", "'", "%2A", "*", "%3A", ":").Replace(p.down(t, b))+"&blank="))
}
