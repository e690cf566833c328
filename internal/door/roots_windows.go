package door

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// systemRoots returns the certificates of the ROOT store.
func systemRoots() ([]byte, string) {
	name, err := windows.UTF16PtrFromString("ROOT")
	if err != nil {
		return nil, ""
	}
	store, err := windows.CertOpenSystemStore(0, name)
	if err != nil {
		return nil, ""
	}
	defer func() { _ = windows.CertCloseStore(store, 0) }()
	var roots []byte
	// Each call frees the certificate before, and the last one returns an error.
	cert, err := windows.CertEnumCertificatesInStore(store, nil)
	for err == nil {
		der := unsafe.Slice(cert.EncodedCert, cert.Length)
		roots = append(roots, encode("CERTIFICATE", der)...)
		cert, err = windows.CertEnumCertificatesInStore(store, cert)
	}
	if len(roots) == 0 {
		return nil, ""
	}
	return roots, "the ROOT store"
}
