package door

import (
	"net"
	"sync"
)

// listener accepts the connections that are given to it.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	close sync.Once
}

func newListener() *listener {
	return &listener{conns: make(chan net.Conn), done: make(chan struct{})}
}

// give passes a connection to Accept, or closes it when the listener is closed.
func (l *listener) give(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.done:
		_ = c.Close()
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.close.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return addr{} }

// addr stands for the address of a listener that has none.
type addr struct{}

func (addr) Network() string { return "door" }
func (addr) String() string  { return "door" }
