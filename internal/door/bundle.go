package door

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// WriteBundle replaces the file at path by the system's root certificates
// followed by localCA, all PEM, for programs that take one file instead of the
// system's roots (SSL_CERT_FILE). It returns where the roots came from, or ""
// if none were found and the file holds localCA alone.
//
// On Unix and macOS they come from the usual bundle files; macOS keeps roots
// added by the user elsewhere, which are left out. On Windows they come from the
// ROOT store, which lacks those that Windows fetches when it first needs them.
// SSL_CERT_FILE is not looked at: it may name an older bundle of ours.
func WriteBundle(path string, localCA []byte) (string, error) {
	roots, source := systemRoots()
	return source, replaceFile(path, join(roots, localCA), 0o644)
}

// join puts each part on lines of its own.
func join(parts ...[]byte) []byte {
	var out bytes.Buffer
	for _, p := range parts {
		out.Write(p)
		if len(p) > 0 && p[len(p)-1] != '\n' {
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}

// replaceFile writes a file of which readers see all or nothing, also after a
// power cut. A folder that forgets the rename keeps the old file, which is fine
// for what can be made again.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = fill(f, data, mode)
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func fill(f *os.File, data []byte, mode os.FileMode) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
