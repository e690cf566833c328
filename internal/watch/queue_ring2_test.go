//go:build ring2

package watch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/s3test"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// queue is a real queue server on loopback with one queue.
type queue struct {
	*sqs.Client
	t   testing.TB
	url string // of the server
	at  *string
}

func startQueue(t testing.TB) *queue {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Fatalf("moto_server is not there: run scripts/setup (%v)", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	command := exec.Command(program, "-H", "127.0.0.1", "-p", port)
	command.Stdout, command.Stderr = nil, os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	q := &queue{t: t, url: "http://127.0.0.1:" + port}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if answer, err := http.Get(q.url); err == nil {
			answer.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("moto_server does not answer after a minute")
		}
	}
	q.Client = sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &q.url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	made, err := q.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String("arrivals")})
	if err != nil {
		t.Fatal(err)
	}
	q.at = made.QueueUrl
	return q
}

func (q *queue) send(body string) {
	q.t.Helper()
	if _, err := q.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: q.at, MessageBody: &body}); err != nil {
		q.t.Fatal(err)
	}
}

// left is how many messages there are, those in somebody's hands too.
func (q *queue) left() string {
	q.t.Helper()
	out, err := q.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
		QueueUrl: q.at, AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
	})
	if err != nil {
		q.t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func created(bucket, key string, size int) string {
	return fmt.Sprintf(`{"Records": [{"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": %q}, "object": {"key": %q, "size": %d, "eTag": "x"}}}]}`, bucket, key, size)
}

// bucketShed is a shed whose workspace raw is a bucket.
func bucketShed(t *testing.T, more ...string) (*shed, *s3test.Server) {
	t.Helper()
	server := s3test.Start(t)
	s := open(t, storetest.Memory(t), newClock())
	var err error
	endpoints := append([]string{strings.TrimPrefix(server.URL, "http://")}, more...)
	s.opener, err = broker.NewOpener(broker.Bounds{Endpoints: endpoints})
	s.must(err)
	s.restart()
	storage, err := s.catalog.Configure(t.Context(), []byte(server.Configuration()), store.Storage{Workspace: s.ids["raw"]})
	s.must(err)
	a, err := s.db.OwnAccess(t.Context(), s.ids["raw"])
	s.must(err)
	s.must(s.db.SetStorage(t.Context(), a, storage))
	return s, server
}

func (s *shed) putObject(key, content string) {
	s.t.Helper()
	b, err := s.catalog.Broker(context.Background(), s.ids["raw"])
	s.must(err)
	_, err = b.Put(context.Background(), key, strings.NewReader(content), int64(len(content)), broker.PutOptions{Replace: true})
	s.must(err)
}

func (s *shed) bucketStrike(monitor map[string]any, rules ...rule) int64 {
	s.t.Helper()
	made, err := s.db.AddStrike(context.Background(), s.view, coreshed.Origin{
		Workspace: s.ids["raw"], Title: "Watch raw", Configuration: s.sealed(configuration("monitor", monitor, rules...)),
	})
	s.must(err)
	return made.ID
}

func (s *shed) sealed(configuration json.RawMessage) json.RawMessage {
	s.t.Helper()
	sealed, err := s.catalog.SealFinder(context.Background(), configuration, nil)
	s.must(err)
	return sealed
}

// TestQueue takes what a bucket's notifications tell of, once (contract §9,
// 158).
func TestQueue(t *testing.T) {
	q := startQueue(t)
	s, server := bucketShed(t, strings.TrimPrefix(q.url, "http://"))
	id := s.bucketStrike(map[string]any{
		"type": "s3", "sqs_name": "arrivals", "endpoint_url": q.url,
		"credentials": map[string]string{"access_key_id": "test", "secret_access_key": "test"},
	}, rule{"filename_regex": `.*\.tif`, "data_types": []string{"scene"}})
	s.putObject("north pit/a+b.tif", "one")
	s.putObject("c.doc", "two")
	q.send(created(server.Bucket, "north+pit/a%2Bb.tif", 3))
	envelope, err := json.Marshal(map[string]string{"Message": created(server.Bucket, "c.doc", 3)})
	s.must(err)
	q.send(string(envelope))
	q.send(created(server.Bucket, "folder/", 0))
	q.send(created(server.Bucket, "gone.tif", 5))
	q.send("not ours")
	q.send(created("another", "a.tif", 3))
	for range 6 {
		s.must(s.watcher.Once(t.Context(), id))
		if q.left() == "0+2" {
			break
		}
	}
	if left := q.left(); left != "0+2" {
		t.Errorf("%s messages are left, want the two that were not understood", left)
	}
	s.perform()
	want := []string{"a+b.tif north pit/a+b.tif INGESTED", "c.doc c.doc DEFERRED", "gone.tif gone.tif ERRORED"}
	same(t, "ingests", want, sorted(s.told()))
	same(t, "entries", []string{"raw north pit/a+b.tif in place"}, s.entries())

	q.send(created(server.Bucket, "north+pit/a%2Bb.tif", 3)) // it comes more than once
	s.must(s.watcher.Once(t.Context(), id))
	same(t, "ingests", want, sorted(s.told()))
	s.putObject("north pit/a+b.tif", "another")
	q.send(created(server.Bucket, "north+pit/a%2Bb.tif", 7))
	s.must(s.watcher.Once(t.Context(), id))
	s.perform()
	same(t, "entries", []string{"raw north pit/a+b.tif changed outside", "raw north pit/a+b.tif in place"}, s.entries())
}

// TestQueueOutOfReach does not go where it may not.
func TestQueueOutOfReach(t *testing.T) {
	s, _ := bucketShed(t)
	id := s.bucketStrike(map[string]any{
		"type": "s3", "sqs_name": "arrivals", "endpoint_url": "http://127.0.0.1:9",
		"credentials": map[string]string{"access_key_id": "test", "secret_access_key": "test"},
	}, everything)
	if err := s.watcher.Once(t.Context(), id); err == nil || !strings.Contains(err.Error(), "--allow-endpoint") {
		t.Errorf("Once = %v", err)
	}
}

// TestBucket watches a bucket without a queue, and scans it.
func TestBucket(t *testing.T) {
	s, _ := bucketShed(t)
	id := s.bucketStrike(map[string]any{"type": "s3-list"}, rule{"filename_regex": `.*\.tif`}, rule{"filename_regex": "move", "new_file_path": "sorted"})
	s.putObject("a.tif", "one")
	s.putObject("deep/b.tif", "two")
	s.putObject("move.las", "three")
	s.putObject("c.doc", "four")
	for range 2 {
		s.pass(id)
		s.perform()
	}
	day := s.clock.day()
	same(t, "ingests", []string{
		"a.tif a.tif INGESTED", "b.tif deep/b.tif INGESTED", "c.doc c.doc DEFERRED", "move.las move.las INGESTED",
		"move.las sorted/" + day + "/move.las DUPLICATE", // found where it has been moved
	}, sorted(s.told()))
	s.putObject("a.tif", "other")
	s.pass(id)
	s.perform()
	if entries := s.entries(); entries[0] != "raw a.tif changed outside" || entries[1] != "raw a.tif in place" {
		t.Errorf("entries: %v", entries)
	}
	made, err := s.db.AddScan(t.Context(), s.view, coreshed.Origin{
		Workspace: s.ids["raw"], Title: "Look", Configuration: configuration("scanner", map[string]any{"type": "s3"}, rule{"filename_regex": "c"}),
	})
	s.must(err)
	scan := s.takeAll(made.ID)
	if scan.Files != 4 || scan.Job.Status != "COMPLETED" {
		t.Errorf("the scan saw %d files and is %s", scan.Files, scan.Job.Status)
	}
	if entries := s.entries(); entries[2] != "raw c.doc in place" {
		t.Errorf("entries: %v", entries)
	}
}
