package door

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Files returns a configuration that shows the certificate chain and key in two
// PEM files, and reads them again when either has changed. An error is returned
// if they cannot be used now; later ones are logged, and the last good
// certificate stays.
func Files(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	p := &filePair{certFile: certFile, keyFile: keyFile, log: log}
	if err := p.refresh(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.certificate}, nil
}

type filePair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	read    [2]version
	current *tls.Certificate
}

// version tells one content of a file from the next.
type version struct {
	modified time.Time
	size     int64
}

func (p *filePair) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.refresh(); err != nil {
		p.log.Warn("certificate not renewed", "err", err)
	}
	return p.current, nil
}

// refresh reads the files if they are not those read last. What is tried is
// remembered before it is read: a bad pair is reported once, and a change in
// between is seen the next time.
func (p *filePair) refresh() error {
	found, err := versions(p.certFile, p.keyFile)
	if err != nil {
		return err
	}
	if found == p.read {
		return nil
	}
	p.read = found
	pair, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return fmt.Errorf("load certificate %s: %w", p.certFile, err)
	}
	p.current = &pair
	return nil
}

func versions(certFile, keyFile string) ([2]version, error) {
	var out [2]version
	for i, name := range []string{certFile, keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return out, fmt.Errorf("find certificate: %w", err)
		}
		out[i] = version{info.ModTime(), info.Size()}
	}
	return out, nil
}
