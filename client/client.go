package client

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/coreshed/coreshed"
)

// DefaultConcurrency is how many bodies travel at once when Config does not say.
const DefaultConcurrency = 4

// Config says which server to speak to, and as whom.
type Config struct {
	Hub string // the hub's URL, such as "http://127.0.0.1:8080"

	// Token is sent as it is. TokenSource, if set, is asked before each request
	// instead; oauth2.ReuseTokenSource saves it work.
	Token       string
	TokenSource oauth2.TokenSource

	// Proxy is the URL of the proxy for all requests; "" takes what the
	// environment says. CAFile is a PEM file of the roots to trust in place of
	// the system's; "" trusts those.
	Proxy  string
	CAFile string

	// HTTPClient makes the requests when set; Proxy and CAFile are then not
	// looked at. Redirects are never followed.
	HTTPClient *http.Client

	// Concurrency bounds how many bodies this client sends and receives at
	// once, over all transfers. 0 is DefaultConcurrency.
	Concurrency int

	// Pause is the wait before a request whose connection broke is sent again;
	// it doubles up to 10 s. 0 is 500 ms.
	Pause time.Duration

	// UserAgent is sent with each request; "" is "coreshed-go".
	UserAgent string
}

// Client is a hub with a caller's token.
type Client struct {
	hub    string // without a slash at the end
	http   *http.Client
	tokens oauth2.TokenSource
	slots  chan struct{} // one is held while a body travels
	agent  string
	pause  time.Duration // before the first repeat of a request that broke
	stall  time.Duration // for which nothing of a body may move
}

// New returns a client. It sends nothing yet.
func New(c Config) (*Client, error) {
	hub, err := parseHub(c.Hub)
	if err != nil {
		return nil, err
	}
	hc, err := c.httpClient()
	if err != nil {
		return nil, err
	}
	if c.TokenSource == nil {
		c.TokenSource = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: c.Token})
	}
	if c.Concurrency <= 0 {
		c.Concurrency = DefaultConcurrency
	}
	if c.UserAgent == "" {
		c.UserAgent = "coreshed-go"
	}
	if c.Pause <= 0 {
		c.Pause = 500 * time.Millisecond
	}
	return &Client{
		hub: hub, http: hc, tokens: c.TokenSource, agent: c.UserAgent,
		slots: make(chan struct{}, c.Concurrency), pause: c.Pause, stall: 2 * time.Minute,
	}, nil
}

// Close closes the connections that are kept for later requests. The client can
// still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func parseHub(hub string) (string, error) {
	u, err := url.Parse(hub)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("the server's address %q is not an http or https URL", hub)
	}
	return strings.TrimRight(hub, "/"), nil
}

func (c Config) httpClient() (*http.Client, error) {
	if c.HTTPClient != nil {
		hc := *c.HTTPClient
		hc.CheckRedirect = keepRedirect
		return &hc, nil
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	// Downloads need their bytes as they are stored, and ranges of them.
	t.DisableCompression = true
	t.MaxIdleConnsPerHost = max(c.Concurrency, DefaultConcurrency)
	t.ResponseHeaderTimeout = 2 * time.Minute
	if c.Proxy != "" {
		proxy, err := url.Parse(c.Proxy)
		if err != nil || proxy.Host == "" {
			return nil, fmt.Errorf("the proxy's address %q is not a URL", c.Proxy)
		}
		t.Proxy = http.ProxyURL(proxy)
	}
	if c.CAFile != "" {
		roots, err := readRoots(c.CAFile)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	return &http.Client{Transport: t, CheckRedirect: keepRedirect}, nil
}

// keepRedirect lets the caller see a 303: its body is the answer.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func readRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read root certificates: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read root certificates: %s holds none", file)
	}
	return roots, nil
}

// Files returns the files of a workspace. It sends nothing.
func (c *Client) Files(org, workspace coreshed.UUID) *Files {
	return &Files{c: c, base: fmt.Sprintf("/file/v2/orgs/%s/workspaces/%s/files", org, workspace), workspace: workspace}
}
