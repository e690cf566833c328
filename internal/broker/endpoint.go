package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endpoints are the hosts that may be reached, as HOST or HOST:PORT in lower
// case. A host that begins with "*." stands for those below it. Without a port,
// it is that of http or https.
type endpoints []endpoint

type endpoint struct{ host, port string }

func newEndpoints(names []string) (endpoints, error) {
	var list endpoints
	for _, name := range names {
		host, port, err := net.SplitHostPort(name)
		if err != nil {
			host, port = strings.Trim(name, "[]"), ""
		}
		if _, err := strconv.ParseUint(port, 10, 16); port != "" && err != nil {
			host = ""
		}
		if host == "" || strings.ContainsAny(host, "/@ ") {
			return nil, fmt.Errorf("allowed endpoint %q: it must be HOST or HOST:PORT", name)
		}
		list = append(list, endpoint{strings.ToLower(host), port})
	}
	return list, nil
}

// allow reports whether host:port may be reached by its name.
func (l endpoints) allow(host, port string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, e := range l {
		below, wild := strings.CutPrefix(e.host, "*")
		if e.host != host && !(wild && strings.HasSuffix(host, below)) {
			continue
		}
		if e.port == port || (e.port == "" && (port == "443" || port == "80")) {
			return true
		}
	}
	return false
}

// errAddress refuses to connect to an address, whatever its name.
var errAddress = errors.New("the address is not one that may be reached")

// checkAddress refuses the addresses of the link, of groups and of a cloud's
// metadata service. It is asked with the address that is about to be connected
// to: what the name has meant before does not count.
func checkAddress(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errAddress
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip == metadataIPv6 {
		return errAddress
	}
	return nil
}

// metadataIPv6 is where AWS has over IPv6 what is link-local over IPv4.
var metadataIPv6 = netip.MustParseAddr("fd00:ec2::254")

// transport connects to allowed endpoints alone, directly: a proxy would decide
// what a name means.
func (l endpoints) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: checkAddress}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil || !l.allow(host, port) {
				return nil, errAddress
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute, ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		DisableCompression: true, // bytes as they are
	}
}

// Client is for requests to the allowed endpoints. It follows no redirect.
func (o *Opener) Client() *http.Client {
	t := o.transport
	if t == nil {
		t = o.endpoints.transport()
	}
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Allows reports whether an endpoint, http or https, may be reached.
func (o *Opener) Allows(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return false
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return o.endpoints.allow(u.Hostname(), port)
}
