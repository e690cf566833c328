package door

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

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
