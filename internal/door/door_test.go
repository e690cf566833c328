package door

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const tlsName = "coreshed.localhost"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRequestsThroughTheDoor(t *testing.T) {
	t.Parallel()
	h := open(t, 0, echo)
	client := h.client(t)
	tests := []struct{ name, url, want string }{
		{"tls", "https://coreshed.localhost/a//b?c=d", "POST coreshed.localhost /a//b?c=d abs=false tls=true HTTP/1.1 body"},
		{"tls, explicit port", "https://coreshed.localhost:443/x", "POST coreshed.localhost:443 /x abs=false tls=true HTTP/1.1 body"},
		{"tls, upper case", "https://CORESHED.localhost/x", "POST CORESHED.localhost /x abs=false tls=true HTTP/1.1 body"},
		{"own listener, absolute form", h.url + "/a%2Fb?", "POST " + h.url[7:] + " /a%2Fb? abs=false tls=false HTTP/1.1 body"},
		{"own name, absolute form", "http://Coreshed.localhost:80", "POST Coreshed.localhost:80 / abs=false tls=false HTTP/1.1 body"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res, err := client.Post(test.url, "text/plain", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, res); got != test.want {
				t.Errorf("handler saw\n%q, want\n%q", got, test.want)
			}
		})
	}
}

func TestOriginFormPasses(t *testing.T) {
	t.Parallel()
	h := open(t, 0, echo)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get(h.url + "/x")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, res), "GET "+h.url[7:]+" /x abs=false tls=false HTTP/1.1 "; got != want {
		t.Errorf("handler saw %q, want %q", got, want)
	}
}

// TestRefusals sends what must not get through, outside and inside of TLS. The
// trap is an address that answers, so a door that dialled would be seen.
func TestRefusals(t *testing.T) {
	t.Parallel()
	h := open(t, 0, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("handler reached by %s %s", r.Method, r.RequestURI)
	})
	trap := newTrap(t)
	tests := []struct {
		name, request string
		status        int
	}{
		{"other host", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443", 403},
		{"other port", "CONNECT coreshed.localhost:80 HTTP/1.1\r\nHost: x", 403},
		{"no port", "CONNECT coreshed.localhost HTTP/1.1\r\nHost: x", 403},
		{"address", "CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: x", 403},
		{"living address", "CONNECT " + trap.addr() + " HTTP/1.1\r\nHost: coreshed.localhost:443", 403},
		{"user info", "CONNECT me@coreshed.localhost:443 HTTP/1.1\r\nHost: x", 403},
		{"trailing dot", "CONNECT coreshed.localhost.:443 HTTP/1.1\r\nHost: x", 403},
		{"letter that folds into ASCII", "CONNECT core\u017fhed.localhost:443 HTTP/1.1\r\nHost: x", 403},
		{"path", "CONNECT coreshed.localhost:443/x HTTP/1.1\r\nHost: x", 403},
		{"path only", "CONNECT /coreshed.localhost:443 HTTP/1.1\r\nHost: coreshed.localhost:443", 403},
		{"scheme", "CONNECT https://coreshed.localhost:443 HTTP/1.1\r\nHost: x", 403},
		{"body", "CONNECT coreshed.localhost:443 HTTP/1.1\r\nHost: x\r\nContent-Length: 3", 400},
		{"chunked body", "CONNECT coreshed.localhost:443 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked", 400},
		{"two host headers", "CONNECT coreshed.localhost:443 HTTP/1.1\r\nHost: x\r\nHost: y", 400},
		{"absolute form, other host", "GET http://" + trap.addr() + "/ HTTP/1.1\r\nHost: coreshed.localhost", 403},
		{"absolute form, other port", "GET http://coreshed.localhost:443/ HTTP/1.1\r\nHost: x", 403},
		{"absolute form, user info", "GET http://me@coreshed.localhost/ HTTP/1.1\r\nHost: x", 403},
		{"absolute form, https", "GET https://coreshed.localhost/ HTTP/1.1\r\nHost: x", 403},
		{"absolute form, ftp", "GET ftp://coreshed.localhost/ HTTP/1.1\r\nHost: x", 403},
		{"absolute form, no host", "GET http:///x HTTP/1.1\r\nHost: x", 403},
		{"opaque", "GET http:coreshed.localhost HTTP/1.1\r\nHost: x", 403},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res := ask(t, h.dial(t), test.request)
			body := text(t, res)
			if res.StatusCode != test.status {
				t.Fatalf("status %d %q, want %d", res.StatusCode, body, test.status)
			}
			if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
				t.Errorf("content type %q, want text/plain", got)
			}
		})
	}
	inside := []string{
		"CONNECT coreshed.localhost:443 HTTP/1.1\r\nHost: coreshed.localhost:443",
		"CONNECT " + trap.addr() + " HTTP/1.1\r\nHost: x",
		"GET http://coreshed.localhost/ HTTP/1.1\r\nHost: coreshed.localhost",
		"GET https://example.com/ HTTP/1.1\r\nHost: coreshed.localhost",
	}
	for _, request := range inside {
		t.Run("inside "+request[:strings.Index(request, " HTTP")], func(t *testing.T) {
			res := ask(t, h.enter(t), request)
			if body := text(t, res); res.StatusCode != http.StatusForbidden {
				t.Fatalf("status %d %q, want 403", res.StatusCode, body)
			}
		})
	}
	trap.check(t)
}

func TestAbsoluteFormInside(t *testing.T) {
	t.Parallel()
	h := open(t, 0, echo)
	res := ask(t, h.enter(t), "GET https://coreshed.localhost/x HTTP/1.1\r\nHost: other")
	if got, want := text(t, res), "GET coreshed.localhost /x abs=false tls=true HTTP/1.1 "; got != want {
		t.Errorf("handler saw %q, want %q", got, want)
	}
}

// TestPipelinedHello sends CONNECT and the ClientHello in one packet.
func TestPipelinedHello(t *testing.T) {
	t.Parallel()
	h := open(t, 0, echo)
	conn := tls.Client(&eager{Conn: h.dial(t), held: []byte(connectLine)}, h.trust())
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	res := ask(t, conn, "GET /x HTTP/1.1\r\nHost: coreshed.localhost")
	if got, want := text(t, res), "GET coreshed.localhost /x abs=false tls=true HTTP/1.1 "; got != want {
		t.Errorf("handler saw %q, want %q", got, want)
	}
}

func TestSlowHandshakeIsCut(t *testing.T) {
	t.Parallel()
	h := open(t, 50*time.Millisecond, echo)
	for name, first := range map[string]string{"silent": "", "half a record": "\x16\x03\x01\x02\x00\x01"} {
		conn := h.dial(t)
		start := time.Now()
		if _, err := io.WriteString(conn, connectLine+first); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if isTimeout(err) {
			t.Errorf("%s: still open after %v", name, time.Since(start))
		}
		if !bytes.HasPrefix(answer, []byte(established)) {
			t.Errorf("%s: answer %q", name, answer)
		}
	}
}

// TestPatience: the inner server has a limit even where the outer has none.
func TestPatience(t *testing.T) {
	t.Parallel()
	for given, want := range map[time.Duration]time.Duration{
		0:           handshakeTimeout,
		time.Minute: handshakeTimeout,
		time.Second: time.Second,
	} {
		if got := open(t, given, echo).server.ReadHeaderTimeout; got != want {
			t.Errorf("header time %v became %v, want %v", given, got, want)
		}
	}
}

func TestShutdownWaitsForResponses(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	h := open(t, 0, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first ")
		http.NewResponseController(w).Flush()
		<-release
		io.WriteString(w, "second")
	})
	res, err := h.client(t).Get("https://coreshed.localhost/")
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := h.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown beside a running response: %v, want deadline exceeded", err)
	}
	late := h.dial(t)
	if _, err := io.WriteString(late, connectLine); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(late); err != nil || string(answer) != established {
		t.Errorf("connection after shutdown: %q, %v; want it established and closed", answer, err)
	}
	close(release)
	if got := text(t, res); got != "first second" {
		t.Errorf("running response became %q", got)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("shutdown after the response: %v", err)
	}
}

func TestCloseCutsResponses(t *testing.T) {
	t.Parallel()
	h := open(t, 0, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	res, err := h.client(t).Get("https://coreshed.localhost/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the response ended as if it were whole")
	}
}

// FuzzConnect sends CONNECT with anything behind it. Where the input says TRAP,
// the address of a listener is put that must never hear from the door.
func FuzzConnect(f *testing.F) {
	for _, seed := range []string{
		"coreshed.localhost:443 HTTP/1.1\r\nHost: coreshed.localhost:443\r\n\r\n",
		"CORESHED.localhost:443 HTTP/1.0\r\n\r\n\x16\x03\x01\x00\x05hello",
		"TRAP HTTP/1.1\r\nHost: coreshed.localhost:443\r\n\r\n",
		"coreshed.localhost:443@TRAP HTTP/1.1\r\nHost: TRAP\r\n\r\n",
		"TRAP@coreshed.localhost:443 HTTP/1.1\r\nHost: TRAP\r\n\r\n",
		"http://TRAP/ HTTP/1.1\r\nHost: TRAP\r\n\r\n",
		"%63oreshed.localhost:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"core\u017fhed.localhost:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"coreshed.localhost:443 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd",
		"[::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		" HTTP/1.1\r\n\r\n", "\r\n", "",
	} {
		f.Add([]byte(seed))
	}
	h := open(f, time.Second, echo)
	trap := newTrap(f)
	f.Fuzz(func(t *testing.T, rest []byte) {
		raw := append([]byte("CONNECT "), bytes.ReplaceAll(rest, []byte("TRAP"), []byte(trap.addr()))...)
		conn := h.dial(t).(*net.TCPConn)
		defer conn.Close()
		if _, err := conn.Write(raw); err == nil {
			_ = conn.CloseWrite()
		}
		answer, _ := bufio.NewReader(conn).ReadString('\n')
		checkAnswer(t, raw, answer)
		trap.check(t)
	})
}

// checkAnswer wants 200 for the one good target, and 403 or 400 for others. The
// rest are what net/http says to requests that no handler sees; no answer is
// for requests that end too early.
func checkAnswer(t *testing.T, raw []byte, answer string) {
	t.Helper()
	line, _, _ := strings.Cut(string(raw), "\n")
	target, _, _ := strings.Cut(strings.TrimPrefix(line, "CONNECT "), " ")
	_, status, _ := strings.Cut(answer, " ")
	status, _, _ = strings.Cut(strings.TrimSpace(status), " ")
	switch status {
	case "200":
		if strings.ToLower(target) != tlsName+":443" || strings.ContainsFunc(target, func(r rune) bool { return r > 127 }) {
			t.Errorf("%q was let in", raw)
		}
	case "", "400", "403", "417", "431", "501", "505":
	default:
		t.Errorf("%q was answered %q", raw, answer)
	}
}
