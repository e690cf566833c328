package auth

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coreshed/coreshed/internal/web"
)

// People and programs put secrets into the wrong place, from where they must
// not get into the log either.
func TestLogHasNoSecrets(t *testing.T) {
	s := newSite(t).withService(t)
	var log bytes.Buffer
	handler := web.Log{
		Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: web.NewMetrics(prometheus.NewRegistry()),
		Next: NewIssuer(IssuerConfig{
			Store: s.db, Authenticator: s.auth, Hasher: NewHasher(),
			Origin: func(*http.Request) string { return s.url }, Caller: func(*http.Request) string { return "127.0.0.1" },
		}),
	}
	const secret = "hunter2-hunter2"
	for _, form := range []url.Values{
		{"grant_type": {"client_credentials"}, "client_id": {secret}, "client_secret": {s.service.ID}},
		{"grant_type": {"client_credentials"}, "client_id": {s.service.ID}, "client_secret": {secret}},
		{"grant_type": {secret}, "client_id": {NativeClient}},
		{"grant_type": {"refresh_token"}, "refresh_token": {secret}, "client_id": {NativeClient}},
		{"grant_type": {"authorization_code"}, "code": {secret}, "code_verifier": {secret}, "client_id": {NativeClient}},
		{"grant_type": {"client_credentials"}, "client_id": {s.service.ID}, "client_secret": {s.secret}, "scope": {secret + `"`}},
	} {
		r := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code < 400 {
			t.Errorf("%v: %d", form, w.Code)
		}
	}
	for _, query := range []string{"client_id=" + secret + "&redirect_uri=x", "client_id=" + NativeClient + "&redirect_uri=" + secret} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/connect/authorize?"+query, nil))
	}
	if strings.Count(log.String(), "msg=request") != 8 || strings.Contains(log.String(), secret) {
		t.Errorf("the log is\n%s", log.String())
	}
}
