package evoapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coreshed/coreshed/internal/store/storetest"
	"github.com/coreshed/coreshed/internal/web"
)

// BenchmarkListPage is the whole request for a full page of files.
func BenchmarkListPage(b *testing.B) {
	s := open(b, storetest.Memory(b))
	for i := range 5000 {
		s.Put(b, s.Editor, fmt.Sprintf("area %d/hole %04d.csv", i%40, i), "x")
	}
	handler := s.handler(&web.Origins{Own: []string{"http://127.0.0.1"}})
	token := s.token(s.Viewer, time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, s.files("?limit=5000&offset=0&deleted=False"), nil)
		r.Header.Set("Authorization", token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
		b.ReportMetric(float64(w.Body.Len()), "bytes")
	}
}
