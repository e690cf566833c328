package door

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
)

const (
	lifetime = 2 * 365 * 24 * time.Hour // Apple's systems refuse more than 825 days
	renewal  = 30 * 24 * time.Hour
)

// Identity is what a server shows, and what its clients must trust for it.
type Identity struct {
	TLS *tls.Config
	CA  []byte // the authority's certificate, PEM
}

// Local returns the identity kept in dir (which is made if missing) as ca.pem,
// cert.pem and key.pem: a certificate for name, localhost, 127.0.0.1 and ::1
// from an authority that can sign for nothing else and whose key is forgotten at
// once. All of it is issued anew, which changes the authority too, if something
// is missing or unusable, is for another name, or has under 30 days left of its
// two years. A running server picks up files that another process issued.
// Processes may call it at the same time.
func Local(dir, name string, log *slog.Logger) (id Identity, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Identity{}, fmt.Errorf("make certificate folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	if err := lock.Lock(); err != nil {
		return Identity{}, fmt.Errorf("lock certificate folder: %w", err)
	}
	defer func() {
		if closeErr := lock.Close(); err == nil {
			err = closeErr
		}
	}()
	p, err := readOrIssue(dir, name, time.Now())
	if err != nil {
		return Identity{}, err
	}
	conf, err := Files(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), log)
	return Identity{TLS: conf, CA: p.ca}, err
}

// Memory is Local without files, for a server that ends soon.
func Memory(name string) (Identity, error) {
	p, err := issue(name, time.Now())
	if err != nil {
		return Identity{}, err
	}
	pair, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return Identity{}, fmt.Errorf("load certificate for %s: %w", name, err)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	return Identity{TLS: conf, CA: p.ca}, nil
}

// papers are an authority's certificate, and a server's with its key, as PEM.
type papers struct{ ca, cert, key []byte }

func readOrIssue(dir, name string, now time.Time) (papers, error) {
	p, err := readPapers(dir)
	if err == nil && p.validFor(name, now) {
		return p, nil
	}
	p, err = issue(name, now)
	if err != nil {
		return papers{}, err
	}
	return p, p.write(dir)
}

func readPapers(dir string) (papers, error) {
	var p papers
	for name, to := range p.files() {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return papers{}, err
		}
		*to = data
	}
	return p, nil
}

func (p *papers) files() map[string]*[]byte {
	return map[string]*[]byte{"ca.pem": &p.ca, "cert.pem": &p.cert, "key.pem": &p.key}
}

// write replaces the files one by one. A crash in between leaves papers that do
// not fit together, which are issued anew.
func (p *papers) write(dir string) error {
	for name, data := range p.files() {
		mode := os.FileMode(0o644)
		if name == "key.pem" {
			mode = 0o600
		}
		if err := replaceFile(filepath.Join(dir, name), *data, mode); err != nil {
			return err
		}
	}
	return nil
}

// validFor reports whether the papers fit together, are for exactly name, and
// stay valid for the renewal time.
func (p *papers) validFor(name string, now time.Time) bool {
	pair, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil || !slices.Equal(pair.Leaf.DNSNames, dnsNames(name)) {
		return false
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.ca)
	_, err = pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now.Add(renewal)})
	return err == nil
}
