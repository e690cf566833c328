// Package server puts the product together: stores, families, listeners and
// background work, from one Config. The command line and coreshedtest start
// the same thing.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/api"
	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/blobapi"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/evoapi"
	"github.com/coreshed/coreshed/internal/leased"
	"github.com/coreshed/coreshed/internal/lineageapi"
	"github.com/coreshed/coreshed/internal/nativeapi"
	"github.com/coreshed/coreshed/internal/scaleapi"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/watch"
	"github.com/coreshed/coreshed/internal/web"
)

// Server is a server that has its stores and its addresses, and answers once
// Start is called. The caller closes it.
type Server struct {
	config    Config
	data      *data
	listeners *listeners
	router    *router
	handler   http.Handler
	origins   *web.Origins
	sites     sites
	worker    *worker
	stop      context.CancelFunc // of the background work
	work      sync.WaitGroup
	tracing   func(context.Context) error // flushes
	hasher    *auth.Hasher                // one a process: it bounds the memory

	// First is what the first start has made; nil at later ones.
	First *First
}

// Open opens or makes the stores and takes the addresses.
func Open(ctx context.Context, c Config) (*Server, error) {
	c = c.withDefaults()
	d, err := openData(ctx, c)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, data: d, stop: func() {}, hasher: auth.NewHasher()}
	if err := s.build(ctx); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

func (s *Server) build(ctx context.Context) error {
	var err error
	if s.First, err = setUp(ctx, s.config, s.data, s.hasher); err != nil {
		return err
	}
	if s.listeners, err = listen(ctx, s.config); err != nil {
		return err
	}
	if s.origins, err = s.listeners.origins(s.config); err != nil {
		return err
	}
	if s.sites, err = openSites(s.config.Static, s.data.dir); err != nil {
		return err
	}
	return s.assemble(ctx)
}

// assemble makes the families and what they stand on.
func (s *Server) assemble(ctx context.Context) error {
	c, db := s.config, s.data.db
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	c.Reach.Data = s.data.dir
	opener, err := broker.NewOpener(c.Reach)
	if err != nil {
		return err
	}
	cat := catalog.New(catalog.Config{
		DB: db, Blobs: s.data.blobs, Floor: uint64(c.Floor), Opener: opener, Log: c.Log, Now: c.Now, //nolint:gosec // not negative
	})
	signer := signedurl.New(signedurl.Config{
		Keys:     func(ctx context.Context) ([]store.Key, error) { return db.Keys(ctx, store.URLKey) },
		Lifetime: c.URLLifetime, Now: c.Now,
	})
	authenticator, err := auth.New(auth.Config{Store: db, IsOwn: s.origins.IsOwn, External: c.Issuers, Now: c.Now})
	if err != nil {
		return err
	}
	issuer := auth.NewIssuer(auth.IssuerConfig{
		Store: db, Authenticator: authenticator, Hasher: s.hasher, Origin: s.origins.Of, Caller: s.origins.Caller,
	})
	evo := evoapi.New(evoapi.Config{
		DB: db, Signer: signer, Origins: s.origins, Auth: authenticator.Actor, NewPrefix: blob.NewPrefix,
		Room: cat.RoomIn, Health: s.health, Version: c.Version, Hub: evoapi.Hub{Code: "coreshed", DisplayName: "Coreshed"},
	})
	org, err := s.organisation(ctx)
	if err != nil {
		return err
	}
	native := nativeapi.New(nativeapi.Config{
		DB: db, Catalog: cat, Signer: signer, Origins: s.origins, Org: org.ID, Auth: authenticator.Actor, NewPrefix: blob.NewPrefix,
	})
	scale := scaleapi.New(scaleapi.Config{
		DB: db, Catalog: cat, Origins: s.origins, Org: org.ID, Auth: authenticator.Actor, Session: authenticator.Session,
		Anonymous: c.ScaleAnonymous, Health: s.health, Version: c.Version, Now: c.Now,
	})
	lineage := lineageapi.New(lineageapi.Config{DB: db, Origins: s.origins, Org: org.ID, Auth: authenticator.Actor})
	blobs := blobapi.New(blobapi.Config{Catalog: cat, DB: db, Signer: signer, CORS: c.CORS})
	s.router = &router{
		evo: evo, native: native, scale: scale, lineage: lineage, issuer: issuer, blobs: blobs, docs: api.Handler(),
		metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), blobUse: &activity{},
		ready: db.Ping, origins: s.origins, allow: c.MetricsAllow, sites: s.sites,
	}
	holder := holderOf(c)
	watcher := watch.New(watch.Config{DB: db, Catalog: cat, Holder: holder, Log: c.Log, Now: c.Now})
	s.worker = &worker{db: db, catalog: cat, watcher: watcher, leases: leased.NewRunner(db, holder, c.Log), scrubs: scrubs{every: c.ScrubEvery, rate: c.ScrubRate}, holder: holder, blobUse: s.router.blobUse, measures: newMeasures(reg, db), attempts: newAttempts(c.Now), urlLife: c.URLLifetime, now: c.Now, log: c.Log}
	s.worker.checkpoint.file = c.AuditCheckpoint
	s.handler, s.tracing, err = traced(ctx, c, web.Log{Log: c.Log, Metrics: web.NewMetrics(reg), Refused: s.worker.attempts.add, Next: s.router})
	return err
}

// organisation is the one of which /v6/ and /coreshed/v1/ tell.
func (s *Server) organisation(ctx context.Context) (coreshed.Organisation, error) {
	orgs, err := s.data.db.Organisations(ctx)
	if err != nil {
		return coreshed.Organisation{}, err
	}
	name := s.config.Org
	for _, org := range orgs {
		if name == "" || name == org.ID.String() || coreshed.FoldPath(name) == coreshed.FoldPath(org.Name) {
			return org, nil
		}
	}
	return coreshed.Organisation{}, fmt.Errorf("there is no organisation %q to serve", name)
}

// health asks what the server depends on.
func (s *Server) health(ctx context.Context) map[string]error {
	checks := map[string]error{evoapi.Metadata: s.data.db.Ping(ctx)}
	if spacer, ok := s.data.blobs.(blob.Spacer); ok {
		_, _, err := spacer.Free(ctx)
		checks["blobs"] = err
	}
	return checks
}

// Start begins to answer and to work in the background, and notes in the data
// folder where the server can be reached.
func (s *Server) Start() error {
	if err := s.listeners.serve(s.config, s.handler, s.data.identity, s.origins.IsOwn); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.work.Go(func() { s.worker.run(ctx) })
	if s.config.Ephemeral {
		return nil
	}
	text, err := json.Marshal(s.Running())
	if err != nil {
		return fmt.Errorf("encode where the server is: %w", err)
	}
	return writeFile(filepath.Join(s.data.dir, runningFile), append(text, '\n'), 0o600)
}

// Running says where the server can be reached.
func (s *Server) Running() Running {
	plain := s.origins.Own[0]
	r := Running{
		PID: os.Getpid(), URL: plain, Proxy: plain, TLSURL: web.Origin("https", s.config.TLSName),
		CAFile: s.data.caFile, StartedAt: s.config.Now().UTC(),
	}
	if s.config.PublicURL != "" {
		r.URL = s.config.PublicURL
	}
	return r
}

// Failed yields the error of a listener that can serve no more.
func (s *Server) Failed() <-chan error { return s.listeners.failed }

// Close shuts down in order: it says that it is not ready, takes no more
// requests, lets running ones end until ctx does, ends the background work,
// and closes the stores.
func (s *Server) Close(ctx context.Context) error {
	var errs []error
	if s.router != nil {
		s.router.closing.Store(true)
	}
	if s.listeners != nil {
		errs = append(errs, s.listeners.shutdown(ctx))
	}
	s.stop()
	s.work.Wait()
	if s.tracing != nil {
		errs = append(errs, s.tracing(ctx))
	}
	if !s.config.Ephemeral {
		if err := os.Remove(filepath.Join(s.data.dir, runningFile)); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, s.sites.close(), s.data.close())...)
}
