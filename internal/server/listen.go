package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/coreshed/coreshed/internal/door"
	"github.com/coreshed/coreshed/internal/web"
)

// listeners are the server's doors to the world.
type listeners struct {
	plain, tls net.Listener // tls is nil without one
	servers    []*http.Server
	door       *door.Door
	failed     chan error
}

// listen opens the addresses; nothing is served yet. A plain listener beyond
// loopback must be asked for by name: tokens would cross the network unsealed.
func listen(ctx context.Context, c Config) (*listeners, error) {
	if !c.ListenPlain && !loopback(c.Listen) {
		return nil, fmt.Errorf("%s is not a loopback address, and plain HTTP sends tokens and files unsealed: "+
			"use --tls-listen, or --listen-plain if a proxy in front speaks TLS", c.Listen)
	}
	if c.PublicURL == "" && !loopback(c.Listen) {
		return nil, errors.New("links cannot lead back to a listener on all addresses: give --public-url, such as https://files.example.org")
	}
	if err := checkPublicURL(c.PublicURL); err != nil {
		return nil, err
	}
	if u, err := url.Parse(c.PublicURL); err == nil && c.PublicURL != "" && (u.Scheme != "https" || u.Port() != "") {
		warnOfAddress(c, c.PublicURL)
	}
	l := &listeners{failed: make(chan error, 3)}
	var lc net.ListenConfig
	var err error
	if l.plain, err = lc.Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if c.TLSListen == "" {
		return l, nil
	}
	if l.tls, err = lc.Listen(ctx, "tcp", c.TLSListen); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for TLS: %w", err), l.plain.Close())
	}
	if c.PublicURL == "" && portOf(l.tls) != "443" {
		warnOfAddress(c, c.TLSListen)
	}
	return l, nil
}

// warnOfAddress says that links will lead to an address at which the Evo
// clients do not transfer.
func warnOfAddress(c Config, address string) {
	c.Log.Warn("Evo clients refuse signed URLs that are not https or have a port: "+
		"give --public-url https://NAME, and let port 443 of NAME lead here", "address", address)
}

// checkPublicURL refuses what is not an origin: links are made by adding to it.
func checkPublicURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || web.Origin(u.Scheme, u.Host) != text {
		return fmt.Errorf("%q cannot be the public URL: it must be like https://files.example.org, in lower case, without a path", text)
	}
	return nil
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// origins are the addresses under which the listeners can be reached: those of
// loopback, the TLS name, and the names of the certificate that was given.
func (l *listeners) origins(c Config) (*web.Origins, error) {
	port := portOf(l.plain)
	o := &web.Origins{Public: c.PublicURL, TrustedProxies: c.TrustedProxies}
	for _, host := range []string{l.plain.Addr().(*net.TCPAddr).IP.String(), "localhost", "127.0.0.1", "::1"} {
		o.Own = append(o.Own, web.Origin("http", net.JoinHostPort(host, port)))
	}
	o.Own = append(o.Own, web.Origin("https", c.TLSName))
	if l.tls == nil {
		return o, nil
	}
	names := []string{c.TLSName}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		names = append(names, pair.Leaf.DNSNames...)
	}
	for _, name := range names {
		o.Own = append(o.Own, web.Origin("https", net.JoinHostPort(name, portOf(l.tls))))
	}
	return o, nil
}

func portOf(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

// serve begins to answer. The CONNECT door is on loopback alone.
func (l *listeners) serve(c Config, h http.Handler, identity door.Identity, own func(string) bool) error {
	plain := h
	if loopback(l.plain.Addr().String()) {
		l.door = door.New(door.Config{
			Name: c.TLSName, TLS: identity.TLS, Handler: h, OwnOrigin: own,
			Server: func(h http.Handler) *http.Server { return newServer(c, h) }, Log: c.Log,
		})
		plain = l.door
	}
	l.start(newServer(c, plain), documented{l.plain})
	if l.tls == nil {
		return nil
	}
	config := identity.TLS
	if c.TLSCert != "" {
		var err error
		if config, err = door.Files(c.TLSCert, c.TLSKey, c.Log); err != nil {
			return err
		}
	}
	config = config.Clone()
	// The data plane's clients speak HTTP/1.1, and large transfers are faster
	// over it.
	config.NextProtos = []string{"http/1.1"}
	l.start(newServer(c, h), tls.NewListener(l.tls, config))
	return nil
}

// newServer limits the time for a request and its answer. The data plane takes
// these limits off: transfers are as long as they are, and it moves deadlines
// of its own with the bytes.
func newServer(c Config, h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ReadTimeout: c.RequestTime, WriteTimeout: 2 * c.RequestTime,
		ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
}

func (l *listeners) start(s *http.Server, on net.Listener) {
	l.servers = append(l.servers, s)
	go func() {
		if err := s.Serve(on); !errors.Is(err, http.ErrServerClosed) {
			l.failed <- err
		}
	}()
}

// shutdown takes no new connections and waits for running requests until ctx
// ends; then it cuts what is left.
func (l *listeners) shutdown(ctx context.Context) error {
	var errs []error
	for _, s := range l.servers {
		errs = append(errs, s.Shutdown(ctx))
	}
	if l.door != nil {
		errs = append(errs, l.door.Shutdown(ctx))
	}
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	for _, s := range l.servers {
		err = errors.Join(err, s.Close())
	}
	if l.door != nil {
		err = errors.Join(err, l.door.Close())
	}
	return fmt.Errorf("transfers were cut at shutdown: %w", err)
}
