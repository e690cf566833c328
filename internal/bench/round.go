package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// passes is how often a download is repeated for one figure: a single one is
// over in a tenth of a second, in which a machine does much else.
const passes = 5

// round is one run of the tests, with blobs of its own: nothing is
// overwritten.
type round struct {
	Blobs
	caller  *caller
	content []byte
	name    string
}

// blobTest is a test of the blob plane. run returns the figure.
type blobTest struct {
	test
	writes bool
	run    func(context.Context, subject) (float64, error)
}

func (r round) tests() []blobTest {
	size := fmt.Sprintf("%d MiB", r.Size>>20)
	blocks := fmt.Sprintf("%d × 4 MiB", r.Size/blockSize)
	atLeast := func(ratio float64) target { return target{ratio: true, least: ratio} }
	return []blobTest{
		{test{"PUT " + size, "MiB/s", atLeast(0.85)}, true, r.put},
		{test{"PUT " + blocks + " and block list, 8 at once", "MiB/s", atLeast(0.85)}, true, r.putBlocks},
		{test{"GET " + size, "MiB/s", atLeast(0.9)}, false, r.get},
		{test{"GET ranges, " + blocks + ", 8 at once", "MiB/s", atLeast(0.9)}, false, r.getRanges},
		{test{"PUT 4 KiB, 16 at once", "1/s", atLeast(0.4)}, true, r.putSmall},
		{test{"GET 4 KiB, 16 at once", "1/s", atLeast(0.5)}, false, r.getSmall},
	}
}

func (r round) big() string { return r.name + "/big.bin" }

func (r round) smallNames() []string {
	names := make([]string, r.Small)
	for i := range names {
		names[i] = fmt.Sprintf("%s/small/%05d.bin", r.name, i)
	}
	return names
}

func (r round) put(ctx context.Context, s subject) (float64, error) {
	urls, err := s.uploads(ctx, r.big())
	if err != nil {
		return 0, err
	}
	start := time.Now()
	err = r.caller.do(ctx, putBlob(urls[0], r.content))
	return r.rate(time.Since(start)), err
}

func (r round) rate(d time.Duration) float64 { return perSecond(float64(r.Size>>20), d) }

func (r round) putBlocks(ctx context.Context, s subject) (float64, error) {
	name := r.name + "/blocks.bin"
	urls, err := s.uploads(ctx, name)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	ids := blockIDs(len(r.content) / blockSize)
	if err := r.caller.stage(ctx, urls[0], ids, func(i int) []byte { return r.content[i*blockSize : (i+1)*blockSize] }); err != nil {
		return 0, err
	}
	err = r.caller.do(ctx, putBlockList(urls[0], ids))
	took := time.Since(start)
	if err == nil && s.name == shedName { // the limit does not join blocks
		err = r.check(ctx, s, name)
	}
	return r.rate(took), err
}

// stage puts the blocks, several at once.
func (c *caller) stage(ctx context.Context, to string, ids []string, block func(int) []byte) error {
	_, err := each(ctx, len(ids), blockClients, func(ctx context.Context, i int) error {
		return c.do(ctx, request{
			method: http.MethodPut, url: to + "&comp=block&blockid=" + url.QueryEscape(ids[i]),
			body: block(i), status: http.StatusCreated,
		})
	})
	return err
}

func (r round) get(ctx context.Context, s subject) (float64, error) {
	if err := r.check(ctx, s, r.big()); err != nil {
		return 0, err
	}
	urls, err := s.downloads(ctx, r.big())
	if err != nil {
		return 0, err
	}
	took, err := each(ctx, passes, 1, func(ctx context.Context, _ int) error {
		return r.caller.do(ctx, request{method: http.MethodGet, url: urls[0], status: http.StatusOK, length: r.Size})
	})
	return passes * r.rate(took), err
}

// check reads a large blob back, byte for byte.
func (r round) check(ctx context.Context, s subject, name string) error {
	urls, err := s.downloads(ctx, name)
	if err != nil {
		return err
	}
	sum := sha256.New()
	if err := r.caller.do(ctx, request{method: http.MethodGet, url: urls[0], status: http.StatusOK, length: r.Size, into: sum}); err != nil {
		return err
	}
	if want := sha256.Sum256(r.content); !bytes.Equal(sum.Sum(nil), want[:]) {
		return errors.New("what came back is not what was sent")
	}
	return nil
}

func (r round) getRanges(ctx context.Context, s subject) (float64, error) {
	urls, err := s.downloads(ctx, r.big())
	if err != nil {
		return 0, err
	}
	blocks := len(r.content) / blockSize
	took, err := each(ctx, passes*blocks, blockClients, func(ctx context.Context, i int) error {
		from := i % blocks * blockSize
		return r.caller.do(ctx, request{
			method: http.MethodGet, url: urls[0], status: http.StatusPartialContent, length: blockSize,
			header: http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", from, from+blockSize-1)}},
		})
	})
	return passes * r.rate(took), err
}

func (r round) putSmall(ctx context.Context, s subject) (float64, error) {
	urls, err := s.uploads(ctx, r.smallNames()...)
	if err != nil {
		return 0, err
	}
	took, err := each(ctx, len(urls), smallClients, func(ctx context.Context, i int) error {
		return r.caller.do(ctx, putBlob(urls[i], r.content[:smallSize]))
	})
	return perSecond(float64(len(urls)), took), err
}

func (r round) getSmall(ctx context.Context, s subject) (float64, error) {
	urls, err := s.downloads(ctx, r.smallNames()...)
	if err != nil {
		return 0, err
	}
	took, err := each(ctx, passes*len(urls), smallClients, func(ctx context.Context, i int) error {
		return r.caller.do(ctx, request{method: http.MethodGet, url: urls[i%len(urls)], status: http.StatusOK, length: smallSize})
	})
	return passes * perSecond(float64(len(urls)), took), err
}

func putBlob(to string, body []byte) request {
	return request{
		method: http.MethodPut, url: to, body: body, status: http.StatusCreated,
		header: http.Header{"X-Ms-Blob-Type": {"BlockBlob"}},
	}
}

func putBlockList(to string, ids []string) request {
	var list strings.Builder
	list.WriteString(`<?xml version="1.0" encoding="utf-8"?><BlockList>`)
	for _, id := range ids {
		list.WriteString("<Latest>" + id + "</Latest>")
	}
	list.WriteString("</BlockList>")
	return request{method: http.MethodPut, url: to + "&comp=blocklist", body: []byte(list.String()), status: http.StatusCreated}
}

// blockIDs are as Seequent's client makes them: 44 characters.
func blockIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%032d", i*blockSize))
	}
	return ids
}

func randomBytes(n int64) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
