package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/blob/disk"
	"github.com/coreshed/coreshed/internal/blob/mem"
	"github.com/coreshed/coreshed/internal/door"
	"github.com/coreshed/coreshed/internal/store"
)

// The names of what lies in a data folder; doc/design.md promises them.
const (
	databaseFile = "coreshed.db"
	objectFolder = "objects"
	tlsFolder    = "tls"
	bundleFile   = "ca-bundle.pem" // in tlsFolder
	lockFile     = "lock"
	formatFile   = "format"
	passwordFile = "admin-password"
	runningFile  = "server.json"
)

// format is the version of the data folder's layout.
const format = "1"

// data is everything a server keeps, open.
type data struct {
	dir      string // of files; temporary for an ephemeral server
	db       *store.DB
	blobs    blob.Store
	identity door.Identity
	caFile   string // PEM bundle: the system's roots and the local CA
	closers  []func() error
}

// close closes what has been opened, last first.
func (d *data) close() error {
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i]())
	}
	return errors.Join(errs...)
}

func openData(ctx context.Context, c Config) (*data, error) {
	d := &data{}
	open := d.openFolder
	if c.Ephemeral {
		open = d.openMemory
	}
	if err := open(ctx, c); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// DatabaseURL returns the URL of the database of a data folder.
func DatabaseURL(dir string) string { return "sqlite:" + filepath.Join(dir, databaseFile) }

// Objects returns the folder of the objects of a data folder.
func Objects(dir string) string { return filepath.Join(dir, objectFolder) }

func (d *data) openFolder(ctx context.Context, c Config) error {
	if c.Data == "" {
		return errors.New("no data folder: give --data DIR")
	}
	d.dir = c.Data
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	if err := d.lock(ctx); err != nil {
		return err
	}
	if err := checkFormat(d.dir); err != nil {
		return err
	}
	objects, err := disk.Open(filepath.Join(d.dir, objectFolder))
	if err != nil {
		return err
	}
	d.blobs = objects
	d.closers = append(d.closers, objects.Close)
	url := c.Database
	if url == "" {
		url = DatabaseURL(d.dir)
	}
	if err := d.openDatabase(ctx, c, url); err != nil {
		return err
	}
	if d.identity, err = door.Local(filepath.Join(d.dir, tlsFolder), c.TLSName, c.Log); err != nil {
		return err
	}
	return d.writeBundle(filepath.Join(d.dir, tlsFolder, bundleFile))
}

func (d *data) openMemory(ctx context.Context, c Config) error {
	dir, err := os.MkdirTemp("", "coreshed-")
	if err != nil {
		return fmt.Errorf("make folder for certificates: %w", err)
	}
	d.dir = dir
	d.closers = append(d.closers, func() error { return os.RemoveAll(dir) })
	d.blobs = mem.New()
	if err := d.openDatabase(ctx, c, "memory:"); err != nil {
		return err
	}
	if d.identity, err = door.Memory(c.TLSName); err != nil {
		return err
	}
	// Others may have to read it: a client that runs as another user.
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // certificates only
		return fmt.Errorf("open folder for certificates: %w", err)
	}
	return d.writeBundle(filepath.Join(dir, bundleFile))
}

func (d *data) openDatabase(ctx context.Context, c Config, url string) error {
	db, err := store.Open(ctx, store.Config{URL: url, Log: c.Log, Now: c.Now})
	if err != nil {
		return err
	}
	d.db = db
	d.closers = append(d.closers, db.Close)
	return nil
}

func (d *data) writeBundle(path string) error {
	d.caFile = path
	_, err := door.WriteBundle(path, d.identity.CA)
	return err
}

// lock makes sure that one server at a time uses the folder.
func (d *data) lock(ctx context.Context) error {
	l := flock.New(filepath.Join(d.dir, lockFile))
	// Whoever looks for a running server holds the lock for a moment.
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	ok, err := l.TryLockContext(ctx, 20*time.Millisecond)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("lock data folder: %w", err)
	}
	if !ok {
		return fmt.Errorf("another server is using the data folder %s: stop it, or serve another folder", d.dir)
	}
	d.closers = append(d.closers, l.Unlock)
	return nil
}

// checkFormat writes the format of a new folder and refuses a newer one.
func checkFormat(dir string) error {
	path := filepath.Join(dir, formatFile)
	found, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return writeFile(path, []byte(format+"\n"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("read format of data folder: %w", err)
	}
	if f := strings.TrimSpace(string(found)); f != format {
		return fmt.Errorf("the data folder has format %q, this program knows %s: use a newer program", f, format)
	}
	return nil
}

// writeFile writes a small file so that readers see the old or the new one,
// also after a loss of power.
func writeFile(path string, content []byte, mode fs.FileMode) error {
	temp := path + ".tmp"
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err == nil {
		_, err = f.Write(content)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Running says where the server of a data folder can be reached.
type Running struct {
	PID       int       `json:"pid"`
	URL       string    `json:"url"`
	Proxy     string    `json:"proxy"`
	TLSURL    string    `json:"tls_url"`
	CAFile    string    `json:"ca_file"`
	StartedAt time.Time `json:"started_at"`
}

// ReadRunning returns where the server of a data folder can be reached;
// fs.ErrNotExist when none is running. A server that was killed leaves its
// note behind: the lock tells.
func ReadRunning(dir string) (Running, error) {
	var r Running
	if _, err := os.Stat(filepath.Join(dir, lockFile)); err != nil {
		return r, fmt.Errorf("no server has used %s: %w", dir, err)
	}
	l := flock.New(filepath.Join(dir, lockFile))
	free, err := l.TryRLock()
	if err == nil && free {
		return r, errors.Join(fmt.Errorf("no server is using %s: %w", dir, fs.ErrNotExist), l.Unlock())
	}
	text, err := os.ReadFile(filepath.Join(dir, runningFile))
	if err != nil {
		return r, fmt.Errorf("read where the server is: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("read where the server is: %w", err)
	}
	return r, nil
}
