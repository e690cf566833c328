//go:build ring2

package clients

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

const miB = 1 << 20

// file is one path in a server's workspace.
type file struct {
	t      *testing.T
	server server
	path   string
	upload string // the signed URL
}

type metadata struct {
	FileID    string `json:"file_id"`
	VersionID string `json:"version_id"`
	Size      int64  `json:"size"`
	ETag      string `json:"etag"`
	Upload    string `json:"upload"`
	Download  string `json:"download"`
}

// newFile asks for an upload to a path that no other test uses.
func newFile(t *testing.T, s server) *file {
	f := &file{t: t, server: s, path: "azure-go/" + uuid.NewString() + "/blob.bin"}
	f.upload = f.call(http.MethodPut).Upload
	return f
}

func (f *file) call(method string) (m metadata) {
	f.t.Helper()
	url := fmt.Sprintf("%s/file/v2/orgs/%s/workspaces/%s/files/path/%s",
		f.server.URL, f.server.OrgID, f.server.WorkspaceID, f.path)
	req, err := http.NewRequestWithContext(f.t.Context(), method, url, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.server.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		f.t.Fatalf("%s %s: %s, %v\n%s", method, url, res.Status, err, body)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		f.t.Fatal(err)
	}
	return m
}

func (f *file) metadata() metadata        { return f.call(http.MethodGet) }
func (f *file) writer() *blockblob.Client { return blobAt(f.t, f.upload) }
func (f *file) reader() *blockblob.Client { return blobAt(f.t, f.metadata().Download) }

// blobAt returns a client that does not retry, so that a test sees the first answer.
func blobAt(t *testing.T, url string) *blockblob.Client {
	t.Helper()
	c, err := blockblob.NewClientWithNoCredential(url, &blockblob.ClientOptions{
		ClientOptions: azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// store makes a file of n random bytes.
func store(t *testing.T, s server, n int) (*file, []byte) {
	t.Helper()
	f, content := newFile(t, s), noise(n)
	if _, err := f.writer().UploadBuffer(t.Context(), content, nil); err != nil {
		t.Fatal(err)
	}
	return f, content
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func body(b []byte) io.ReadSeekCloser { return streaming.NopCloser(bytes.NewReader(b)) }

func blockID(n int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%08d", n))
}

// read downloads a range: all that follows when n is 0.
func read(t *testing.T, c *blockblob.Client, offset, n int64) []byte {
	t.Helper()
	res, err := c.DownloadStream(t.Context(), &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: offset, Count: n}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantError checks for the code that Azure's documentation gives to a failure.
func wantError(t *testing.T, err error, status int, codes ...bloberror.Code) {
	t.Helper()
	wantStatus(t, err, status)
	if !bloberror.HasCode(err, codes...) {
		t.Errorf("got %v, want %v", err, codes)
	}
}

func wantStatus(t *testing.T, err error, want int) {
	t.Helper()
	got := http.StatusOK
	var res *azcore.ResponseError
	if errors.As(err, &res) {
		got = res.StatusCode
	} else if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("status %d, want %d: %v", got, want, err)
	}
}

func TestAzureGoRoundTrip(t *testing.T) {
	s := start(t, asMe)
	for _, size := range []int{0, 1, 100_000, 9*miB + 3} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			f, content := store(t, s, size)
			if got := f.metadata().Size; got != int64(size) {
				t.Errorf("size is %d, want %d", got, size)
			}
			if !bytes.Equal(read(t, f.reader(), 0, 0), content) {
				t.Error("other bytes came back from one stream")
			}
			got := make([]byte, size)
			if _, err := f.reader().DownloadBuffer(t.Context(), got, &blob.DownloadBufferOptions{BlockSize: miB}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, content) {
				t.Error("other bytes came back from parallel ranges")
			}
		})
	}
}

func TestAzureGoBlocks(t *testing.T) {
	s, ctx := start(t, asMe), t.Context()
	f, content := newFile(t, s), noise(5*miB+3)
	if _, err := f.writer().UploadStream(ctx, bytes.NewReader(content), &blockblob.UploadStreamOptions{
		BlockSize: miB, Concurrency: 4, TransactionalValidation: blob.TransferValidationTypeComputeCRC64(),
	}); err != nil {
		t.Fatal(err)
	}

	if !bytes.Equal(read(t, f.reader(), 0, 0), content) {
		t.Error("other bytes came back")
	}
	list, err := f.reader().GetBlockList(ctx, blockblob.BlockListTypeAll, nil)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int64
	for _, b := range list.CommittedBlocks {
		sizes = append(sizes, *b.Size)
	}
	if diff := cmp.Diff([]int64{miB, miB, miB, miB, miB, 3}, sizes); diff != "" {
		t.Errorf("committed blocks (-want +got):\n%s", diff)
	}
	if len(list.UncommittedBlocks) != 0 {
		t.Errorf("uncommitted blocks: %v", list.UncommittedBlocks)
	}
}

func TestAzureGoBlockOrder(t *testing.T) {
	s, ctx := start(t, asMe), t.Context()
	f := newFile(t, s)
	w := f.writer()
	for _, b := range []struct {
		id   int
		text string
	}{{2, "second"}, {1, "first-"}, {3, "dropped"}, {1, "FIRST-"}} {
		if _, err := w.StageBlock(ctx, blockID(b.id), body([]byte(b.text)), nil); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.CommitBlockList(ctx, []string{blockID(1), blockID(4)}, nil)
	wantError(t, err, http.StatusBadRequest, bloberror.InvalidBlockList)
	first, err := w.CommitBlockList(ctx, []string{blockID(1), blockID(2)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.CommitBlockList(ctx, []string{blockID(1), blockID(2)}, nil)
	if err != nil || *again.ETag != *first.ETag {
		t.Errorf("a repeated commit: %v, ETag %v after %v", err, again.ETag, first.ETag)
	}
	if got := string(read(t, f.reader(), 0, 0)); got != "FIRST-second" {
		t.Errorf("got %q", got)
	}
}

func TestAzureGoChecksums(t *testing.T) {
	s, ctx := start(t, asMe), t.Context()
	w := newFile(t, s).writer()

	_, err := w.StageBlock(ctx, blockID(1), body([]byte("x")), &blockblob.StageBlockOptions{
		TransactionalValidation: blob.TransferValidationTypeCRC64(1),
	})
	wantError(t, err, http.StatusBadRequest, "Crc64Mismatch")
	_, err = w.StageBlock(ctx, blockID(1), body([]byte("x")), &blockblob.StageBlockOptions{
		TransactionalValidation: blob.TransferValidationTypeMD5(make([]byte, 16)),
	})
	wantError(t, err, http.StatusBadRequest, bloberror.MD5Mismatch)
	_, err = w.CommitBlockList(ctx, []string{blockID(1)}, nil)
	wantError(t, err, http.StatusBadRequest, bloberror.InvalidBlockList)
}

func TestAzureGoRanges(t *testing.T) {
	f, content := store(t, start(t, asMe), 100_000)
	r := f.reader()

	for _, c := range []struct {
		offset, n int64
		want      []byte
	}{
		{0, 1, content[:1]},
		{1234, 5678, content[1234 : 1234+5678]},
		{99_990, 1000, content[99_990:]},
		{99_999, 0, content[99_999:]},
		{0, 100_000, content},
	} {
		if !bytes.Equal(read(t, r, c.offset, c.n), c.want) {
			t.Errorf("other bytes for %d from %d", c.n, c.offset)
		}
	}
	_, err := r.DownloadStream(t.Context(), &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: 100_000, Count: 1}})
	wantError(t, err, http.StatusRequestedRangeNotSatisfiable, bloberror.InvalidRange)
}

func TestAzureGoProperties(t *testing.T) {
	f, _ := store(t, start(t, asMe), 100_000)
	got, err := f.reader().GetProperties(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *got.ContentLength != 100_000 || *got.AcceptRanges != "bytes" || *got.BlobType != blob.BlobTypeBlockBlob {
		t.Errorf("length %d, ranges %q, type %q", *got.ContentLength, *got.AcceptRanges, *got.BlobType)
	}
	if want := f.metadata().ETag; string(*got.ETag) != want {
		t.Errorf("ETag %s, and the file's is %s", *got.ETag, want)
	}
	if want := "attachment; filename*=UTF-8''blob.bin"; *got.ContentDisposition != want {
		t.Errorf("Content-Disposition %q, want %q", *got.ContentDisposition, want)
	}
	if got.LastModified == nil || got.CreationTime == nil {
		t.Errorf("modified %v, created %v", got.LastModified, got.CreationTime)
	}
}

func TestAzureGoConditions(t *testing.T) {
	f, _ := store(t, start(t, asMe), 100)
	r := f.reader()
	props, err := r.GetProperties(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	other, earlier := azcore.ETag(`"0x1"`), to.Ptr(props.LastModified.Add(-time.Hour))
	for _, c := range []struct {
		name       string
		conditions blob.ModifiedAccessConditions
		status     int
	}{
		{"same", blob.ModifiedAccessConditions{IfMatch: props.ETag}, 200},
		{"not another", blob.ModifiedAccessConditions{IfNoneMatch: &other}, 200},
		{"newer", blob.ModifiedAccessConditions{IfModifiedSince: earlier}, 200},
		{"not newer", blob.ModifiedAccessConditions{IfUnmodifiedSince: props.LastModified}, 200},
		{"another", blob.ModifiedAccessConditions{IfMatch: &other}, 412},
		{"changed", blob.ModifiedAccessConditions{IfUnmodifiedSince: earlier}, 412},
		{"known", blob.ModifiedAccessConditions{IfNoneMatch: props.ETag}, 304},
		{"unchanged", blob.ModifiedAccessConditions{IfModifiedSince: props.LastModified}, 304},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The client takes a 304 on a download for success: look at the answer itself.
			var answer *http.Response
			ctx := policy.WithCaptureResponse(t.Context(), &answer)
			conditions := &blob.AccessConditions{ModifiedAccessConditions: &c.conditions}

			r.GetProperties(ctx, &blob.GetPropertiesOptions{AccessConditions: conditions})
			if answer.StatusCode != c.status {
				t.Errorf("HEAD: %s, want %d", answer.Status, c.status)
			}
			r.DownloadStream(ctx, &blob.DownloadStreamOptions{AccessConditions: conditions})
			answer.Body.Close()
			if answer.StatusCode != c.status {
				t.Errorf("GET: %s, want %d", answer.Status, c.status)
			}
		})
	}
}

func TestAzureGoVersionNeverChanges(t *testing.T) {
	f, content := store(t, start(t, asMe), 100)
	ctx, w := t.Context(), f.writer()
	once := &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)}}

	again, err := w.Upload(ctx, body(content), nil)
	if err != nil || string(*again.ETag) != f.metadata().ETag {
		t.Errorf("a repeated upload: %v, ETag %v", err, again.ETag)
	}
	_, err = w.Upload(ctx, body(content), &blockblob.UploadOptions{AccessConditions: once})
	wantError(t, err, http.StatusConflict, bloberror.BlobAlreadyExists)
	_, err = w.Upload(ctx, body([]byte("other")), nil)
	wantStatus(t, err, http.StatusConflict)
	_, err = w.StageBlock(ctx, blockID(1), body([]byte("x")), nil)
	wantStatus(t, err, http.StatusConflict)
	_, err = w.CommitBlockList(ctx, nil, nil)
	wantStatus(t, err, http.StatusConflict)
	if !bytes.Equal(read(t, f.reader(), 0, 0), content) {
		t.Error("the bytes changed")
	}
}

func TestAzureGoPermissions(t *testing.T) {
	f, _ := store(t, start(t, asMe), 100)
	ctx, r, w := t.Context(), f.reader(), f.writer()
	for name, call := range map[string]func() error{
		"read":       func() error { _, err := w.DownloadStream(ctx, nil); return err },
		"properties": func() error { _, err := w.GetProperties(ctx, nil); return err },
		"block list": func() error { _, err := w.GetBlockList(ctx, blockblob.BlockListTypeAll, nil); return err },
		"write":      func() error { _, err := r.Upload(ctx, body([]byte("x")), nil); return err },
		"stage":      func() error { _, err := r.StageBlock(ctx, blockID(1), body([]byte("x")), nil); return err },
		"commit":     func() error { _, err := r.CommitBlockList(ctx, nil, nil); return err },
		"delete":     func() error { _, err := r.Delete(ctx, nil); return err },
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, call(), http.StatusForbidden, bloberror.AuthorizationPermissionMismatch)
		})
	}
}

func TestAzureGoTampering(t *testing.T) {
	f, _ := store(t, start(t, asMe), 100)
	signed := f.metadata().Download
	for name, change := range map[string][2]string{
		"signature":   {`sig=...`, "sig=AAA"},
		"expiry":      {`se=20..`, "se=2099"},
		"permission":  {`sp=r`, "sp=w"},
		"disposition": {`blob\.bin`, "other.bin"},
		"version":     {`/\d+\?`, "/1?"},
		"unsigned":    {`sig=[^&]*`, "sig="},
	} {
		t.Run(name, func(t *testing.T) {
			tampered := regexp.MustCompile(change[0]).ReplaceAllString(signed, change[1])
			if tampered == signed {
				t.Fatalf("nothing to change in %s", strings.Split(signed, "?")[0])
			}
			_, err := blobAt(t, tampered).DownloadStream(t.Context(), nil)
			wantError(t, err, http.StatusForbidden, bloberror.AuthenticationFailed)
		})
	}
}

func TestAzureGoExpired(t *testing.T) {
	s, ctx := start(t, asMe, "--url-lifetime", "2s"), context.Background()
	f, _ := store(t, s, 100)
	r, late := f.reader(), newFile(t, s).writer()
	time.Sleep(3 * time.Second)

	_, err := r.DownloadStream(ctx, nil)
	wantError(t, err, http.StatusForbidden, bloberror.AuthenticationFailed)
	_, err = late.StageBlock(ctx, blockID(1), body([]byte("x")), nil)
	wantError(t, err, http.StatusForbidden, bloberror.AuthenticationFailed)
}
