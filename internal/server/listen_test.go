package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreshed/coreshed/internal/server"
)

// trusting returns a client that trusts the server's own CA alone, and nothing
// in the environment.
func trusting(t *testing.T, s *server.Server, proxy func(*http.Request) (*url.URL, error)) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(s.Running().CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("the bundle has no certificate")
	}
	return &http.Client{Transport: &http.Transport{
		Proxy: proxy, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots},
	}}
}

// issuer asks where the server thinks it is.
func issuer(t *testing.T, c *http.Client, base string) string {
	t.Helper()
	resp, err := c.Get(base + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var doc struct{ Issuer string }
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc.Issuer
}

// Each way in leads back the same way: plain, through the CONNECT door, and by
// a TLS listener of its own.
func TestLinksLeadBack(t *testing.T) {
	address := freeAddress(t)
	s := open(t, server.Config{Ephemeral: true, TLSListen: address, TLSName: "localhost"})
	defer closeServer(t, s)
	r := s.Running()
	if got := issuer(t, trusting(t, s, nil), r.URL); got != r.URL {
		t.Errorf("plain: %q, want %q", got, r.URL)
	}
	proxy, err := url.Parse(r.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	if got := issuer(t, trusting(t, s, http.ProxyURL(proxy)), r.TLSURL); got != r.TLSURL {
		t.Errorf("through the door: %q, want %q", got, r.TLSURL)
	}
	direct := "https://" + strings.Replace(address, "127.0.0.1", "localhost", 1)
	if got := issuer(t, trusting(t, s, nil), direct); got != direct {
		t.Errorf("by TLS: %q, want %q", got, direct)
	}
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestPublicURLIsInAllLinks(t *testing.T) {
	s := open(t, server.Config{Ephemeral: true, PublicURL: "https://files.example.org"})
	defer closeServer(t, s)
	_, body := get(t, strings.Replace(s.Running().Proxy, "https", "http", 1), "/.well-known/openid-configuration")
	if !strings.Contains(body, `"issuer":"https://files.example.org"`) {
		t.Errorf("%.300s", body)
	}
}

// The collector is a plain HTTP server here, as it is in earnest.
func TestTracesAreExportedWhenConfigured(t *testing.T) {
	var received atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); r.URL.Path == "/v1/traces" && err == nil {
			received.Add(n)
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	s := open(t, server.Config{Ephemeral: true})
	if status, _ := get(t, s.Running().URL, "/healthz"); status != http.StatusOK {
		t.Errorf("healthz %d", status)
	}
	closeServer(t, s)
	http.DefaultClient.CloseIdleConnections()
	time.Sleep(10 * time.Millisecond) // for goleak: the exporter's connection closes
	if received.Load() == 0 {
		t.Error("the collector got no trace, not even at the end")
	}
}
