package blobapi_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blobapi"
)

const blockBlob = "x-ms-blob-type: BlockBlob"

func crc64Of(data []byte) string {
	sum := crc64.Checksum(data, crc64.MakeTable(0x9A6C9329AC4BC9B5))
	return base64.StdEncoding.EncodeToString(binary.LittleEndian.AppendUint64(nil, sum))
}

func TestPutBlob(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		data := some(10_000)
		b := p.reserve(t, "a/b.csv")
		r := p.want(t, 201, "", p.put(t, p.up(t, b), data, blockBlob, "Content-MD5: "+md5Of(data), "x-ms-content-crc64: "+crc64Of(data),
			"x-ms-version: 2099-01-01", "x-ms-client-request-id: my id", "Content-Type: text/csv", "x-ms-blob-content-language: de",
			"x-ms-meta-colour: red", "x-ms-access-tier: Cool", "x-ms-tags: a=b"))
		for name, want := range map[string]string{
			"Content-MD5": md5Of(data), "x-ms-content-crc64": crc64Of(data), "x-ms-request-server-encrypted": "true",
			"x-ms-version": "2099-01-01", "x-ms-client-request-id": "my id",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		got := p.wantContent(t, b, data)
		for name, want := range map[string]string{
			"ETag": r.Header.Get("ETag"), "Last-Modified": r.Header.Get("Last-Modified"), "Content-MD5": md5Of(data),
			"Content-Type": "text/csv", "Content-Language": "de", "x-ms-version": "2023-08-03",
		} {
			if got.Header.Get(name) != want || want == "" {
				t.Errorf("%s of the blob: %q, want %q", name, got.Header.Get(name), want)
			}
		}
	})
}

func TestPutBlobRepeated(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		data := some(5000)
		b := p.reserve(t, "a.csv")
		up := p.up(t, b)
		first := p.want(t, 201, "", p.put(t, up, data, blockBlob))
		again := p.want(t, 201, "", p.put(t, up, data, blockBlob))
		if first.Header.Get("ETag") != again.Header.Get("ETag") {
			t.Errorf("the repeat has ETag %s, not %s", again.Header.Get("ETag"), first.Header.Get("ETag"))
		}
		other := bytes.Clone(data)
		other[17]++
		p.want(t, 409, "BlobAlreadyExists", p.put(t, up, other, blockBlob))
		p.want(t, 409, "BlobAlreadyExists", p.put(t, up, data[:4999], blockBlob))
		p.want(t, 409, "BlobAlreadyExists", p.put(t, blockURL(up, blockID(0)), data))
		p.want(t, 409, "BlobAlreadyExists", p.put(t, up+"&comp=blocklist", listOf()))
		p.want(t, 409, "BlobAlreadyExists", p.put(t, up, data, blockBlob, "If-None-Match: *"))
		p.wantContent(t, b, data)
	})
}

func TestBlocks(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		b := p.reserve(t, "a.csv")
		up, data := p.up(t, b), some(10_000)
		p.want(t, 201, "", p.put(t, blockURL(up, blockID(2)), data[6000:]))
		p.want(t, 201, "", p.put(t, blockURL(up, blockID(0)), []byte("replaced")))
		r := p.want(t, 201, "", p.put(t, blockURL(up, blockID(0)), data[:6000], "Content-MD5: "+md5Of(data[:6000])))
		if r.Header.Get("ETag") != "" || r.Header.Get("Content-MD5") != md5Of(data[:6000]) {
			t.Errorf("headers of Put Block: %v", r.Header)
		}
		p.want(t, 201, "", p.put(t, blockURL(up, blockID(7)), []byte("not listed")))
		p.wantNothing(t, b)

		list := listOf(blockID(0), blockID(2), blockID(0))
		first := p.want(t, 201, "", p.put(t, up+"&comp=blocklist", list, "Content-Type: text/plain; charset=UTF-8",
			"Content-MD5: "+md5Of(list), "x-ms-blob-content-type: text/csv", "x-ms-blob-content-md5: "+md5Of([]byte("wrong"))))
		if first.Header.Get("x-ms-content-crc64") != crc64Of(list) {
			t.Errorf("CRC-64 of the list: %q", first.Header.Get("x-ms-content-crc64"))
		}
		whole := append(bytes.Clone(data), data[:6000]...)
		got := p.wantContent(t, b, whole)
		if got.Header.Get("Content-Type") != "text/csv" || got.Header.Get("Content-MD5") != "" {
			t.Errorf("headers of the blob: %v", got.Header)
		}
		again := p.want(t, 201, "", p.put(t, p.up(t, b)+"&comp=blocklist", list,
			"x-ms-blob-content-type: text/csv", "x-ms-blob-content-md5: "+md5Of([]byte("wrong"))))
		if first.Header.Get("ETag") != again.Header.Get("ETag") {
			t.Error("a repeated block list has another ETag")
		}
		for _, other := range [][]byte{listOf(blockID(0), blockID(2)), listOf(), listOf(blockID(9))} {
			p.want(t, 409, "BlobAlreadyExists", p.put(t, up+"&comp=blocklist", other))
		}
		p.want(t, 409, "BlobAlreadyExists", p.put(t, blockURL(up, blockID(0)), data))
		p.wantContent(t, b, whole)
	})
}

func TestEmptyBlob(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		listed, put := p.reserve(t, "a"), p.reserve(t, "b")
		p.want(t, 201, "", p.put(t, p.up(t, listed)+"&comp=blocklist", listOf()))
		p.want(t, 201, "", p.put(t, p.up(t, put), nil, blockBlob))
		p.wantContent(t, listed, nil)
		p.wantContent(t, put, nil)
		for range 2 {
			p.want(t, 201, "", p.put(t, p.up(t, put), nil, blockBlob))
		}
	})
}

// TestRefusedWrites sends every request that a write refuses and checks that
// nothing has changed.
func TestRefusedWrites(t *testing.T) {
	long := base64.StdEncoding.EncodeToString(make([]byte, 65))
	data, p := some(100), inMemory(t, blobapi.Config{})
	for name, tt := range map[string]struct {
		status  int
		code    string
		query   string
		body    string
		headers []string
	}{
		"no blob type":         {400, "MissingRequiredHeader", "", "x", nil},
		"page blob":            {400, "InvalidHeaderValue", "", "x", []string{"x-ms-blob-type: PageBlob"}},
		"MD5 of others":        {400, "Md5Mismatch", "", string(data), []string{blockBlob, "Content-MD5: " + md5Of(nil)}},
		"stored MD5 of others": {400, "Md5Mismatch", "", string(data), []string{blockBlob, "x-ms-blob-content-md5: " + md5Of(nil)}},
		"two MD5": {400, "Md5Mismatch", "", string(data),
			[]string{blockBlob, "Content-MD5: " + md5Of(data), "x-ms-blob-content-md5: " + md5Of(nil)}},
		"short MD5":               {400, "InvalidMd5", "", "x", []string{blockBlob, "Content-MD5: AAAA"}},
		"no MD5":                  {400, "InvalidMd5", "", "x", []string{blockBlob, "Content-MD5: ?"}},
		"CRC-64 of others":        {400, "Crc64Mismatch", "", "x", []string{blockBlob, "x-ms-content-crc64: AAAAAAAAAAA="}},
		"short CRC-64":            {400, "InvalidHeaderValue", "", "x", []string{blockBlob, "x-ms-content-crc64: AAAA"}},
		"long property":           {400, "InvalidHeaderValue", "", "x", []string{blockBlob, "x-ms-blob-content-type: " + strings.Repeat("x", 1025)}},
		"property in Latin-1":     {400, "InvalidHeaderValue", "", "x", []string{blockBlob, "x-ms-blob-content-type: \xe9"}},
		"copy":                    {400, "InvalidHeaderValue", "", "", []string{blockBlob, "x-ms-copy-source: https://example.org/"}},
		"structured body":         {400, "InvalidHeaderValue", "", "x", []string{blockBlob, "x-ms-structured-body: XSM/1.0; properties=crc64"}},
		"If-Match, nothing there": {412, "ConditionNotMet", "", "x", []string{blockBlob, `If-Match: "a"`}},
		"no date":                 {400, "InvalidHeaderValue", "", "x", []string{blockBlob, "If-Unmodified-Since: yesterday"}},

		"block without id":    {400, "MissingRequiredQueryParameter", "&comp=block", "x", nil},
		"block, empty id":     {400, "InvalidQueryParameterValue", "&comp=block&blockid=", "x", nil},
		"block, no base64":    {400, "InvalidQueryParameterValue", "&comp=block&blockid=%3F%3F", "x", nil},
		"block, unpadded":     {400, "InvalidQueryParameterValue", "&comp=block&blockid=AAA", "x", nil},
		"block, long id":      {400, "InvalidQueryParameterValue", "&comp=block&blockid=" + long, "x", nil},
		"block, two ids":      {400, "InvalidQueryParameterValue", "&comp=block&blockid=AAAA&blockid=AAAA", "x", nil},
		"block, line break":   {400, "InvalidQueryParameterValue", "&comp=block&blockid=AA%0AAA", "x", nil},
		"block, empty":        {400, "InvalidHeaderValue", "&comp=block&blockid=AAAA", "", nil},
		"block, other length": {400, "InvalidBlobOrBlock", "&comp=block&blockid=AAAA", "x", nil},
		"block, MD5":          {400, "Md5Mismatch", "&comp=block&blockid=" + blockID(0), "x", []string{"Content-MD5: " + md5Of(nil)}},
		"block, CRC-64":       {400, "Crc64Mismatch", "&comp=block&blockid=" + blockID(0), "x", []string{"x-ms-content-crc64: AAAAAAAAAAA="}},
		"block, copy":         {400, "InvalidHeaderValue", "&comp=block&blockid=" + blockID(0), "x", []string{"x-ms-copy-source: https://example.org/"}},

		"list, unknown block":     {400, "InvalidBlockList", "&comp=blocklist", string(listOf(blockID(0), blockID(1))), nil},
		"list, nothing committed": {400, "InvalidBlockList", "&comp=blocklist", "<BlockList><Committed>" + blockID(0) + "</Committed></BlockList>", nil},
		"list, no XML":            {400, "InvalidXmlDocument", "&comp=blocklist", "{}", nil},
		"list, empty":             {400, "InvalidXmlDocument", "&comp=blocklist", "", nil},
		"list, MD5":               {400, "Md5Mismatch", "&comp=blocklist", string(listOf()), []string{"Content-MD5: " + md5Of(nil)}},
		"list, CRC-64":            {400, "Crc64Mismatch", "&comp=blocklist", string(listOf()), []string{"x-ms-content-crc64: AAAAAAAAAAA="}},
		"list, 50,001":            {400, "BlockListTooLong", "&comp=blocklist", "<BlockList>" + strings.Repeat("<Latest>AAAA</Latest>", 50_001) + "</BlockList>", nil},
		"list, 17 MiB":            {413, "RequestBodyTooLarge", "&comp=blocklist", strings.Repeat(" ", 17<<20), nil},
		"list, If-Match":          {412, "ConditionNotMet", "&comp=blocklist", string(listOf(blockID(0))), []string{`If-Match: "a"`}},

		"comp twice":       {400, "InvalidQueryParameterValue", "&comp=block&comp=blocklist", "x", nil},
		"comp unknown":     {400, "InvalidQueryParameterValue", "&comp=metadata", "", nil},
		"comp append":      {400, "InvalidQueryParameterValue", "&comp=appendblock", "x", nil},
		"comp tags":        {400, "InvalidQueryParameterValue", "&comp=tags", "x", nil},
		"malformed escape": {400, "InvalidQueryParameterValue", "&comp=%zz", "x", nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := p.reserve(t, name)
			p.want(t, 201, "", p.put(t, blockURL(p.up(t, b), blockID(0)), data))
			before := p.slot(t, b)
			p.want(t, tt.status, tt.code, p.put(t, p.up(t, b)+tt.query, []byte(tt.body), tt.headers...))
			if after := p.slot(t, b); after.Blocks != before.Blocks || after.Committed || after.Used != before.Used {
				t.Errorf("the slot became %+v", after)
			}
			p.wantNothing(t, b)
			p.want(t, 201, "", p.put(t, p.up(t, b)+"&comp=blocklist", listOf(blockID(0))))
			p.wantContent(t, b, data)
		})
	}
}

func TestNoLength(t *testing.T) {
	p := inMemory(t, blobapi.Config{})
	b := p.reserve(t, "a.csv")
	for _, query := range []string{"", "&comp=block&blockid=AAAA", "&comp=blocklist"} {
		chunked := struct{ io.Reader }{strings.NewReader("<BlockList/>")}
		p.want(t, 411, "MissingContentLengthHeader", p.do(t, http.MethodPut, p.up(t, b)+query, chunked, blockBlob))
	}
	p.wantNothing(t, b)
}

func TestFiftyThousandBlocks(t *testing.T) {
	p := inMemory(t, blobapi.Config{})
	b := p.reserve(t, "a.csv")
	p.want(t, 201, "", p.put(t, blockURL(p.up(t, b), blockID(0)), []byte("x")))
	ids := make([]string, 50_000)
	for i := range ids {
		ids[i] = blockID(0)
	}
	p.want(t, 201, "", p.put(t, p.up(t, b)+"&comp=blocklist", listOf(ids...)))
	end := p.want(t, 206, "", p.get(t, p.down(t, b), "Range: bytes=49990-"))
	if got := string(end.body); got != "xxxxxxxxxx" {
		t.Errorf("the last bytes are %q", got)
	}
	// Checking so long a list against the API document takes longer than all else.
	p.client.Transport = http.DefaultTransport
	r := p.want(t, 200, "", p.get(t, p.down(t, b)+"&comp=blocklist"))
	if n := bytes.Count(r.body, []byte("<Size>1</Size>")); n != 50_000 {
		t.Errorf("the list has %d blocks", n)
	}
}

func TestQuota(t *testing.T) {
	p := inMemory(t, blobapi.Config{})
	quota := int64(1000)
	if _, err := p.db.EditWorkspace(t.Context(), p.access, coreshed.WorkspaceEdit{Quota: &quota}); err != nil {
		t.Fatal(err)
	}
	b := p.reserve(t, "a.csv")
	r := p.want(t, 507, "InsufficientStorage", p.put(t, p.up(t, b), some(1001), blockBlob))
	if !bytes.Contains(r.body, []byte("quota")) {
		t.Errorf("the message does not name the cause: %s", r.body)
	}
	p.want(t, 201, "", p.put(t, blockURL(p.up(t, b), blockID(0)), some(600)))
	p.want(t, 507, "InsufficientStorage", p.put(t, blockURL(p.up(t, b), blockID(1)), some(600)))
	p.wantNothing(t, b)
}

func TestDeletedDuringUpload(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		b := p.reserve(t, "a.csv")
		p.want(t, 201, "", p.put(t, blockURL(p.up(t, b), blockID(0)), some(100)))
		if err := p.db.DeleteFile(t.Context(), p.access, b.File); err != nil {
			t.Fatal(err)
		}
		p.want(t, 404, "BlobNotFound", p.put(t, p.up(t, b)+"&comp=blocklist", listOf(blockID(0))))
		p.want(t, 404, "BlobNotFound", p.put(t, p.up(t, b)+"&comp=blocklist", listOf(blockID(0)), "If-None-Match: *"))
		p.want(t, 404, "BlobNotFound", p.put(t, blockURL(p.up(t, b), blockID(1)), some(100)))
		p.want(t, 404, "BlobNotFound", p.put(t, p.up(t, b), some(100), blockBlob))
		p.wantNothing(t, b)
	})
}

// TestCommitRace commits while blocks arrive: whatever wins, readers see
// nothing or all of one list.
func TestCommitRace(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		b := p.reserve(t, "a.csv")
		up := p.up(t, b)
		p.want(t, 201, "", p.put(t, blockURL(up, blockID(0)), bytes.Repeat([]byte{'a'}, 1000)))
		var all sync.WaitGroup
		var mu sync.Mutex
		tags := map[string]bool{}
		for i := range 8 {
			all.Go(func() {
				r := p.put(t, blockURL(up, blockID(0)), bytes.Repeat([]byte{byte('b' + i)}, 1000))
				if r.StatusCode != 201 && r.StatusCode != 409 && r.StatusCode != 404 {
					t.Errorf("Put Block: %d %s", r.StatusCode, r.code())
				}
			})
			all.Go(func() {
				r := p.put(t, up+"&comp=blocklist", listOf(blockID(0)))
				if r.StatusCode != 201 {
					t.Errorf("Put Block List: %d %s", r.StatusCode, r.code())
				}
				mu.Lock()
				defer mu.Unlock()
				tags[r.Header.Get("ETag")] = true
			})
			all.Go(func() {
				if r := p.get(t, p.down(t, b)); r.StatusCode != 404 && len(r.body) != 1000 {
					t.Errorf("Get Blob: %d, %d bytes", r.StatusCode, len(r.body))
				}
			})
		}
		all.Wait()
		if len(tags) != 1 {
			t.Errorf("the same list was committed as %v", tags)
		}
		r := p.want(t, 200, "", p.get(t, p.down(t, b)))
		if !bytes.Equal(r.body, bytes.Repeat(r.body[:1], 1000)) {
			t.Error("the content is mixed")
		}
	})
}

func TestTwoBlobsRace(t *testing.T) {
	p := onDisk(t, blobapi.Config{})
	b := p.reserve(t, "a.csv")
	var all sync.WaitGroup
	won := make(chan string, 8)
	for i := range 8 {
		all.Go(func() {
			body := bytes.Repeat([]byte(strconv.Itoa(i)), 5000)
			switch r := p.put(t, p.up(t, b), body, blockBlob); r.StatusCode {
			case 201:
				won <- string(body)
			case 409:
			default:
				t.Errorf("Put Blob: %d %s", r.StatusCode, r.code())
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Fatalf("%d different bodies were committed", len(won))
	}
	p.wantContent(t, b, []byte(<-won))
}
