package door

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// handshakeTimeout is the longest a connection through the door may take for
// its TLS handshake, and for the header of a request inside.
const handshakeTimeout = 10 * time.Second

// Config says what is behind a door. All fields are needed.
type Config struct {
	Name    string       // the TLS name; CONNECT is taken for Name:443 alone
	TLS     *tls.Config  // shows a certificate for Name
	Handler http.Handler // serves the requests outside and inside of TLS

	// OwnOrigin reports whether an origin, such as "http://127.0.0.1:8080"
	// (lower case, no default port), is the server's own.
	OwnOrigin func(origin string) bool

	// Server makes the server for the connections inside. It is the function
	// that also made the outer server, so both have the same limits; the time
	// for a header is lowered to 10 s where it is longer or not set.
	Server func(http.Handler) *http.Server

	Log *slog.Logger
}

// Door answers for the plain listener: it takes CONNECT to its own name, passes
// ordinary requests on, and refuses with 403 whatever asks for another server.
// Shutdown or Close must be called, after the outer server's.
type Door struct {
	target  string
	tls     *tls.Config
	handler http.Handler
	own     func(origin string) bool
	log     *slog.Logger

	server   *http.Server
	listener *listener
	served   chan struct{} // closed when server accepts no more
}

// New returns a door that is ready to serve.
func New(c Config) *Door {
	d := &Door{
		target:   c.Name + ":443",
		tls:      c.TLS.Clone(),
		handler:  c.Handler,
		own:      c.OwnOrigin,
		log:      c.Log,
		listener: newListener(),
		served:   make(chan struct{}),
	}
	d.tls.NextProtos = []string{"http/1.1"}
	d.server = c.Server(d)
	if t := d.server.ReadHeaderTimeout; t <= 0 || t > handshakeTimeout {
		d.server.ReadHeaderTimeout = handshakeTimeout
	}
	go d.serve()
	return d
}

func (d *Door) serve() {
	defer close(d.served)
	if err := d.server.Serve(d.listener); !errors.Is(err, net.ErrClosed) {
		d.log.Error("door stopped", "err", err)
	}
}

// ServeHTTP serves the requests of the plain listener, and those inside TLS.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		d.connect(w, r)
	case r.URL.Scheme == "" && r.URL.Host == "":
		d.handler.ServeHTTP(w, r)
	case d.ownAddress(r):
		d.handler.ServeHTTP(w, originForm(r))
	default:
		d.refuse(w, r, http.StatusForbidden, "this server is no proxy for other addresses")
	}
}

// connect hands the connection to the server inside. The target is compared as
// it was sent (RFC 9112, section 3.2.3), since a parsed one may have been
// unescaped.
func (d *Door) connect(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.TLS != nil:
		d.refuse(w, r, http.StatusForbidden, "no CONNECT inside TLS")
		return
	case !equalASCII(r.RequestURI, d.target):
		d.refuse(w, r, http.StatusForbidden, "CONNECT is for "+d.target+" only")
		return
	case r.ContentLength != 0:
		d.refuse(w, r, http.StatusBadRequest, "CONNECT has no body")
		return
	}
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		d.log.ErrorContext(r.Context(), "door cannot take the connection", "err", err)
		http.Error(w, "CONNECT needs HTTP/1.1", http.StatusInternalServerError)
		return
	}
	// The server inside sets its own deadlines; this one is for the line below.
	_ = conn.SetDeadline(time.Now().Add(d.server.ReadHeaderTimeout))
	if _, err := conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		_ = conn.Close()
		return
	}
	d.listener.give(tls.Server(&buffered{conn, buf.Reader}, d.tls))
}

// refuse answers without repeating anything that was sent.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	d.log.InfoContext(r.Context(), "door refused a request", "method", r.Method, "reason", reason)
	http.Error(w, reason, status)
}

// ownAddress reports whether an absolute-form request is for an own origin, and
// for the scheme it came by.
func (d *Door) ownAddress(r *http.Request) bool {
	scheme, port := "http", ":80"
	if r.TLS != nil {
		scheme, port = "https", ":443"
	}
	if r.URL.Scheme != scheme || r.URL.User != nil {
		return false
	}
	return d.own(scheme + "://" + strings.TrimSuffix(strings.ToLower(r.URL.Host), port))
}

// originForm makes an absolute-form request look like any other, so handlers
// see one form only. Host already is the address's (RFC 9112, section 3.2.2).
func originForm(r *http.Request) *http.Request {
	out := r.WithContext(r.Context())
	out.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery}
	if out.URL.Path == "" {
		out.URL.Path = "/"
	}
	out.RequestURI = out.URL.RequestURI()
	return out
}

// equalASCII compares without regard to ASCII case. A letter outside ASCII that
// folds into it is longer in UTF-8, so the lengths tell it apart.
func equalASCII(a, b string) bool {
	return len(a) == len(b) && strings.EqualFold(a, b)
}

// Shutdown takes no more connections, closes the idle ones, and waits until the
// requests inside have ended. When ctx ends first, its error is returned and
// the connections stay open; Close ends them.
func (d *Door) Shutdown(ctx context.Context) error {
	d.stop()
	return d.server.Shutdown(ctx)
}

// Close ends all connections inside at once.
func (d *Door) Close() error {
	d.stop()
	return d.server.Close()
}

// stop waits for the accepting loop: only then does the server know of every
// connection it was given.
func (d *Door) stop() {
	_ = d.listener.Close()
	<-d.served
}

// buffered is a connection whose first bytes may have been read already, with
// the CONNECT line.
type buffered struct {
	net.Conn
	buf *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.buf.Read(p) }
