//go:build ring2 && linux

package faults

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreshed/coreshed/test/live"
)

const whole = 1 << 62 // bytes; more than there are

// wire is a network that breaks: it passes so many bytes of each connection to
// the server and so many back, and at the next one resets it at both ends.
type wire struct {
	server      string
	there, back int64
}

// through returns the address of a wire to the server.
func through(t *testing.T, s *live.Shed, there, back int64) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := wire{strings.TrimPrefix(s.URL(), "http://"), there, back}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { w.carry(c.(*net.TCPConn)) })
		}
	})
	return "http://" + l.Addr().String()
}

func (w wire) carry(client *net.TCPConn) {
	defer client.Close()
	c, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	server := c.(*net.TCPConn)
	defer server.Close()
	var wg sync.WaitGroup
	pass := func(to, from *net.TCPConn, limit int64) {
		io.CopyN(to, from, limit)
		if _, err := from.Read(make([]byte, 1)); err != nil {
			to.CloseWrite()
			return
		}
		for _, end := range []*net.TCPConn{client, server} {
			end.SetLinger(0)
			end.Close()
		}
	}
	wg.Go(func() { pass(server, client, w.there) })
	wg.Go(func() { pass(client, server, w.back) })
	wg.Wait()
}

// over returns an address of the server as one of a wire.
func over(s *live.Shed, address, wire string) string {
	return wire + strings.TrimPrefix(address, s.URL())
}

// cut sends a request over a wire on which it must not be answered.
func cut(t *testing.T, s *live.Shed, method, address string, body []byte, headers ...string) {
	t.Helper()
	headers = append(headers, "x-ms-blob-type", "BlockBlob")
	if a, err := s.Do(method, address, bytes.NewReader(body), headers...); err == nil {
		t.Fatalf("%s over a broken wire was answered with %d", method, a.Status)
	}
}

// settled waits until nothing is being written.
func settled(t *testing.T, s *live.Shed) []string {
	t.Helper()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		names := objects(t, s)
		writing := slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".tmp") })
		if !writing || time.Since(start) > 10*time.Second {
			return names
		}
	}
}

// TestCutBody resets the connection at several places of a body. Nothing has
// happened then.
func TestCutBody(t *testing.T) {
	s := live.Start(t, binaryPath, t.TempDir()+"/data")
	body := random(1 << 20)
	u := reserve(t, s, "cut.las")
	for _, passed := range []int64{600, 10_000, 500_000, 1 << 20} {
		wire := through(t, s, passed, whole)
		cut(t, s, http.MethodPut, over(s, u.BlockURL("a"), wire), body)
		cut(t, s, http.MethodPut, over(s, u.URL, wire), body)
		if names := settled(t, s); len(names) > 0 {
			t.Errorf("cut after %d bytes: it left %v", passed, names)
		}
	}
	wantPaths(t, s)
	_, err := s.PutBlockList(u, "a")
	wantStatus(t, "a list of a block that was cut", err, http.StatusBadRequest)
	if err := s.PutBlock(u, "a", body); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutBlockList(u, "a"); err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, u, body)
}

// TestLostAnswer loses the answers of commits, which the client then repeats.
func TestLostAnswer(t *testing.T) {
	s := live.Start(t, binaryPath, t.TempDir()+"/data")
	wire := through(t, s, whole, 0)
	body := random(100_000)
	blocks, blob := reserve(t, s, "blocks.las"), reserve(t, s, "blob.las")
	cut(t, s, http.MethodPut, over(s, blocks.BlockURL("a"), wire), body)
	if err := s.PutBlock(blocks, "a", body); err != nil {
		t.Errorf("the block again: %v", err)
	}
	cut(t, s, http.MethodPut, over(s, blocks.URL+"&comp=blocklist", wire), live.BlockList("a"))
	cut(t, s, http.MethodPut, over(s, blob.URL, wire), body)
	wantPaths(t, s, "blocks.las", "blob.las") // it has happened
	for name, repeat := range map[string]func() (string, error){
		"Put Block List": func() (string, error) { return s.PutBlockList(blocks, "a") },
		"Put Blob":       func() (string, error) { return s.PutBlob(blob, body) },
	} {
		first, err := repeat()
		if err != nil {
			t.Errorf("%s again: %v", name, err)
		}
		if second, err := repeat(); err != nil || second != first {
			t.Errorf("%s a third time: ETag %s, %v; want %s", name, second, err, first)
		}
	}
	wantContent(t, s, blocks, body)
	wantContent(t, s, blob, body)
	wantPaths(t, s, "blocks.las", "blob.las")
}

// TestLostMark loses the answers of a delete and a restore.
func TestLostMark(t *testing.T) {
	s := live.Start(t, binaryPath, t.TempDir()+"/data")
	wire := through(t, s, whole, 0)
	body := random(1000)
	u := put(t, s, "mark.las", body)
	file, token := over(s, s.Files+"/"+u.FileID, wire), "Bearer "+s.Token
	cut(t, s, http.MethodDelete, file, nil, "Authorization", token)
	wantPaths(t, s)
	if err := s.Delete(u.FileID); err != nil {
		t.Errorf("the delete again: %v", err)
	}
	cut(t, s, http.MethodPut, file+"?deleted=false", nil, "Authorization", token)
	if err := s.Restore(u.FileID); err != nil {
		t.Errorf("the restore again: %v", err)
	}
	wantPaths(t, s, "mark.las")
	wantContent(t, s, u, body)
}

// TestCutAnswer resets a download on its way, which the client must notice.
func TestCutAnswer(t *testing.T) {
	s := live.Start(t, binaryPath, t.TempDir()+"/data")
	body := random(8 << 20)
	u := put(t, s, "large.las", body)
	address, err := s.DownloadURL(u.FileID, u.VersionID)
	if err != nil {
		t.Fatal(err)
	}
	for _, passed := range []int64{0, 10, 1000, 4 << 20} {
		cut(t, s, http.MethodGet, over(s, address, through(t, s, whole, passed)), nil)
	}
	wantContent(t, s, u, body)
}

// TestSlowClient begins the head of a request, and a body, and sends no more.
// The server ends both, each in its time.
func TestSlowClient(t *testing.T) {
	for name, c := range map[string]struct {
		rest        string // of what is sent
		least, most time.Duration
	}{
		"head": {"", 8 * time.Second, 20 * time.Second},
		"body": {"\r\nbegun", 50 * time.Second, 80 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := live.Start(t, binaryPath, t.TempDir()+"/data")
			u := reserve(t, s, "slow.las")
			block, err := url.Parse(u.BlockURL("a"))
			if err != nil {
				t.Fatal(err)
			}
			head := fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n", block.RequestURI(), block.Host)
			took, answer := stall(t, block.Host, head+c.rest)
			if took < c.least || took > c.most {
				t.Errorf("it was ended after %v, want %v to %v", took, c.least, c.most)
			}
			if answer != nil && answer.StatusCode < 400 {
				t.Errorf("it was answered with %d", answer.StatusCode)
			}
			if names := settled(t, s); len(names) > 0 {
				t.Errorf("it left %v", names)
			}
			_, err = s.PutBlockList(u, "a")
			wantStatus(t, "a list of a block that stalled", err, http.StatusBadRequest)
		})
	}
}

// stall sends the beginning of a request and returns how long the server kept
// the connection, and its answer if it gave one.
func stall(t *testing.T, host, sent string) (time.Duration, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(100 * time.Second))
	start := time.Now()
	io.WriteString(c, sent)
	in := bufio.NewReader(c)
	answer, err := http.ReadResponse(in, nil)
	if err == nil {
		answer.Body.Close()
		io.Copy(io.Discard, in)
	}
	return time.Since(start), answer
}
