package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Origins says under which addresses callers see the server, so that links and
// signed URLs lead back the way a request came.
type Origins struct {
	// Public is the origin ("https://files.example.org") of every link when
	// set. Otherwise links take the origin of the request.
	Public string
	// Own are the origins that requests may name, without a public one: those
	// of the listeners and of the TLS name. A host that is not among them gets
	// the first; no attacker's host name gets into a link.
	Own []string
	// TrustedProxies may say in X-Forwarded-For, -Proto and -Host whom they
	// speak for. Nobody else may.
	TrustedProxies []netip.Prefix
}

// Of returns the origin for links in the answer to r, with no slash at the end.
func (o *Origins) Of(r *http.Request) string {
	if o.Public != "" {
		return o.Public
	}
	if origin := o.named(r); slices.Contains(o.Own, origin) {
		return origin
	}
	return o.Own[0]
}

func (o *Origins) named(r *http.Request) string {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if o.trusted(r) {
		if p := firstOf(r.Header.Get("X-Forwarded-Proto")); p != "" {
			scheme = p
		}
		if h := firstOf(r.Header.Get("X-Forwarded-Host")); h != "" {
			host = h
		}
	}
	return Origin(scheme, host)
}

// firstOf returns the first of a list: what the proxy next to the caller said.
func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

// Origin joins a scheme and a host as a browser would: lower case, no default
// port.
func Origin(scheme, host string) string {
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	if (scheme == "https" && strings.HasSuffix(host, ":443")) || (scheme == "http" && strings.HasSuffix(host, ":80")) {
		host = host[:strings.LastIndexByte(host, ':')]
	}
	return (&url.URL{Scheme: scheme, Host: host}).String()
}

// IsOwn reports whether an origin is one of the server's.
func (o *Origins) IsOwn(origin string) bool {
	return origin != "" && (origin == o.Public || slices.Contains(o.Own, origin))
}

// Caller returns the IP address that the request came from.
func (o *Origins) Caller(r *http.Request) string {
	if o.trusted(r) {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		// The last hop is the one that our own proxy saw, whether it added to
		// the caller's line or a line of its own.
		if ip, err := netip.ParseAddr(strings.TrimSpace(hops[len(hops)-1])); err == nil {
			return ip.Unmap().String()
		}
	}
	return remote(r).String()
}

func (o *Origins) trusted(r *http.Request) bool {
	ip := remote(r)
	return slices.ContainsFunc(o.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func remote(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, _ := netip.ParseAddr(host) // the zero address is nobody's
	return ip.Unmap()
}
