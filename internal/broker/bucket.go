package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
)

// bucket is a bucket of an S3-compatible server.
type bucket struct {
	core *minio.Core
	name string
}

// attempts is how often a request is sent before it has failed.
const attempts = 3

// openS3 opens a bucket. Its name is part of the path, so that the host that is
// reached is the one that was allowed.
func (o *Opener) openS3(c Config) (Broker, error) {
	endpoint := c.Endpoint
	if endpoint == "" {
		endpoint = "https://s3." + c.region() + ".amazonaws.com"
	}
	if !o.Allows(endpoint) {
		return nil, invalid(InvalidBroker, "the bucket's server is not one that this server may reach; whoever runs it can allow it: --allow-endpoint")
	}
	u, err := url.Parse(endpoint)
	if err != nil || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return nil, invalid(InvalidBroker, "endpoint_url must be http://HOST or https://HOST, with nothing after it")
	}
	core, err := minio.NewCore(u.Host, &minio.Options{
		Creds: c.s3Credentials(), Secure: u.Scheme == "https", Transport: o.transport,
		Region: c.region(), BucketLookup: minio.BucketLookupPath, MaxRetries: attempts,
	})
	if err != nil {
		return nil, invalid(InvalidBroker, "endpoint_url does not name a server")
	}
	core.SetS3EnableDualstack(false) // another host
	return &bucket{core, c.Bucket}, nil
}

// region is the one that requests are signed for.
func (c Config) region() string {
	if c.Region == "" {
		return "us-east-1"
	}
	return c.Region
}

// s3Credentials are those of the configuration, else those that the server's
// environment has.
func (c Config) s3Credentials() *credentials.Credentials {
	if c.credentials != (keyPair{}) {
		return credentials.NewStaticV4(c.credentials.id, c.credentials.secret, "")
	}
	return OwnCredentials()
}

// OwnCredentials are those that the server's environment has: its variables, a
// file, or the role of the machine.
func OwnCredentials() *credentials.Credentials {
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{},
	})
}

// checkKey fails with InvalidPath for what is the key of no object.
func checkKey(key string) error {
	if key == "" || len(key) > 1024 || !utf8.ValidString(key) {
		return coreshed.Errorf(coreshed.InvalidPath, "The path is the key of no object.")
	}
	return nil
}

// failed gives an answer of the server its meaning. A condition that was not met
// is precondition.
func failed(verb string, err, precondition error) error {
	var response minio.ErrorResponse
	var sent *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &response):
		return fmt.Errorf("%s: %w", verb, meaning(response, precondition))
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", verb, err)
	case errors.As(err, &sent): // it names the key
		return fmt.Errorf("%s: %w: %w", verb, ErrUnavailable, sent.Err)
	}
	return fmt.Errorf("%s: %w", verb, err)
}

func meaning(r minio.ErrorResponse, precondition error) error {
	switch {
	case r.Code == minio.NoSuchBucket:
		return fmt.Errorf("%w: there is no such bucket", ErrUnavailable)
	case r.Code == "InvalidObjectState":
		return fmt.Errorf("%w: the object is archived; it must be restored first", ErrUnavailable)
	case r.Code == minio.InvalidAccessKeyID, r.Code == minio.SignatureDoesNotMatch:
		return fmt.Errorf("%w: the server answers %s", ErrUnavailable, r.Code) // to everything
	case r.StatusCode == http.StatusNotFound:
		return fs.ErrNotExist
	case r.StatusCode == http.StatusPreconditionFailed, r.Code == minio.PreconditionFailed:
		return precondition
	case r.StatusCode == http.StatusForbidden, r.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%w: the server answers %s", fs.ErrPermission, r.Code)
	}
	return fmt.Errorf("%w: the server answers %s", ErrUnavailable, r.Code)
}

// notAbsent makes ErrUnavailable of an error that is about no object, whatever
// the server answers.
func notAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return unavailable(err)
	}
	return err
}

// List implements Broker. Empty objects, which stand for folders, are passed
// over.
func (b *bucket) List(ctx context.Context, l Listing, fn func(Object) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := minio.ListObjectsOptions{Prefix: l.Prefix, StartAfter: l.After, Recursive: l.Recursive}
	for info := range b.core.ListObjectsIter(ctx, b.name, options) {
		if info.Err != nil {
			return notAbsent(failed("list bucket", info.Err, ErrUnavailable))
		}
		if info.Size == 0 || info.Key <= l.After {
			continue
		}
		if err := fn(objectIn(info)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func objectIn(info minio.ObjectInfo) Object {
	return Object{Path: info.Key, Size: info.Size, Modified: info.LastModified, ETag: info.ETag}
}

// stat finds an object.
func (b *bucket) stat(ctx context.Context, key string) (Object, error) {
	if err := checkKey(key); err != nil {
		return Object{}, err
	}
	info, err := b.core.StatObject(ctx, b.name, key, minio.StatObjectOptions{})
	if err = failed("find object", err, ErrChanged); errors.Is(err, fs.ErrNotExist) {
		err = b.absent(ctx, err)
	}
	if err != nil {
		return Object{}, err
	}
	o := objectIn(info)
	o.Path = key
	return o, nil
}

// absent makes of an absent object ErrUnavailable if the bucket is not there: an
// answer to HEAD does not tell.
func (b *bucket) absent(ctx context.Context, absent error) error {
	there, err := b.core.BucketExists(ctx, b.name)
	switch {
	case err != nil:
		return notAbsent(failed("find bucket", err, ErrUnavailable))
	case !there:
		return fmt.Errorf("%w: there is no such bucket", ErrUnavailable)
	}
	return absent
}

// Open implements Broker.
func (b *bucket) Open(ctx context.Context, key string) (File, error) {
	o, err := b.stat(ctx, key)
	if err != nil {
		return nil, err
	}
	return &bucketFile{b, o}, nil
}

// bucketFile is a File of a bucket. Each request names its ETag, so that it
// reads one object or fails.
type bucketFile struct {
	bucket *bucket
	object Object
}

func (f *bucketFile) Object() Object              { return f.object }
func (f *bucketFile) Check(context.Context) error { return nil }
func (f *bucketFile) Close() error                { return nil }

// Range implements File.
func (f *bucketFile) Range(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	n, err := blob.RangeLength(f.object.Size, offset, length)
	if err != nil {
		return nil, err
	}
	r := &bucketRange{ctx: ctx, file: f, offset: offset, left: n}
	if n == 0 {
		return r, nil
	}
	return r, r.request()
}

// bucketRange asks again for what is missing when a connection breaks.
type bucketRange struct {
	ctx          context.Context
	file         *bucketFile
	offset, left int64
	body         io.ReadCloser
	failures     int // since a byte has come
}

func (r *bucketRange) request() error {
	var o minio.GetObjectOptions
	if err := errors.Join(o.SetRange(r.offset, r.offset+r.left-1), o.SetMatchETag(r.file.object.ETag)); err != nil {
		return fmt.Errorf("read object: %w", err)
	}
	body, info, _, err := r.file.bucket.core.GetObject(r.ctx, r.file.bucket.name, r.file.object.Path, o)
	if err != nil {
		return failed("read object", err, ErrChanged)
	}
	if info.ETag != r.file.object.ETag { // it does not know conditions
		return errors.Join(ErrChanged, body.Close())
	}
	r.body = body
	return nil
}

func (r *bucketRange) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.body.Read(p[:min(int64(len(p)), r.left)])
	r.offset, r.left = r.offset+int64(n), r.left-int64(n)
	if n > 0 {
		r.failures = 0
	}
	if err != nil && r.left > 0 {
		return n, r.again(err)
	}
	return n, nil
}

func (r *bucketRange) again(cause error) error {
	if r.failures++; r.failures >= attempts || r.ctx.Err() != nil {
		if errors.Is(cause, io.EOF) {
			cause = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read object: %w", cause)
	}
	return errors.Join(r.Close(), r.request())
}

// WriteTo implements io.WriterTo.
func (r *bucketRange) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(w, onlyReader{r}, make([]byte, 256<<10))
}

type onlyReader struct{ io.Reader }

func (r *bucketRange) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}

// partSize is the smallest part of a larger object, and the largest that is sent
// in one piece. Parts are in memory, so that they can be sent again.
const partSize = 8 << 20

// maxParts is how many parts S3 takes.
const maxParts = 10_000

// Put implements Broker.
func (b *bucket) Put(ctx context.Context, key string, r io.Reader, size int64, o PutOptions) (Object, error) {
	if !o.Replace {
		// Before the body is sent. The condition is for servers that know it.
		if _, err := b.stat(ctx, key); err == nil {
			return Object{}, fmt.Errorf("put object: %w", fs.ErrExist)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return Object{}, err
		}
	}
	if err := checkKey(key); err != nil {
		return Object{}, err
	}
	options := minio.PutObjectOptions{ContentType: o.MediaType, PartSize: uint64(max(partSize, size/maxParts+1))} //nolint:gosec // not negative
	if !o.Replace {
		options.SetMatchETagExcept("*")
	}
	body, err := wholeOf(ctx, r, size)
	if err != nil {
		return Object{}, fmt.Errorf("put object: %w", err)
	}
	if _, err := b.core.Client.PutObject(ctx, b.name, key, body, size, options); err != nil {
		if e, ok := body.(*exactly); ok && e.err != nil {
			return Object{}, fmt.Errorf("put object: %w", e.err)
		}
		return Object{}, failed("put object", err, fs.ErrExist)
	}
	return b.stat(ctx, key)
}

// wholeOf returns a body that has exactly size bytes or fails: in memory when
// it is sent in one piece.
func wholeOf(ctx context.Context, r io.Reader, size int64) (io.Reader, error) {
	if size > partSize {
		return &exactly{r: r, left: size}, nil
	}
	var whole bytes.Buffer
	if err := blob.CopyExactly(ctx, &whole, r, size, make([]byte, 128<<10)); err != nil {
		return nil, err
	}
	return bytes.NewReader(whole.Bytes()), nil
}

// exactly fails before its last byte when r has more or fewer bytes than left.
type exactly struct {
	r    io.Reader
	left int64
	err  error // why it failed, which may be lost on the way
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		e.err = err
	case e.left == 0:
		n, err = e.end(n)
	case err != nil:
		e.err = io.ErrUnexpectedEOF
	}
	if e.err != nil {
		return 0, e.err
	}
	return n, err
}

// end looks for bytes after the last one.
func (e *exactly) end(n int) (int, error) {
	extra, err := io.ReadFull(e.r, make([]byte, 1))
	switch {
	case extra > 0:
		e.err = blob.ErrTooLong
	case !errors.Is(err, io.EOF):
		e.err = err
	}
	return n, io.EOF
}

// maxCopy is the largest object that one request copies.
const maxCopy = 5 << 30

// Move implements Broker: a copy, and then the former one's removal.
func (b *bucket) Move(ctx context.Context, from, to string) (Object, error) {
	if err := checkKey(to); err != nil {
		return Object{}, err
	}
	was, err := b.stat(ctx, from)
	if err != nil {
		return Object{}, err
	}
	at, err := b.stat(ctx, to)
	switch {
	case err == nil && from != to && at.Size == was.Size && at.ETag == was.ETag:
		// As a move that was cut short leaves them.
	case err == nil:
		return Object{}, fmt.Errorf("move object: %w", fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return Object{}, err
	default:
		if at, err = b.copy(ctx, was, to); err != nil {
			return Object{}, err
		}
	}
	return at, b.Delete(ctx, from)
}

func (b *bucket) copy(ctx context.Context, was Object, to string) (Object, error) {
	src := minio.CopySrcOptions{Bucket: b.name, Object: was.Path, MatchETag: was.ETag}
	dst := minio.CopyDestOptions{Bucket: b.name, Object: to}
	var err error
	if was.Size <= maxCopy {
		_, err = b.core.Client.CopyObject(ctx, dst, src)
	} else {
		_, err = b.core.ComposeObject(ctx, dst, src)
	}
	if err != nil {
		return Object{}, failed("copy object", err, ErrChanged)
	}
	at, err := b.stat(ctx, to)
	if err == nil && at.Size != was.Size {
		err = fmt.Errorf("copy object: %w: the copy has another size", ErrChanged)
	}
	return at, err
}

// Delete implements Broker.
func (b *bucket) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	err := failed("delete object", b.core.RemoveObject(ctx, b.name, key, minio.RemoveObjectOptions{}), ErrChanged)
	return ignoreAbsent(err)
}
