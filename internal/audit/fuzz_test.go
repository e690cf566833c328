package audit_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/internal/audit"
)

// fuzzKey has signed the first seed of FuzzCheckpoint.
func fuzzKeys(f *testing.F) (secret, key string) {
	f.Helper()
	secret, err := audit.NewKey("example.org/log")
	if err != nil {
		f.Fatal(err)
	}
	key, err = audit.VerifierKey(secret)
	if err != nil {
		f.Fatal(err)
	}
	return secret, key
}

// Whatever a checkpoint says, what is believed of it was signed, and says what
// its text says.
func FuzzCheckpoint(f *testing.F) {
	secret, key := fuzzKeys(f)
	good, err := audit.Sign(secret, 9, audit.Hash{1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(strings.Replace(good, "9", "09", 1))
	f.Add("example.org/log\n-1\n\n\n— example.org/log x\n")
	f.Add(good + good)
	f.Fuzz(func(t *testing.T, text string) {
		cp, err := audit.OpenCheckpoint(text, key)
		if err != nil {
			return
		}
		if cp != (audit.Checkpoint{Origin: "example.org/log", Size: 9, Root: audit.Hash{1}}) {
			t.Errorf("%+v was never signed", cp)
		}
	})
}

// A receipt of anything is read or refused, and what is read is written the same;
// one that was made up is not believed.
func FuzzReceipt(f *testing.F) {
	f.Add([]byte(`{"number":0,"leaf":"{}","salt":null,"details":null,"size":1,"proof":[]}`))
	f.Add([]byte(`{"number":5,"leaf":"{\"coreshed_audit\":1,\"id\":1,\"at\":0,\"organisation\":0,\"actor\":\"\",\"action\":\"\",\"kind\":\"\",\"subject\":0,\"workspace\":0,\"outcome\":\"\",\"details_sha256\":null}","salt":"AA==","details":"{}","size":9223372036854775807,"proof":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := audit.ParseReceipt(text)
		if err != nil {
			return
		}
		e, err := r.Entry()
		if err == nil && !bytes.Equal(audit.Leaf(e), []byte(r.Leaf)) {
			t.Errorf("the leaf %q is read as another: %q", r.Leaf, audit.Leaf(e))
		}
		for _, size := range []int64{0, 1, 2, 7, r.Size} {
			if r.Verify(audit.Checkpoint{Origin: "example.org/log", Size: size, Root: audit.Hash{1}}) == nil {
				t.Errorf("%q is believed", text)
			}
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := audit.ParseReceipt(again); err != nil && len(again) < 1<<20 {
			t.Errorf("what was written cannot be read: %v", err)
		}
	})
}
