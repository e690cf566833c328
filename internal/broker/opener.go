package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	gopath "path"
	"path/filepath"
	"strings"
)

// Bounds are what a server may reach. The zero Bounds are nothing.
type Bounds struct {
	Roots  []string // folders, below which host folders lie
	Mounts []Mount  // of NFS exports
	Data   string   // the data folder, which no broker reaches; "" when there is none

	// Endpoints are the servers of buckets and queues, as HOST or HOST:PORT. A
	// host "*.DOMAIN" is all below it.
	Endpoints []string
}

// Mount says where an NFS export is mounted.
type Mount struct {
	Export string // server:/path
	Dir    string
}

// Opener opens brokers within bounds.
type Opener struct {
	roots     []root
	mounts    []mount
	endpoints endpoints
	transport *http.Transport // to the endpoints
}

// root is an allowed folder, as it was named and without links.
type root struct{ named, real string }

type mount struct {
	server, path string
	root
}

// NewOpener checks the bounds: each folder must be there, and none may hold the
// data folder or lie in it.
func NewOpener(b Bounds) (*Opener, error) {
	allowed, err := newEndpoints(b.Endpoints)
	if err != nil {
		return nil, err
	}
	o := &Opener{endpoints: allowed, transport: allowed.transport()}
	for _, dir := range b.Roots {
		r, err := newRoot(dir, b.Data)
		if err != nil {
			return nil, fmt.Errorf("allowed root %s: %w", dir, err)
		}
		o.roots = append(o.roots, r)
	}
	for _, m := range b.Mounts {
		r, err := newRoot(m.Dir, b.Data)
		if err != nil {
			return nil, fmt.Errorf("mount of %s: %w", m.Export, err)
		}
		server, path, ok := splitExport(m.Export)
		if !ok {
			return nil, fmt.Errorf("mount of %s: an export is server:/path", m.Export)
		}
		o.mounts = append(o.mounts, mount{server, path, r})
	}
	return o, nil
}

func newRoot(dir, data string) (root, error) {
	named, err := filepath.Abs(dir)
	if err != nil {
		return root{}, err
	}
	real, err := filepath.EvalSymlinks(named)
	if err != nil {
		return root{}, err
	}
	if info, err := os.Stat(real); err != nil {
		return root{}, err
	} else if !info.IsDir() {
		return root{}, errors.New("it is not a folder")
	}
	if data != "" {
		if data, err = resolved(data); err != nil {
			return root{}, err
		}
		if _, in := below(real, data); in {
			return root{}, errors.New("it is or holds the data folder")
		}
		if _, in := below(data, real); in {
			return root{}, errors.New("it lies in the data folder")
		}
	}
	return root{named, real}, nil
}

// CheckRoot fails when a folder is not there, or holds the data folder or lies in
// it.
func CheckRoot(dir, data string) error {
	_, err := newRoot(dir, data)
	return err
}

// resolved is a folder's absolute path without links; it may not be there yet.
func resolved(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		above, err := resolved(filepath.Dir(dir))
		return filepath.Join(above, filepath.Base(dir)), err
	}
	return real, err
}

// below returns where dir lies in root, if it does.
func below(root, dir string) (rel string, ok bool) {
	rel, err := filepath.Rel(root, dir)
	return rel, err == nil && filepath.IsLocal(rel)
}

func splitExport(export string) (server, path string, ok bool) {
	server, path, ok = strings.Cut(export, ":/")
	return strings.ToLower(server), gopath.Clean("/" + path), ok && server != ""
}

// Open returns the broker of a configuration. It contacts nothing. A
// *ConfigError when the server may not reach what the configuration names.
func (o *Opener) Open(c Config) (Broker, error) {
	switch c.Type {
	case Host:
		return o.openHost(c.HostPath)
	case NFS:
		return o.openNFS(c.NFSPath)
	case S3:
		return o.openS3(c)
	}
	return nil, invalid(InvalidBroker, "%q is not a type of broker", c.Type)
}

func (o *Opener) openHost(dir string) (Broker, error) {
	if !filepath.IsAbs(dir) {
		return nil, invalid(InvalidBroker, "host_path must be absolute")
	}
	for _, r := range o.roots {
		for _, base := range []string{r.named, r.real} {
			if rel, ok := below(base, dir); ok {
				return &folder{r.real, rel, batch}, nil
			}
		}
	}
	return nil, invalid(InvalidBroker, "host_path is in no folder that this server may use; whoever runs it can allow one: --allow-root")
}

func (o *Opener) openNFS(export string) (Broker, error) {
	server, path, ok := splitExport(export)
	if !ok {
		return nil, invalid(InvalidBroker, "nfs_path must be server:/path")
	}
	for _, m := range o.mounts {
		if rel, in := below(m.path, path); in && server == m.server {
			return &folder{m.real, rel, batch}, nil
		}
	}
	return nil, invalid(InvalidBroker, "nfs_path is not mounted on this server as far as it knows; whoever runs it can say where: --nfs-mount")
}

// errEnough ends a list.
var errEnough = errors.New("enough")

// Probe tells whether what a configuration names can be reached now.
func (o *Opener) Probe(ctx context.Context, c Config) error {
	b, err := o.Open(c)
	if err != nil {
		return err
	}
	err = b.List(ctx, Listing{}, func(Object) error { return errEnough })
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
