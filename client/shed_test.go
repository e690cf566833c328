package client_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreshed/coreshed/client"
	"github.com/coreshed/coreshed/coreshedtest"
)

// shed is a real server with a client that reaches it through faults.
type shed struct {
	*coreshedtest.Server
	faults *faults
	client *client.Client
	files  *client.Files
}

func start(t *testing.T) *shed {
	t.Helper()
	s := &shed{Server: coreshedtest.Start(t)}
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.faults = &faults{target: u.Host}
	s.client = s.connect(t, client.Config{})
	s.files = s.client.Files(s.OrgID, s.WorkspaceID)
	return s
}

// connect returns a client whose connections go through the faults.
func (s *shed) connect(t *testing.T, c client.Config) *client.Client {
	t.Helper()
	transport := &http.Transport{DialContext: s.faults.dial, DisableCompression: true}
	c.Hub, c.HTTPClient, c.Pause = s.URL, &http.Client{Transport: transport}, time.Millisecond
	if c.Token == "" {
		c.Token = s.Token
	}
	cl, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// faults dials the server over connections that break when told to. Every
// byte that they carry goes over a real socket.
type faults struct {
	target string

	sent, received atomic.Int64 // by the client, over all connections
	// When the next connections have sent or received this much, they break; 0
	// is never. Each breakage is counted down in breaks.
	breakSent, breakReceived, breaks atomic.Int64
}

func (f *faults) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, f.target)
	if err != nil {
		return nil, err
	}
	return &faulty{Conn: c, f: f}, nil
}

// arm makes n connections break after so many bytes sent or received on each.
func (f *faults) arm(n, sent, received int64) {
	f.breakSent.Store(sent)
	f.breakReceived.Store(received)
	f.breaks.Store(n)
}

type faulty struct {
	net.Conn
	f              *faults
	sent, received atomic.Int64
}

func (c *faulty) Write(p []byte) (int, error) {
	if limit := c.f.breakSent.Load(); limit > 0 && c.sent.Load()+int64(len(p)) > limit && c.f.breaks.Add(-1) >= 0 {
		n, _ := c.Conn.Write(p[:len(p)/2])
		c.f.sent.Add(int64(n))
		c.Conn.Close()
		return n, net.ErrClosed
	}
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	c.f.sent.Add(int64(n))
	return n, err
}

// ReadFrom hides the sendfile of net.TCPConn, which would pass the faults by.
func (c *faulty) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}

func (c *faulty) Read(p []byte) (int, error) {
	if limit := c.f.breakReceived.Load(); limit > 0 && c.received.Load() > limit && c.f.breaks.Add(-1) >= 0 {
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	c.f.received.Add(int64(n))
	return n, err
}

// random returns the same n bytes for the same seed.
func random(seed uint64, n int) []byte {
	b := make([]byte, n)
	source := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(source.Uint32())
	}
	return b
}

func writeFile(t *testing.T, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.bin")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// download returns what the server has.
func (s *shed) download(t *testing.T, r client.Ref) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.files.Download(t.Context(), r, &b, client.DownloadOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// within is t's context, ended before the test's own time is up.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
