package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coreshed/coreshed"
)

// AuditEntry is an entry of the audit log: who has done, or tried, what.
type AuditEntry struct {
	ID        int64                 `json:"id"`
	Number    *int64                `json:"number"` // its place in the log, from 0; nil for a moment
	At        time.Time             `json:"at"`
	Actor     string                `json:"actor"` // the id of a person, "operator", "server" or "nobody"
	Action    coreshed.AuditAction  `json:"action"`
	Kind      coreshed.AuditKind    `json:"kind"`      // of the subject
	Subject   int64                 `json:"subject"`   // its id, or 0
	Workspace int64                 `json:"workspace"` // its number, or 0
	Outcome   coreshed.AuditOutcome `json:"outcome"`
	Details   json.RawMessage       `json:"details"`   // null once a purge has erased them
	ErasedBy  int64                 `json:"erased_by"` // that purge, as the subject of its entries; or 0
}

// AuditFilter says which entries are wanted; what is empty is any.
type AuditFilter struct {
	Kind      coreshed.AuditKind
	Subject   int64
	Workspace int64
	Actor     string
	Action    coreshed.AuditAction
	Outcome   coreshed.AuditOutcome
	From      time.Time
	Until     time.Time
}

func (f AuditFilter) query() url.Values {
	q := url.Values{"limit": {"1000"}}
	for name, text := range map[string]string{
		"kind": string(f.Kind), "actor": f.Actor, "action": string(f.Action), "outcome": string(f.Outcome),
	} {
		if text != "" {
			q.Set(name, text)
		}
	}
	for name, id := range map[string]int64{"subject": f.Subject, "workspace": f.Workspace} {
		if id != 0 {
			q.Set(name, strconv.FormatInt(id, 10))
		}
	}
	for name, at := range map[string]time.Time{"from": f.From, "until": f.Until} {
		if !at.IsZero() {
			q.Set(name, at.Format(time.RFC3339Nano))
		}
	}
	return q
}

// Audit returns the entries of the audit log, the newest first. It is for admins
// of the organisation.
func (c *Client) Audit(ctx context.Context, want AuditFilter) iter.Seq2[AuditEntry, error] {
	return func(yield func(AuditEntry, error) bool) {
		for q := want.query(); ; {
			var page struct {
				Results []AuditEntry `json:"results"`
				Before  *int64       `json:"before"`
			}
			if _, err := c.do(ctx, call{method: http.MethodGet, path: native + "/audit", query: q, want: []int{http.StatusOK}}, &page); err != nil {
				yield(AuditEntry{}, err)
				return
			}
			for _, e := range page.Results {
				if !yield(e, nil) {
					return
				}
			}
			if page.Before == nil {
				return
			}
			q.Set("before", strconv.FormatInt(*page.Before, 10))
		}
	}
}

// AuditCheckpoint returns the newest signed checkpoint of the audit log, a note
// in the form of C2SP's tlog-checkpoint. Kept elsewhere it shows later whether the
// log was cut or rewritten.
func (c *Client) AuditCheckpoint(ctx context.Context) ([]byte, error) {
	var note []byte
	_, err := c.do(ctx, call{method: http.MethodGet, path: native + "/audit/checkpoint", want: []int{http.StatusOK}}, &note)
	return note, err
}

// AuditReceipt returns what shows that the entry with a number is in the log of
// a size, 0 for that of the newest checkpoint: JSON, which coreshed audit verify
// checks without the server.
func (c *Client) AuditReceipt(ctx context.Context, number, size int64) ([]byte, error) {
	var receipt []byte
	k := call{method: http.MethodGet, path: native + "/audit/" + strconv.FormatInt(number, 10) + "/proof", want: []int{http.StatusOK}}
	if size > 0 {
		k.query = url.Values{"size": {strconv.FormatInt(size, 10)}}
	}
	_, err := c.do(ctx, k, &receipt)
	return receipt, err
}

// AuditConsistency returns what shows that the log was only added to since it had
// a size, with the newest checkpoint: JSON.
func (c *Client) AuditConsistency(ctx context.Context, from int64) ([]byte, error) {
	var proof []byte
	_, err := c.do(ctx, call{
		method: http.MethodGet, path: native + "/audit/consistency", query: url.Values{"from": {strconv.FormatInt(from, 10)}},
		want: []int{http.StatusOK},
	}, &proof)
	return proof, err
}
