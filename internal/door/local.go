package door

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// issue makes an authority, has it sign one certificate, and forgets its key.
func issue(name string, now time.Time) (papers, error) {
	if !isDNSName(name) {
		return papers{}, fmt.Errorf("issue certificate: %q is not a lower-case DNS name", name)
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return papers{}, fmt.Errorf("make authority key: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return papers{}, fmt.Errorf("make server key: %w", err)
	}
	ca, err := sign(authority(name, now), nil, &caKey.PublicKey, caKey)
	if err != nil {
		return papers{}, err
	}
	leaf, err := sign(server(name, now), ca, &key.PublicKey, caKey)
	if err != nil {
		return papers{}, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return papers{}, fmt.Errorf("encode server key: %w", err)
	}
	return papers{
		ca:   encode("CERTIFICATE", ca.Raw),
		cert: encode("CERTIFICATE", leaf.Raw),
		key:  encode("PRIVATE KEY", keyDER),
	}, nil
}

// sign returns the certificate made from a template; without a parent it is
// signed by itself.
func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// authority's name constraints (RFC 5280, section 4.2.1.10) make it harmless to
// trust: it can vouch for this machine only.
func authority(name string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:                     pkix.Name{Organization: []string{"Coreshed"}, CommonName: "Coreshed local CA"},
		NotBefore:                   now.Add(-time.Hour),
		NotAfter:                    now.Add(lifetime),
		IsCA:                        true,
		BasicConstraintsValid:       true,
		MaxPathLenZero:              true,
		KeyUsage:                    x509.KeyUsageCertSign,
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         dnsNames(name),
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
}

func server(name string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Coreshed"}},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(lifetime),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:              dnsNames(name),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
}

func dnsNames(name string) []string {
	if name == "localhost" {
		return []string{name}
	}
	return []string{name, "localhost"}
}

// isDNSName accepts the lower-case host names of RFC 1123 and no addresses.
func isDNSName(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
