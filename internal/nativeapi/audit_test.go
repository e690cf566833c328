package nativeapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/audit"
	"github.com/coreshed/coreshed/internal/store"
)

// sign numbers and signs the audit log, as the server does in the background.
func (s *shed) sign() string {
	s.t.Helper()
	secret, err := audit.NewKey("example.org/log")
	s.must(err)
	s.must(s.DB.AddKey(s.t.Context(), store.AuditKey, "audit-key", []byte(secret)))
	_, err = s.DB.Lease(s.t.Context(), "audit", "test", time.Hour)
	s.must(err)
	_, err = s.DB.SequenceAudit(s.t.Context(), store.Lease{Name: "audit", Holder: "test"}, 1000,
		func(size int64, root audit.Hash) (string, error) { return audit.Sign(secret, size, root) })
	s.must(err)
	key, err := audit.VerifierKey(secret)
	s.must(err)
	return key
}

func TestAudit(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(s.t, s.Editor, "north/assay.csv", "x")
		s.token(s.Admin)
		s.token(s.Owner)
		s.want(s.Admin, "GET", "/coreshed/v1/audit/checkpoint", nil, http.StatusNotFound)
		key := s.sign()
		for _, path := range []string{"", "/checkpoint", "/consistency", "/0/proof"} {
			s.want(s.Owner, "GET", "/coreshed/v1/audit"+path, nil, http.StatusForbidden)
		}
		for _, query := range []string{"from=yesterday", "limit=0", "subject=x", "before=-1", "action=version.nonsense"} {
			s.want(s.Admin, "GET", "/coreshed/v1/audit?"+query, nil, http.StatusUnprocessableEntity)
		}
		got := s.want(s.Admin, "GET", fmt.Sprintf("/coreshed/v1/audit?kind=version&subject=%d&from=2020-01-01T00:00:00Z&limit=1", f.Version.ID), nil, http.StatusOK)
		entry := got["results"].([]any)[0].(map[string]any)
		if entry["actor"] != s.Editor.ID.String() || entry["action"] != string(coreshed.ActVersionUpload) ||
			entry["details"].(map[string]any)["path"] != "north/assay.csv" || got["before"] != entry["id"] {
			s.t.Errorf("the page is %v", got)
		}
		receipt := s.want(s.Admin, "GET", fmt.Sprintf("/coreshed/v1/audit/%v/proof", entry["number"]), nil, http.StatusOK)
		text, err := json.Marshal(receipt)
		s.must(err)
		r, err := audit.ParseReceipt(text)
		s.must(err)
		cp, err := audit.OpenCheckpoint(r.Checkpoint, key)
		s.must(err)
		s.must(r.Verify(cp))
		s.want(s.Admin, "GET", "/coreshed/v1/audit/consistency?from=3", nil, http.StatusOK)
		s.want(s.Admin, "GET", "/coreshed/v1/audit/-1/proof", nil, http.StatusUnprocessableEntity)
		s.want(s.Admin, "GET", "/coreshed/v1/audit/100000/proof", nil, http.StatusNotFound)
	})
}
