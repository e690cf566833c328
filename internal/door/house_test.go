package door

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// house is a server with a door.
type house struct {
	*Door
	ca  []byte
	url string // of the plain listener
}

// open serves handler through a door whose inner server waits for headers at
// most as long as patience says.
func open(t testing.TB, patience time.Duration, handler http.HandlerFunc) *house {
	t.Helper()
	id, err := Memory(tlsName)
	if err != nil {
		t.Fatal(err)
	}
	outer := httptest.NewUnstartedServer(nil)
	h := &house{ca: id.CA, url: "http://" + outer.Listener.Addr().String()}
	newServer := func(handler http.Handler) *http.Server {
		return &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: patience,
			ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn),
		}
	}
	h.Door = New(Config{
		Name:      tlsName,
		TLS:       id.TLS,
		Handler:   handler,
		OwnOrigin: func(o string) bool { return o == h.url || o == "http://"+tlsName || o == "https://"+tlsName },
		Server:    newServer,
		Log:       slog.New(slog.DiscardHandler),
	})
	outer.Config = newServer(h.Door)
	outer.Start()
	t.Cleanup(func() {
		outer.Close()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// client returns one that goes through the door and trusts its authority alone.
func (h *house) client(t testing.TB) *http.Client {
	t.Helper()
	proxy, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(h.ca)
	transport := &http.Transport{
		Proxy:           http.ProxyURL(proxy),
		TLSClientConfig: &tls.Config{RootCAs: roots},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// dial connects to the plain listener.
func (h *house) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// echo answers with what the handler sees of a request.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%s %s %s abs=%t tls=%t %s %s", r.Method, r.Host, r.RequestURI, r.URL.IsAbs(), r.TLS != nil, r.Proto, body)
}

const (
	connectLine = "CONNECT coreshed.localhost:443 HTTP/1.1\r\nHost: coreshed.localhost:443\r\n\r\n"
	established = "HTTP/1.1 200 Connection established\r\n\r\n"
)

func (h *house) trust() *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(h.ca)
	return &tls.Config{RootCAs: roots, ServerName: tlsName}
}

// enter returns a TLS connection made by hand.
func (h *house) enter(t *testing.T) net.Conn {
	t.Helper()
	conn := h.dial(t)
	if _, err := io.WriteString(conn, connectLine); err != nil {
		t.Fatal(err)
	}
	if err := readEstablished(conn); err != nil {
		t.Fatal(err)
	}
	return tls.Client(conn, h.trust())
}

func readEstablished(conn net.Conn) error {
	got := make([]byte, len(established))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if string(got) != established {
		return fmt.Errorf("answer %q", got)
	}
	return nil
}

// eager sends what it holds together with the first bytes written, and only
// then waits for the answer to CONNECT.
type eager struct {
	net.Conn
	held []byte
	once sync.Once
}

func (e *eager) Write(p []byte) (int, error) {
	all := append(e.held, p...)
	e.held = nil
	n, err := e.Conn.Write(all)
	return n - (len(all) - len(p)), err
}

func (e *eager) Read(p []byte) (int, error) {
	var err error
	e.once.Do(func() { err = readEstablished(e.Conn) })
	if err != nil {
		return 0, err
	}
	return e.Conn.Read(p)
}

// ask sends a request given without its last line ends.
func ask(t *testing.T, conn net.Conn, request string) *http.Response {
	t.Helper()
	if _, err := io.WriteString(conn, request+"\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout()
}

// trap is a listener nobody should connect to.
type trap struct {
	net.Listener
	caught chan string
}

func newTrap(t testing.TB) *trap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tr := &trap{l, make(chan string, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			tr.caught <- conn.RemoteAddr().String()
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return tr
}

func (tr *trap) addr() string { return tr.Listener.Addr().String() }

func (tr *trap) check(t *testing.T) {
	t.Helper()
	select {
	case from := <-tr.caught:
		t.Fatalf("somebody dialled out, from %s", from)
	default:
	}
}
