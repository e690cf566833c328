package web_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// TestWriteProblem: each kind of failure has a status, and only a fault of ours
// is 500 and stays in the log.
func TestWriteProblem(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		told   bool
	}{
		{http.ErrBodyNotAllowed, 500, false},
		{coreshed.Errorf(coreshed.Internal, "text"), 500, false},
		{coreshed.Errorf(coreshed.Invalid, "text"), 422, true},
		{coreshed.Errorf(coreshed.BadRequest, "text"), 400, true},
		{coreshed.Errorf(coreshed.InvalidPath, "text"), 400, true},
		{coreshed.Errorf(coreshed.Unauthenticated, "text"), 401, true},
		{coreshed.Errorf(coreshed.InvalidToken, "text"), 401, true},
		{coreshed.Errorf(coreshed.Forbidden, "text"), 403, true},
		{coreshed.Errorf(coreshed.NotFound, "text"), 404, true},
		{coreshed.Errorf(coreshed.Gone, "text"), 410, true},
		{coreshed.Errorf(coreshed.Conflict, "text"), 409, true},
		{coreshed.Errorf(coreshed.Committed, "text"), 409, true},
		{coreshed.Errorf(coreshed.Held, "text"), 409, true},
		{coreshed.Errorf(coreshed.Full, "text"), 507, true},
		{coreshed.Errorf(coreshed.StoreFailed, "text"), 502, false},
		{coreshed.Errorf(coreshed.BadGateway, "text").Because(errors.New("/mnt/path")), 502, true},
		{web.Refuse(415, "te%s", "xt"), 415, true},
	} {
		w := httptest.NewRecorder()
		web.WriteProblem(w, httptest.NewRequest("GET", "/", nil), tt.err)
		var doc struct {
			Status int
			Detail string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != tt.status || doc.Status != tt.status || (doc.Detail == "text") != tt.told {
			t.Errorf("%v is %d: %s", tt.err, w.Code, w.Body)
		}
		if (w.Header().Get("WWW-Authenticate") != "") != (tt.status == 401) {
			t.Errorf("%d has the header %v", tt.status, w.Header())
		}
	}
	w := httptest.NewRecorder()
	web.WriteProblem(w, httptest.NewRequest("GET", "/", nil), &web.MethodError{Allow: "POST"})
	if w.Code != 405 || w.Header().Get("Allow") != "POST" || w.Header().Get("Content-Type") != web.ProblemJSON {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
