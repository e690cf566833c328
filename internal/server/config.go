package server

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/broker"
)

// Config says how to serve. The zero value of a field is its default.
type Config struct {
	// Data is the folder of everything the server keeps; it is made when
	// absent. Ephemeral keeps everything in memory instead.
	Data      string
	Ephemeral bool

	Listen      string // plain HTTP and the CONNECT door; "127.0.0.1:8080"
	ListenPlain bool   // permits a Listen address that is not loopback
	TLSListen   string // HTTPS; none
	TLSCert     string // certificate and key files; a local CA's when empty
	TLSKey      string
	TLSName     string // "coreshed.localhost"
	PublicURL   string // origin of all links; the request's own when empty

	Database string // URL; SQLite in Data when empty

	Reach broker.Bounds // folders and buckets of others that may be reached; none. Its Data is set here

	Floor       int64         // free bytes below which uploads are refused; 1 GiB
	URLLifetime time.Duration // of signed URLs; 30 minutes
	RequestTime time.Duration // for a request that is no transfer, and as much again for its answer; 1 minute
	Drain       time.Duration // for which running transfers may end at shutdown; 30 seconds

	Organisation string // name of the one made at the first start; "Coreshed"
	Workspace    string // title of the one made at the first start; "Default"

	Org            string // of which /v6/ and /coreshed/v1/ tell, by name or id; the oldest
	ScaleAnonymous bool   // callers without credentials read on /v6/ as viewers
	Static         []Static

	// ScrubEvery is how often all bytes in the own store are read and compared with
	// their hashes; never, if it is not positive. ScrubRate bounds how fast, in bytes
	// a second; 32 MiB.
	ScrubEvery time.Duration
	ScrubRate  int64

	AuditCheckpoint string // file to which the newest checkpoint of the audit log is written; none

	Issuers        []auth.ExternalIssuer // whose tokens are taken beside our own
	CORS           []string              // origins whose pages may use signed URLs; "*" for all
	TrustedProxies []netip.Prefix
	MetricsAllow   []netip.Prefix // who may read /metrics; loopback

	Version string
	Log     *slog.Logger
	Now     func() time.Time
}

func (c Config) withDefaults() Config {
	set(&c.Listen, "127.0.0.1:8080")
	set(&c.TLSName, "coreshed.localhost")
	set(&c.Floor, 1<<30)
	set(&c.URLLifetime, 30*time.Minute)
	set(&c.RequestTime, time.Minute)
	set(&c.Drain, 30*time.Second)
	set(&c.ScrubRate, 32<<20)
	set(&c.Organisation, "Coreshed")
	set(&c.Workspace, "Default")
	set(&c.Version, "dev")
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MetricsAllow == nil {
		c.MetricsAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	return c
}

func set[T comparable](p *T, fallback T) {
	var zero T
	if *p == zero {
		*p = fallback
	}
}
