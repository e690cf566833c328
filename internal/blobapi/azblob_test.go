package blobapi_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/coreshed/coreshed/internal/signedurl"
)

func azure(t *testing.T, url string) *blockblob.Client {
	t.Helper()
	c, err := blockblob.NewClientWithNoCredential(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAzure uses Azure's own client on both kinds of URLs.
func TestAzure(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		for name, size := range map[string]int{"empty": 0, "small": 10_000, "blocks": 5_000_000} {
			t.Run(name, func(t *testing.T) {
				data, b := some(size), p.reserve(t, name)
				_, err := azure(t, p.up(t, b)).UploadBuffer(t.Context(), data, &blockblob.UploadBufferOptions{BlockSize: 1 << 20, Concurrency: 3})
				if err != nil {
					t.Fatal(err)
				}
				p.wantContent(t, b, data)
				downloadAzure(t, azure(t, p.down(t, b)), data)
			})
		}
	})
}

func downloadAzure(t *testing.T, c *blockblob.Client, data []byte) {
	t.Helper()
	ctx := t.Context()
	buffer := make([]byte, len(data))
	if len(data) > 0 {
		if n, err := c.DownloadBuffer(ctx, buffer, &blob.DownloadBufferOptions{BlockSize: 700_000}); err != nil || n != int64(len(data)) || !bytes.Equal(buffer, data) {
			t.Errorf("DownloadBuffer: %d, %v", n, err)
		}
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if n, err := c.DownloadFile(ctx, file, &blob.DownloadFileOptions{BlockSize: 700_000}); err != nil || n != int64(len(data)) {
		t.Errorf("DownloadFile: %d, %v", n, err)
	}
	stream, err := c.DownloadStream(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if got, err := io.ReadAll(stream.Body); err != nil || !bytes.Equal(got, data) {
		t.Errorf("DownloadStream: %d bytes, %v", len(got), err)
	}
	props, err := c.GetProperties(ctx, nil)
	if err != nil || *props.ContentLength != int64(len(data)) || *props.ETag != *stream.ETag || *props.BlobType != blob.BlobTypeBlockBlob {
		t.Errorf("GetProperties: %+v, %v", props, err)
	}
}

// TestAzureRefusals checks that the client understands what is refused.
func TestAzureRefusals(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		ctx := t.Context()
		b := p.uploaded(t, "a.csv", some(1000))
		down, up := azure(t, p.down(t, b)), azure(t, p.up(t, b))
		want := func(what string, err error, code bloberror.Code) {
			t.Helper()
			if !bloberror.HasCode(err, code) {
				t.Errorf("%s: %v, want %s", what, err, code)
			}
		}
		_, err := up.GetProperties(ctx, nil)
		want("read with an upload URL", err, bloberror.AuthorizationPermissionMismatch)
		_, err = down.UploadBuffer(ctx, some(10), nil)
		want("write with a download URL", err, bloberror.AuthorizationPermissionMismatch)
		_, err = up.UploadBuffer(ctx, some(10), nil)
		want("write again", err, bloberror.BlobAlreadyExists)
		_, err = up.UploadBuffer(ctx, some(1000), &blockblob.UploadBufferOptions{AccessConditions: ifNoneMatch("*")})
		want("write unless there", err, bloberror.BlobAlreadyExists)
		_, err = down.DownloadStream(ctx, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: 1000}})
		want("range past the end", err, bloberror.InvalidRange)
		same, err := down.DownloadStream(ctx, &blob.DownloadStreamOptions{AccessConditions: ifNoneMatch("*")})
		if err != nil || same.ErrorCode == nil || *same.ErrorCode != string(bloberror.ConditionNotMet) {
			t.Errorf("not modified: %v, %v", same.ErrorCode, err)
		}
		_, err = azure(t, p.down(t, p.reserve(t, "later"))).GetProperties(ctx, nil)
		want("nothing there", err, bloberror.BlobNotFound)
		_, err = azure(t, p.down(t, b)+"0").GetProperties(ctx, nil)
		want("changed URL", err, bloberror.AuthenticationFailed)
		_, err = up.StageBlock(ctx, "?", streaming(some(10)), nil)
		want("bad block id", err, bloberror.InvalidQueryParameterValue)
		_, err = azure(t, p.up(t, p.reserve(t, "b"))).CommitBlockList(ctx, []string{"AAAA"}, nil)
		want("unknown block", err, bloberror.InvalidBlockList)
		_, err = down.Delete(ctx, nil)
		want("delete", err, bloberror.AuthorizationPermissionMismatch)
	})
}

func ifNoneMatch(tag string) *blob.AccessConditions {
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azureTag(tag))}}
}

// TestAzureSums has the client compute the sums that we check.
func TestAzureSums(t *testing.T) {
	onEach(t, func(t *testing.T, p *plane) {
		ctx, data := t.Context(), some(100_000)
		b := p.reserve(t, "a.csv")
		c := azure(t, p.up(t, b))
		if _, err := c.StageBlock(ctx, "AAAA", streaming(data), &blockblob.StageBlockOptions{
			TransactionalValidation: blob.TransferValidationTypeComputeCRC64(),
		}); err != nil {
			t.Error(err)
		}
		_, err := c.StageBlock(ctx, "AAAB", streaming(data), &blockblob.StageBlockOptions{
			TransactionalValidation: blob.TransferValidationTypeCRC64(17),
		})
		if !bloberror.HasCode(err, "Crc64Mismatch") {
			t.Errorf("wrong CRC-64: %v", err)
		}
		_, err = c.StageBlock(ctx, "AAAB", streaming(data), &blockblob.StageBlockOptions{
			TransactionalValidation: blob.TransferValidationTypeMD5(make([]byte, 16)),
		})
		if !bloberror.HasCode(err, bloberror.MD5Mismatch) {
			t.Errorf("wrong MD5: %v", err)
		}
		list, err := c.GetBlockList(ctx, blockblob.BlockListTypeAll, nil)
		if !bloberror.HasCode(err, bloberror.AuthorizationPermissionMismatch) {
			t.Errorf("block list of an upload: %+v, %v", list, err)
		}
		if _, err := c.CommitBlockList(ctx, []string{"AAAA"}, nil); err != nil {
			t.Fatal(err)
		}
		blocks(ctx, t, p, b, len(data))
	})
}

func blocks(ctx context.Context, t *testing.T, p *plane, b signedurl.Blob, size int) {
	t.Helper()
	list, err := azure(t, p.down(t, b)).GetBlockList(ctx, blockblob.BlockListTypeAll, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.CommittedBlocks) != 1 || *list.CommittedBlocks[0].Name != "AAAA" || *list.CommittedBlocks[0].Size != int64(size) || len(list.UncommittedBlocks) != 0 {
		t.Errorf("block list %+v", list.BlockList)
	}
}

func azureTag(tag string) azcore.ETag { return azcore.ETag(tag) }

func streaming(data []byte) io.ReadSeekCloser { return streamingBody{bytes.NewReader(data)} }

type streamingBody struct{ *bytes.Reader }

func (streamingBody) Close() error { return nil }
