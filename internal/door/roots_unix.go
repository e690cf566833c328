//go:build !windows

package door

import (
	"bytes"
	"os"
)

// systemRoots returns the system's bundle of roots and its path.
func systemRoots() ([]byte, string) {
	return firstBundle([]string{
		"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Arch, Alpine
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
		"/etc/pki/tls/certs/ca-bundle.crt",                  // older RHEL
		"/etc/ssl/ca-bundle.pem",                            // SUSE
		"/etc/ssl/cert.pem",                                 // macOS, the BSDs
		"/usr/local/etc/ssl/cert.pem",                       // FreeBSD
	})
}

// firstBundle returns the first file that holds certificates.
func firstBundle(paths []string) ([]byte, string) {
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err == nil && bytes.Contains(data, []byte("-----BEGIN CERTIFICATE-----")) {
			return data, path
		}
	}
	return nil, ""
}
