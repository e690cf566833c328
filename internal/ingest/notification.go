package ingest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Object is what a bucket's notification says of a new object.
type Object struct {
	Bucket, Key, ETag string
	Size              int64
}

// Notification reads the body of a queue's message: the bucket's own document,
// or that document as text in an SNS envelope. It fails for anything it does
// not know, a single record too, so that the message stays in the queue. Empty
// objects, which stand for folders, are left out.
func Notification(body string) ([]Object, error) {
	var doc struct {
		Message *string
		Records []record
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		return nil, fmt.Errorf("read notification: %w", err)
	}
	if doc.Message != nil && doc.Records == nil {
		if err := json.Unmarshal([]byte(*doc.Message), &doc); err != nil {
			return nil, fmt.Errorf("read notification in its envelope: %w", err)
		}
	}
	if len(doc.Records) == 0 {
		return nil, fmt.Errorf("the notification has no records")
	}
	var objects []Object
	for _, r := range doc.Records {
		o, err := r.object()
		if err != nil {
			return nil, err
		}
		if o.Size > 0 {
			objects = append(objects, o)
		}
	}
	return objects, nil
}

type record struct {
	EventName    string `json:"eventName"`
	EventVersion string `json:"eventVersion"`
	S3           struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key  string `json:"key"`
			Size *int64 `json:"size"`
			ETag string `json:"eTag"`
		} `json:"object"`
	} `json:"s3"`
}

func (r record) object() (Object, error) {
	switch {
	case !strings.HasPrefix(r.EventName, "ObjectCreated"):
		return Object{}, fmt.Errorf("the notification is of another event: %q", r.EventName)
	case !strings.HasPrefix(r.EventVersion, "2."):
		return Object{}, fmt.Errorf("the notification is of another version: %q", r.EventVersion)
	case r.S3.Bucket.Name == "" || r.S3.Object.Key == "" || r.S3.Object.Size == nil:
		return Object{}, fmt.Errorf("the notification lacks bucket, key or size")
	}
	// Keys come as forms write them: a blank is a plus.
	key, err := url.QueryUnescape(r.S3.Object.Key)
	if err != nil {
		return Object{}, fmt.Errorf("the notification's key is not URL-encoded: %w", err)
	}
	return Object{Bucket: r.S3.Bucket.Name, Key: key, ETag: r.S3.Object.ETag, Size: *r.S3.Object.Size}, nil
}
