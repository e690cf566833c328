package door

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func local(t *testing.T, dir, name string) Identity {
	t.Helper()
	id, err := Local(dir, name, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// shown returns the certificate a client gets to see, checked against the
// authority for host.
func shown(t *testing.T, id Identity, host string) *x509.Certificate {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(id.CA) {
		t.Fatal("no authority")
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go tls.Server(a, id.TLS).Handshake()
	client := tls.Client(b, &tls.Config{RootCAs: roots, ServerName: host})
	if err := client.Handshake(); err != nil {
		t.Fatalf("handshake for %s: %v", host, err)
	}
	return client.ConnectionState().PeerCertificates[0]
}

func TestLocalIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tls")
	first := local(t, dir, tlsName)
	cert := shown(t, first, tlsName)
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		shown(t, first, host)
	}
	second := local(t, dir, tlsName)
	if !bytes.Equal(first.CA, second.CA) || !cert.Equal(shown(t, second, tlsName)) {
		t.Error("opening again changed the certificates")
	}
}

func TestLocalFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := local(t, dir, tlsName)
	got := map[string]fs.FileMode{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = info.Mode().Perm()
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		keys += bytes.Count(data, []byte("PRIVATE KEY-----")) / 2
		if e.Name() == "ca.pem" && !bytes.Equal(data, id.CA) {
			t.Error("ca.pem is not the authority")
		}
	}
	if keys != 1 {
		t.Errorf("%d private keys are kept, want the server's only", keys)
	}
	delete(got, "lock")
	want := map[string]fs.FileMode{"ca.pem": 0o644, "cert.pem": 0o644, "key.pem": 0o600}
	if runtime.GOOS == "windows" {
		want["key.pem"] = 0o666
		want["ca.pem"], want["cert.pem"] = 0o666, 0o666
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestLocalIsIssuedAgain(t *testing.T) {
	t.Parallel()
	old := func(t *testing.T, dir, name string, left time.Duration) {
		p, err := issue(name, time.Now().Add(left-lifetime))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.write(dir); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		make func(t *testing.T, dir string)
		kept bool
	}{
		{"31 days left", func(t *testing.T, dir string) { old(t, dir, tlsName, 31*24*time.Hour) }, true},
		{"29 days left", func(t *testing.T, dir string) { old(t, dir, tlsName, 29*24*time.Hour) }, false},
		{"expired", func(t *testing.T, dir string) { old(t, dir, tlsName, -time.Hour) }, false},
		{"other name", func(t *testing.T, dir string) { old(t, dir, "other.localhost", lifetime) }, false},
		{"key missing", func(t *testing.T, dir string) {
			old(t, dir, tlsName, lifetime)
			if err := os.Remove(filepath.Join(dir, "key.pem")); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"another authority", func(t *testing.T, dir string) { other(t, dir, "ca.pem", old) }, false},
		{"another key", func(t *testing.T, dir string) { other(t, dir, "key.pem", old) }, false},
		{"empty file", func(t *testing.T, dir string) {
			old(t, dir, tlsName, lifetime)
			if err := os.WriteFile(filepath.Join(dir, "cert.pem"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			test.make(t, dir)
			before, _ := os.ReadFile(filepath.Join(dir, "ca.pem"))
			id := local(t, dir, tlsName)
			shown(t, id, tlsName)
			if kept := bytes.Equal(before, id.CA); kept != test.kept {
				t.Errorf("authority kept: %t, want %t", kept, test.kept)
			}
		})
	}
}

// other replaces one file of the papers in dir by one from other papers.
func other(t *testing.T, dir, file string, write func(t *testing.T, dir, name string, left time.Duration)) {
	t.Helper()
	write(t, dir, tlsName, lifetime)
	elsewhere := t.TempDir()
	write(t, elsewhere, tlsName, lifetime)
	if err := os.Rename(filepath.Join(elsewhere, file), filepath.Join(dir, file)); err != nil {
		t.Fatal(err)
	}
}

func TestLocalAtTheSameTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	results := make(chan Identity)
	for range 4 {
		go func() {
			id, err := Local(dir, tlsName, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Error(err)
			}
			results <- id
		}()
	}
	first := <-results
	for range 3 {
		if !bytes.Equal(first.CA, (<-results).CA) {
			t.Error("two callers got different authorities")
		}
	}
}

// TestRunningServerFollowsFiles: a server that runs while others issue anew
// shows the new certificate.
func TestRunningServerFollowsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	running := local(t, dir, "old.localhost")
	shown(t, running, "old.localhost")
	fresh := local(t, dir, "new.localhost")
	running.CA = fresh.CA
	shown(t, running, "new.localhost")
}

func TestFilesKeepsTheLastGoodCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := local(t, dir, tlsName)
	var log bytes.Buffer
	conf, err := Files(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	id.TLS = conf
	before := shown(t, id, tlsName)
	if err := os.WriteFile(filepath.Join(dir, "key.pem"), []byte("half a k"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if !before.Equal(shown(t, id, tlsName)) {
			t.Error("a broken key file changed the certificate")
		}
	}
	if got := strings.Count(log.String(), "certificate not renewed"); got != 1 {
		t.Errorf("reported %d times, want once:\n%s", got, log.String())
	}
}

func TestFilesRefusesBadFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	local(t, dir, tlsName)
	key := filepath.Join(dir, "key.pem")
	for _, cert := range []string{filepath.Join(dir, "none.pem"), key} {
		if _, err := Files(cert, key, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s was taken for a certificate", cert)
		}
	}
}

// TestAuthorityIsBounded: even with the authority's key, nothing but this
// machine can be vouched for.
func TestAuthorityIsBounded(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"example.com", "other.test", "xcoreshed.localhost.example", "10.0.0.1", "::2"} {
		template := server(name, time.Now())
		if ip := net.ParseIP(name); ip != nil {
			template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
		}
		if err := verifyForged(t, template, name); err == nil {
			t.Errorf("the authority can vouch for %s", name)
		}
	}
	if err := verifyForged(t, server(tlsName, time.Now()), tlsName); err != nil {
		t.Errorf("the authority cannot vouch for its own name: %v", err)
	}
	below := authority(tlsName, time.Now())
	below.Subject = pkix.Name{CommonName: "below"}
	if err := verifyForged(t, below, ""); err == nil {
		t.Error("the authority can make another")
	}
}

// verifyForged signs template with an authority's key and checks the result.
func verifyForged(t *testing.T, template *x509.Certificate, name string) error {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := sign(authority(tlsName, time.Now()), nil, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	middle, err := sign(template, ca, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(ca)
	leaf := middle
	if middle.IsCA {
		between.AddCert(middle)
		if leaf, err = sign(server(tlsName, time.Now()), middle, &caKey.PublicKey, caKey); err != nil {
			t.Fatal(err)
		}
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between})
	return err
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"coreshed.localhost": true, "localhost": true, "files-1.example.com": true,
		"": false, "Coreshed.localhost": false, "127.0.0.1": false, "::1": false, "a..b": false, "a.": false,
		"-a": false, "a-": false, "*.localhost": false, "a_b": false, "a:443": false, "h\u00e9": false,
		strings.Repeat("a", 64): false, strings.Repeat("a.", 127) + "a": false,
	} {
		if _, err := Memory(name); (err == nil) != want {
			t.Errorf("%q: error %v, want accepted %t", name, err, want)
		}
	}
}

func TestWriteBundle(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ca-bundle.pem")
	id, err := Memory(tlsName)
	if err != nil {
		t.Fatal(err)
	}
	var source string
	for range 2 { // the second replaces the first
		if source, err = WriteBundle(path, id.CA); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(data, id.CA) {
		t.Error("the bundle does not end with our authority")
	}
	roots, from := systemRoots()
	if got, want := count(data), count(roots)+1; got != want || source != from {
		t.Errorf("bundle of %d certificates from %q, want %d from %q", got, source, want, from)
	}
	if _, err := WriteBundle(filepath.Join(path, "x"), id.CA); err == nil {
		t.Error("no error for a path that cannot be written")
	}
}

func TestJoinKeepsLinesApart(t *testing.T) {
	t.Parallel()
	for want, parts := range map[string][2]string{"a\nb\n": {"a", "b"}, "c\nd\n": {"c\n", "d\n"}, "e\n": {"", "e"}} {
		if got := string(join([]byte(parts[0]), []byte(parts[1]))); got != want {
			t.Errorf("join(%q) = %q, want %q", parts, got, want)
		}
	}
}

// count returns how many certificates there are.
func count(data []byte) int {
	n := 0
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return n
		}
		n++
	}
}
