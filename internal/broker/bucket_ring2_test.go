//go:build ring2

package broker_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/s3test"
)

func openBucket(t *testing.T) (broker.Broker, *s3test.Server) {
	t.Helper()
	s := s3test.Start(t)
	return openConfig(t, opener(t, broker.Bounds{Endpoints: []string{strings.TrimPrefix(s.URL, "http://")}}), s.Configuration()), s
}

func TestBucketConforms(t *testing.T) {
	conform(t, func(t *testing.T) broker.Broker {
		b, _ := openBucket(t)
		return b
	})
}

// TestBucketParts puts what goes in several parts, and breaks it.
func TestBucketParts(t *testing.T) {
	b, _ := openBucket(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 20<<20/16)
	o, err := b.Put(t.Context(), "big.tif", bytes.NewReader(content), int64(len(content)), broker.PutOptions{MediaType: "image/tiff"})
	if err != nil {
		t.Fatal(err)
	}
	if o.Size != int64(len(content)) || !strings.Contains(o.ETag, "-3") {
		t.Errorf("Put = %+v, want 3 parts", o)
	}
	if got := read(t, b, "big.tif"); got != string(content) {
		t.Error("it reads other bytes")
	}
	broken := errors.New("the line was cut")
	for what, tt := range map[string]struct {
		body io.Reader
		want error
	}{
		"short":  {bytes.NewReader(content[:15<<20]), io.ErrUnexpectedEOF},
		"broken": {io.MultiReader(bytes.NewReader(content[:15<<20]), failing{broken}), broken},
		"long":   {io.MultiReader(bytes.NewReader(content), strings.NewReader("x")), blob.ErrTooLong},
		"taken":  {bytes.NewReader(content), fs.ErrExist},
	} {
		name := what
		if what == "taken" {
			name = "big.tif"
		}
		_, err := b.Put(t.Context(), name, tt.body, int64(len(content)), broker.PutOptions{})
		if !errors.Is(err, tt.want) {
			t.Errorf("Put of a body that is %s = %v, want %v", what, err, tt.want)
		}
	}
	if diff := cmp.Diff([]string{"big.tif"}, list(t, b, broker.Listing{Recursive: true})); diff != "" {
		t.Errorf("what is there (-want +got):\n%s", diff)
	}
}

// TestBucketPages lists more objects than one answer has, for many at a time.
func TestBucketPages(t *testing.T) {
	b, _ := openBucket(t)
	var want []string
	for i := range 1100 {
		name := fmt.Sprintf("scan/%04d.las", i)
		put(t, b, name, "x")
		want = append(want, name)
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			var got []string
			err := b.List(t.Context(), broker.Listing{Prefix: "scan/", Recursive: true}, func(o broker.Object) error {
				got = append(got, o.Path)
				return nil
			})
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("all, %v (-want +got):\n%s", err, diff)
			}
		})
	}
	readers.Wait()
	if diff := cmp.Diff(want[1050:], list(t, b, broker.Listing{After: want[1049], Recursive: true})); diff != "" {
		t.Errorf("the rest (-want +got):\n%s", diff)
	}
}

// TestBucketFolders passes over what stands for a folder.
func TestBucketFolders(t *testing.T) {
	b, _ := openBucket(t)
	put(t, b, "scan/", "")
	put(t, b, "empty.las", "")
	put(t, b, "scan/hole.las", "depth")
	if diff := cmp.Diff([]string{"scan/hole.las"}, list(t, b, broker.Listing{Recursive: true})); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// TestBucketVersions erases from a bucket that keeps what was replaced and
// deleted.
func TestBucketVersions(t *testing.T) {
	s := s3test.StartVersions(t)
	b := openConfig(t, opener(t, broker.Bounds{Endpoints: []string{strings.TrimPrefix(s.URL, "http://")}}), s.Configuration())
	client := bucketClient(t, s)
	if err := client.EnableVersioning(t.Context(), s.Bucket); err != nil {
		t.Fatal(err)
	}
	secret := put(t, b, "sold.las", "of the client")
	put(t, b, "sold.las.idx", "a key that begins alike")
	again := put(t, b, "sold.las", "of somebody else")
	put(t, b, "sold.las", "of the client")
	if err := b.Delete(t.Context(), "sold.las"); err != nil {
		t.Fatal(err)
	}
	other := []string{"sold.las.idx 23"}
	if got := kept(t, client, s.Bucket); len(got) != 5 {
		t.Fatalf("the bucket keeps %q, want 5", got)
	}
	for range 2 { // it can be repeated
		if err := b.Erase(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append([]string{"sold.las marker", "sold.las 16"}, other...), kept(t, client, s.Bucket)); diff != "" {
			t.Errorf("after the first (-want +got):\n%s", diff)
		}
	}
	if err := b.Erase(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(other, kept(t, client, s.Bucket)); diff != "" {
		t.Errorf("after the last (-want +got):\n%s", diff)
	}
	if err := client.SuspendVersioning(t.Context(), s.Bucket); err != nil {
		t.Fatal(err)
	}
	if err := b.Erase(t.Context(), broker.Object{Path: "sold.las.idx", Size: 23, ETag: "another"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(other, kept(t, client, s.Bucket)); diff != "" {
		t.Errorf("after one that is not there (-want +got):\n%s", diff)
	}
}

// bucketClient speaks to a server by itself.
func bucketClient(t *testing.T, s *s3test.Server) *minio.Client {
	t.Helper()
	c, err := minio.New(strings.TrimPrefix(s.URL, "http://"), &minio.Options{Creds: credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// kept is all that a bucket keeps: each key with its size, or as a marker.
func kept(t *testing.T, c *minio.Client, bucket string) []string {
	t.Helper()
	list := []string{}
	for o := range c.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
		switch {
		case o.Err != nil:
			t.Fatal(o.Err)
		case o.IsDeleteMarker:
			list = append(list, o.Key+" marker")
		default:
			list = append(list, fmt.Sprint(o.Key, " ", o.Size))
		}
	}
	return list
}

func TestBucketErrors(t *testing.T) {
	b, s := openBucket(t)
	for _, key := range []string{"", "x\xff.las", strings.Repeat("x", 1025)} {
		if _, err := b.Open(t.Context(), key); !errors.Is(err, coreshed.InvalidPath) {
			t.Errorf("Open %q = %v, want InvalidPath", key, err)
		}
	}
	o := opener(t, broker.Bounds{Endpoints: []string{strings.TrimPrefix(s.URL, "http://")}})
	for what, tt := range map[string]struct {
		old, changed string
		want         error
	}{
		"another bucket": {s.Bucket, "nobodys", broker.ErrUnavailable},
		"a wrong secret": {s.SecretKey, "wrong", broker.ErrUnavailable},
		"a wrong key":    {s.AccessKey, "nobody", broker.ErrUnavailable},
	} {
		document := strings.Replace(s.Configuration(), tt.old, tt.changed, 1)
		other := openConfig(t, o, document)
		err := other.List(t.Context(), broker.Listing{}, func(broker.Object) error { return nil })
		if !errors.Is(err, tt.want) || strings.Contains(err.Error(), tt.changed) || strings.Contains(err.Error(), "secret") {
			t.Errorf("List with %s = %v, want %v", what, err, tt.want)
		}
		if _, err := other.Open(t.Context(), "hole.las"); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open with %s = %v: it says that the object is not there", what, err)
		}
		if c, err := broker.ParseConfig([]byte(document)); err != nil || o.Probe(t.Context(), c) == nil {
			t.Errorf("Probe with %s finds nothing wrong, %v", what, err)
		}
	}
	if c, err := broker.ParseConfig([]byte(s.Configuration())); err != nil || o.Probe(t.Context(), c) != nil {
		t.Errorf("Probe = %v, %v", o.Probe(t.Context(), c), err)
	}
	put(t, b, "secret-name.las", "depth")
	if err := s.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), "secret-name.las"); !errors.Is(err, broker.ErrUnavailable) || strings.Contains(err.Error(), "secret-name") {
		t.Errorf("Open without the server = %v, want ErrUnavailable without the name", err)
	}
}

// TestBucketByRole opens a bucket with what the server's environment has, when
// the configuration has no credentials, or a blank one.
func TestBucketByRole(t *testing.T) {
	s := s3test.Start(t)
	o := opener(t, broker.Bounds{Endpoints: []string{strings.TrimPrefix(s.URL, "http://")}})
	documents := []string{
		fmt.Sprintf(`{"broker": {"type": "s3", "bucket_name": %q, "endpoint_url": %q}}`, s.Bucket, s.URL),
		strings.Replace(s.Configuration(), s.SecretKey, "", 1),
	}
	t.Setenv("AWS_ACCESS_KEY_ID", s.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s.SecretKey)
	for _, document := range documents {
		b := openConfig(t, o, document)
		put(t, b, "hole.las", "depth")
		if got := read(t, b, "hole.las"); got != "depth" {
			t.Errorf("it reads %q", got)
		}
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	if _, err := openConfig(t, o, documents[0]).Open(t.Context(), "hole.las"); err == nil {
		t.Error("it is opened with another secret")
	}
}
