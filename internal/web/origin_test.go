package web_test

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/coreshed/coreshed/internal/web"
)

// TestCaller: of the hops that a proxy passes on, the last is the one that it
// has seen itself. Some proxies add it to the header's last line, and some as a
// line of its own.
func TestCaller(t *testing.T) {
	o := web.Origins{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	for _, tt := range []struct {
		remote string
		hops   []string
		want   string
	}{
		{"192.0.2.1:1000", nil, "192.0.2.1"},
		{"192.0.2.1:1000", []string{"203.0.113.5"}, "203.0.113.5"},
		{"192.0.2.1:1000", []string{"127.0.0.1, 203.0.113.5"}, "203.0.113.5"},
		{"192.0.2.1:1000", []string{"127.0.0.1", "203.0.113.5"}, "203.0.113.5"},
		{"192.0.2.1:1000", []string{"203.0.113.5", "nonsense"}, "192.0.2.1"},
		{"198.51.100.7:1000", []string{"127.0.0.1"}, "198.51.100.7"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = tt.remote, tt.hops
		if got := o.Caller(r); got != tt.want {
			t.Errorf("from %s by way of %q: %s, want %s", tt.remote, tt.hops, got, tt.want)
		}
	}
}
