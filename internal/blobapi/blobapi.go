// Package blobapi is the data plane: the block blob operations of Azure Blob
// Storage on signed URLs, as its clients use them. There are no accounts,
// containers, leases, snapshots or metadata; what the URL's signature permits
// is all that a caller may do.
//
// Every operation looks at the signature first, then at the permission, the
// parameters and headers, whether the blob exists, and last at conditions.
package blobapi

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// Config is what the data plane is made of.
type Config struct {
	Catalog *catalog.Catalog
	DB      *store.DB
	Signer  *signedurl.Signer
	// CORS are the origins whose web pages may use the data plane; "*" is
	// every one.
	CORS []string
	// Patience is how long a transfer may go on without a byte; 0 is a minute.
	Patience time.Duration
}

type api struct {
	catalog  *catalog.Catalog
	db       *store.DB
	signer   *signedurl.Signer
	origins  []string
	patience time.Duration
}

// New returns the handler of all paths /{workspace}/{file}/{version_id}.
func New(c Config) http.Handler {
	if c.Patience == 0 {
		c.Patience = time.Minute
	}
	a := &api{catalog: c.Catalog, db: c.DB, signer: c.Signer, origins: c.CORS, patience: c.Patience}
	return web.Family{Name: "blob", WriteError: writeError}.Handle(a.serve)
}

// request is one call of an operation that its URL permits.
type request struct {
	*http.Request
	query  url.Values
	grant  signedurl.Grant
	target catalog.Target
	body   *body
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) error {
	identify(w.Header(), r)
	a.allowOrigin(w.Header(), r)
	if r.Method == http.MethodOptions {
		web.Note(r, "Preflight")
		return a.preflight(w, r)
	}
	body := newBody(w, r, a.patience)
	err := a.operate(w, &request{Request: r, body: body})
	if err != nil {
		body.drain(r)
	}
	return err
}

func (a *api) operate(w http.ResponseWriter, q *request) error {
	var err error
	if q.query, err = web.Query(q.URL.RawQuery); err != nil {
		return err
	}
	op, unknown := find(q.Method, q.query["comp"])
	web.Note(q.Request, op.name)
	if q.grant, err = a.signer.Verify(q.Context(), q.URL.Path, q.query); err != nil {
		return unauthenticated(err)
	}
	q.target = catalog.Target(q.grant.Blob)
	web.Note(q.Request, op.name, slog.Any("workspace", q.target.Workspace), slog.Any("file", q.target.File),
		slog.Int64("version", q.target.VersionID))
	if q.Header.Get("X-Ms-Version") == "" {
		w.Header().Set("X-Ms-Version", q.grant.Version)
	}
	if op.needs != 0 && !q.grant.Allows(op.needs) {
		return refuse(http.StatusForbidden, "AuthorizationPermissionMismatch",
			"This request is not authorized to perform this operation using this permission: the signed URL permits %q (sp), and %s needs %q.",
			q.grant.Permissions, op.name, op.needs)
	}
	if unknown != nil {
		return unknown
	}
	return op.serve(a, w, q)
}

// operation is one of those that a method and comp choose.
type operation struct {
	name  string
	needs byte // letter of sp; 0 is none
	serve func(*api, http.ResponseWriter, *request) error
}

// find returns an operation, or what is known of it and why it is none of
// ours.
func find(method string, comp []string) (operation, error) {
	name := ""
	if len(comp) > 0 {
		name = comp[0]
	}
	if len(comp) < 2 {
		switch method + " " + name {
		case "PUT ":
			return operation{"PutBlob", 'w', (*api).putBlob}, nil
		case "PUT block":
			return operation{"PutBlock", 'w', (*api).putBlock}, nil
		case "PUT blocklist":
			return operation{"PutBlockList", 'w', (*api).putBlockList}, nil
		case "GET ":
			return operation{"GetBlob", 'r', (*api).getBlob}, nil
		case "HEAD ":
			return operation{"GetBlobProperties", 'r', (*api).headBlob}, nil
		case "GET blocklist":
			return operation{"GetBlockList", 'r', (*api).getBlockList}, nil
		}
	}
	return operation{name: "Unknown", needs: needs(method, name)}, unsupported(method, name)
}

// needs returns the permission that an operation we do not have would need.
func needs(method, comp string) byte {
	switch {
	case method == http.MethodDelete:
		return 'd'
	case method != http.MethodPut && method != http.MethodGet && method != http.MethodHead:
		return 0
	case comp == "tags":
		return 't'
	case method == http.MethodPut:
		return 'w'
	}
	return 'r'
}

func unsupported(method, comp string) error {
	switch method {
	case http.MethodPut, http.MethodGet, http.MethodHead:
		return refuse(http.StatusBadRequest, "InvalidQueryParameterValue",
			"There is no operation %s with comp=%.40q on a blob here.", method, comp)
	}
	r := refuse(http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support the HTTP verb %.20q.", method)
	r.header = http.Header{"Allow": {allowedMethods}}
	return r
}
