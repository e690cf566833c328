package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/ingest"
	"github.com/coreshed/coreshed/internal/store"
)

// How messages are received: as many as there may be, waiting for one, and kept
// from others until what they tell of is recorded.
const (
	maxMessages   = 10
	messageWait   = 20  // seconds
	messageHidden = 120 // seconds
	defaultRegion = "us-east-1"
)

// queue is where a bucket's notifications wait.
type queue struct {
	client *sqs.Client
	url    string
}

// openQueue finds the queue of a strike, at a server that may be reached.
func (w *Watcher) openQueue(ctx context.Context, m ingest.Monitor) (*queue, error) {
	region, endpoint := m.Region, m.Endpoint
	if region == "" {
		region = defaultRegion
	}
	if endpoint == "" {
		endpoint = "https://sqs." + region + ".amazonaws.com"
	}
	client, err := w.Catalog.Client(endpoint)
	if err != nil {
		return nil, err
	}
	q := &queue{client: sqs.New(sqs.Options{
		Region: region, BaseEndpoint: &endpoint, HTTPClient: client, Credentials: queueCredentials(m),
	})}
	found, err := q.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &m.QueueName})
	if err != nil {
		return nil, fmt.Errorf("find queue: %w", err)
	}
	q.url = aws.ToString(found.QueueUrl)
	return q, nil
}

// queueCredentials are those of the configuration, else those that the server's
// environment has, found as for buckets.
func queueCredentials(m ingest.Monitor) aws.CredentialsProvider {
	if m.AccessKey != "" {
		return credentials.NewStaticCredentialsProvider(m.AccessKey, m.SecretKey, "")
	}
	own := broker.OwnCredentials()
	return aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		v, err := own.GetWithContext(nil)
		return aws.Credentials{AccessKeyID: v.AccessKeyID, SecretAccessKey: v.SecretAccessKey, SessionToken: v.SessionToken, Expires: v.Expiration, CanExpire: !v.Expiration.IsZero()}, err
	}))
}

// receive takes what some messages of a queue tell of, and waits for them if
// there are none. A message is deleted once what it tells of is recorded; one
// that is not understood stays.
func (w *Watcher) receive(ctx context.Context, f finder) error {
	q, err := w.openQueue(ctx, f.config.Monitor)
	if err != nil {
		return err
	}
	bucket, err := w.bucketOf(ctx, f.of.Workspace)
	if err != nil {
		return err
	}
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: maxMessages, WaitTimeSeconds: messageWait, VisibilityTimeout: messageHidden,
	})
	if err != nil {
		return fmt.Errorf("receive messages: %w", err)
	}
	var failures []error
	for _, m := range out.Messages {
		err := f.message(ctx, q, m, bucket)
		if errors.Is(err, errNotUnderstood) {
			f.Log.Warn("strike leaves a message in its queue", "strike", f.of.Strike(), "message", aws.ToString(m.MessageId), "error", err)
			continue
		}
		failures = append(failures, err) // the others are taken all the same
	}
	return errors.Join(failures...)
}

// errNotUnderstood says that a message tells of nothing that this strike knows.
var errNotUnderstood = errors.New("the message is not understood")

// message records the arrivals that a message tells of, and deletes it.
func (f *finder) message(ctx context.Context, q *queue, m types.Message, bucket string) error {
	objects, err := ingest.Notification(aws.ToString(m.Body))
	if err != nil {
		return fmt.Errorf("%w: %w", errNotUnderstood, err)
	}
	var found []*store.Arrival
	for _, o := range objects {
		if o.Bucket != bucket {
			return fmt.Errorf("%w: it is of another bucket", errNotUnderstood)
		}
		a, err := f.notified(ctx, o)
		if err != nil {
			return err
		}
		if a != nil {
			found = append(found, a)
		}
	}
	if err := f.DB.SaveArrivals(ctx, f.lease, f.of, found); err != nil {
		return err
	}
	_, err = q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle})
	if err != nil {
		return fmt.Errorf("delete message: %w", err)
	}
	return nil
}

// notified is the arrival of an object that a notification tells of, nil when
// it is known: messages come more than once.
func (f *finder) notified(ctx context.Context, o ingest.Object) (*store.Arrival, error) {
	if ingest.IsSidecar(o.Key) {
		return nil, nil
	}
	now, err := f.stat(ctx, o)
	if err != nil {
		return nil, err
	}
	last, err := f.DB.LastArrivals(ctx, f.of, []string{o.Key})
	if err != nil {
		return nil, err
	}
	if was := last[o.Key]; was != nil && was.Same(now.Size, now.Modified, now.ETag) {
		return nil, nil
	}
	a := f.arrival(now)
	return a, f.match(ctx, a)
}

// stat is the object as it is now, or as it was told of if it has gone.
func (f *finder) stat(ctx context.Context, o ingest.Object) (broker.Object, error) {
	file, err := f.broker.Open(ctx, o.Key)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, coreshed.InvalidPath) {
		return broker.Object{Path: o.Key, Size: o.Size, ETag: o.ETag, Modified: f.now}, nil
	}
	if err != nil {
		return broker.Object{}, err
	}
	defer file.Close()
	return file.Object(), nil
}

// bucketOf is the name of a workspace's bucket.
func (w *Watcher) bucketOf(ctx context.Context, workspace int64) (string, error) {
	s, err := w.DB.StorageOf(ctx, workspace)
	if err != nil {
		return "", err
	}
	c, err := w.Catalog.Configuration(ctx, s)
	return c.Bucket, err
}
