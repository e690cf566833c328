// Package door lets a client without a free port 443 use https addresses
// without a port. The plain listener takes CONNECT for the server's own TLS
// name and speaks TLS on that very connection, so any HTTP client that knows
// proxies reaches https://coreshed.localhost/ through http://127.0.0.1:8080.
//
// It also makes the certificates for that name: a local authority whose key is
// never stored, and a bundle of it with the system's roots.
//
// The door is not a proxy: it never opens a connection, and every target that
// is not the server itself is refused.
package door
