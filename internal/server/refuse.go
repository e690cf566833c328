package server

import (
	"fmt"
	"net"
)

// net/http answers a request that it cannot parse, such as one with a malformed
// escape in its path, before any handler sees it. These are that answer, and
// the one that the Evo File API documents for it.
const (
	refusal    = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	badRequest = `{"type":"https://seequent.com/error-codes/file-api/bad-request","title":"Bad Request.","status":400,` +
		`"detail":"The request could not be read: its path or a header is malformed."}` + "\n"
)

// documented gives connections of a plain listener the documented refusal. A
// TLS connection cannot be wrapped so: net/http must see it as it is.
type documented struct{ net.Listener }

func (l documented) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return refusingConn{tcp}, err
	}
	return c, err
}

// refusingConn keeps what else a TCP connection can do: sending files.
type refusingConn struct{ *net.TCPConn }

// Write replaces net/http's own refusal, which is always one write, and unlike
// any answer of a handler has no Date.
func (c refusingConn) Write(p []byte) (int, error) {
	if len(p) != len(refusal) || string(p) != refusal {
		return c.TCPConn.Write(p)
	}
	_, err := fmt.Fprintf(c.TCPConn, "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", len(badRequest), badRequest)
	return len(p), err
}
