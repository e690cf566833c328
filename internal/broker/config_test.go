package broker_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
)

const bucketConfig = `{"broker": {"type": "s3", "bucket_name": "cores", "region_name": "eu-west-1", "host_path": "/mnt", "extra": 9007199254740993,
	"credentials": {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "tell-nobody", "session_token": "nor-this"}}, "version": "6"}`

func parse(t *testing.T, document string) broker.Config {
	t.Helper()
	c, err := broker.ParseConfig([]byte(document))
	if err != nil {
		t.Fatalf("ParseConfig %s: %v", document, err)
	}
	return c
}

// wantJSON compares documents whatever the order of their members.
func wantJSON(t *testing.T, what, want string, got []byte) {
	t.Helper()
	var w, g any
	if err := errors.Join(json.Unmarshal([]byte(want), &w), json.Unmarshal(got, &g)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestParseConfig(t *testing.T) {
	for _, tt := range []struct{ document, want string }{
		{`{"broker": {"type": "host", "host_path": "/srv"}}`, ""},
		{`{"broker": {"type": "host", "host_path": "/srv", "note": ["kept"]}, "version": "6"}`, ""},
		{`{"broker": {"type": "host", "host_path": "/srv"}, "version": "7"}`, ""},
		{`{"broker": {"type": "nfs", "nfs_path": "server:/export"}, "version": "1.0"}`, ""},
		{`{"broker": {"type": "s3", "bucket_name": "b"}}`, ""},
		{`{"broker": {"type": "s3", "bucket_name": "b", "credentials": null, "region_name": null}}`, ""},
		{`{"broker": {"type": "s3", "bucket_name": "b", "credentials": {"access_key_id": "", "secret_access_key": ""}}}`, ""},
		{`{"broker": {"type": "s3", "bucket_name": "b", "credentials": {"access_key_id": null, "secret_access_key": null}}}`, ""},
		{`{"broker": {"type": "s3", "bucket_name": "b", "credentials": {}}}`, ""},
		{`{"broker": {"type": "s3", "bucket_name": "b", "credentials": ""}}`, ""},

		{``, broker.InvalidConfiguration},
		{`123`, broker.InvalidConfiguration},
		{`null`, broker.InvalidConfiguration},
		{`[]`, broker.InvalidConfiguration},
		{`{}`, broker.InvalidConfiguration},
		{`{"broker": 123}`, broker.InvalidConfiguration},
		{`{"broker": null}`, broker.InvalidConfiguration},
		{`{"broker": {"type": "host", "host_path": "/srv"}, "colour": 1}`, broker.InvalidConfiguration},
		{`{"broker": {"type": "host", "host_path": "/srv"}, "version": 6}`, broker.InvalidConfiguration},
		{`{"broker": {"type": "host", "host_path": "/srv"}, "version": null}`, broker.InvalidConfiguration},
		{`{"broker": {"type": "host", "host_path": "/srv"}, "version": "` + strings.Repeat("6", 51) + `"}`, broker.InvalidConfiguration},

		{`{"broker": {"type": "nfs"}, "version": "BAD"}`, broker.InvalidVersion},
		{`{"broker": {"type": "host", "host_path": "/srv"}, "version": "8"}`, broker.InvalidVersion},

		{`{"broker": {}}`, broker.InvalidBroker},
		{`{"broker": {"type": "ftp"}}`, broker.InvalidBroker},
		{`{"broker": {"type": 7}}`, broker.InvalidBroker},
		{`{"broker": {"type": "host"}}`, broker.InvalidBroker},
		{`{"broker": {"type": "host", "host_path": ""}}`, broker.InvalidBroker},
		{`{"broker": {"type": "host", "host_path": null}}`, broker.InvalidBroker},
		{`{"broker": {"type": "host", "Host_Path": "/srv"}}`, broker.InvalidBroker},
		{`{"broker": {"type": "nfs", "nfs_path": 1}}`, broker.InvalidBroker},
		{`{"broker": {"type": "s3"}}`, broker.InvalidBroker},
		{`{"broker": {"type": "s3", "bucket_name": "b", "credentials": {"access_key_id": "x"}}}`, broker.InvalidBroker},
		{`{"broker": {"type": "s3", "bucket_name": "b", "credentials": {"secret_access_key": "x"}}}`, broker.InvalidBroker},
		{`{"broker": {"type": "s3", "bucket_name": "b", "credentials": "sealed:x:y"}}`, broker.InvalidBroker},
		{`{"broker": {"type": "s3", "bucket_name": "b", "endpoint_url": 1}}`, broker.InvalidBroker},
	} {
		_, err := broker.ParseConfig([]byte(tt.document))
		if tt.want == "" {
			if err != nil {
				t.Errorf("ParseConfig %s: %v", tt.document, err)
			}
			continue
		}
		var invalid *broker.ConfigError
		if !errors.As(err, &invalid) || invalid.Name != tt.want || !errors.Is(err, coreshed.Invalid) {
			t.Errorf("ParseConfig %s = %v, want %s", tt.document, err, tt.want)
		}
	}
}

func TestConfigShown(t *testing.T) {
	c := parse(t, bucketConfig)
	const rest = `"type": "s3", "bucket_name": "cores", "region_name": "eu-west-1", "host_path": "/mnt", "extra": 9007199254740993`
	wantJSON(t, "in clear", `{"broker": {`+rest+`, "credentials": {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "tell-nobody", "session_token": "nor-this"}}}`, c.JSON())
	wantJSON(t, "masked", `{"broker": {`+rest+`, "credentials": {"access_key_id": "************", "secret_access_key": "************", "session_token": "************"}}}`, c.Masked())
	if !strings.Contains(string(c.JSON()), "9007199254740993") {
		t.Errorf("an unknown member has become another: %s", c.JSON())
	}
	host := `{"broker": {"type": "host", "host_path": "/srv", "note": ["kept"]}}`
	wantJSON(t, "without credentials", host, parse(t, host).Masked())
}

// TestNoCredentials: those that are not set, or that the type has none of, are
// forgotten. A form of a page sends them along.
func TestNoCredentials(t *testing.T) {
	const host, bucket = `{"broker": {"type": "host", "host_path": "/srv"}}`, `{"broker": {"type": "s3", "bucket_name": "b"}}`
	for _, sent := range []string{`""`, `null`, `{}`, `{"access_key_id": "AKIA", "secret_access_key": "tell-nobody"}`, `"tell-nobody"`} {
		for _, want := range []string{host, bucket} {
			if want == bucket && strings.Contains(sent, "tell-nobody") {
				continue
			}
			c := parse(t, strings.Replace(want, `"}}`, `", "credentials": `+sent+`}}`, 1))
			stored, err := c.Sealed(broker.Vault{broker.NewKey()})
			if err != nil {
				t.Fatal(err)
			}
			again, err := broker.OpenConfig(stored, nil)
			if err != nil {
				t.Errorf("%s of %s: %v", sent, want, err)
				continue
			}
			wantJSON(t, "with credentials "+sent, want, again.JSON())
		}
	}
	// One that an older server has stored.
	for _, sent := range []string{`""`, `null`} {
		c, err := broker.OpenConfig(`{"broker": {"type": "host", "host_path": "/srv", "credentials": `+sent+`}}`, nil)
		if err != nil {
			t.Errorf("stored %s: %v", sent, err)
			continue
		}
		wantJSON(t, "stored "+sent, host, c.Masked())
	}
}

func TestConfigTellsNoSecrets(t *testing.T) {
	c := parse(t, bucketConfig)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("open", "config", c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("open", "config", &c)
	texts := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%s", "%#v", "%d", "%x"} {
		texts = append(texts, fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c), fmt.Sprintf(verb, []broker.Config{c}))
	}
	for _, text := range texts {
		if strings.Contains(text, "tell-nobody") || strings.Contains(text, "AKIA") || strings.Contains(text, "74656c6c") {
			t.Errorf("it says %s", text)
		}
	}
}

func TestUnmask(t *testing.T) {
	before := parse(t, bucketConfig)
	again, err := parse(t, string(before.Masked())).Unmask(before)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, "what was read, sent back", string(before.JSON()), again.JSON())

	edited := parse(t, `{"broker": {"type": "s3", "bucket_name": "other", "credentials": {"access_key_id": "new", "secret_access_key": "************"}}}`)
	got, err := edited.Unmask(before)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, "edited", `{"broker": {"type": "s3", "bucket_name": "other", "credentials": {"access_key_id": "new", "secret_access_key": "tell-nobody"}}}`, got.JSON())

	var invalid *broker.ConfigError
	if _, err := edited.Unmask(broker.Config{}); !errors.As(err, &invalid) {
		t.Errorf("Unmask of what there was not = %v, want a *ConfigError", err)
	}
}

func TestVault(t *testing.T) {
	old, current := broker.NewKey(), broker.NewKey()
	sealed, err := parse(t, bucketConfig).Sealed(broker.Vault{old})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, "tell-nobody") || strings.Contains(sealed, "AKIA") {
		t.Fatalf("sealed, it says %s", sealed)
	}
	again, err := broker.Vault{current, old}.Reseal(sealed)
	if err != nil || again == sealed {
		t.Fatalf("Reseal: %v", err)
	}
	for what, v := range map[string]struct {
		document string
		vault    broker.Vault
		want     error
	}{
		"its own key":       {sealed, broker.Vault{old}, nil},
		"a later key":       {sealed, broker.Vault{current, old}, nil},
		"another key":       {sealed, broker.Vault{current}, broker.ErrSealed},
		"resealed":          {again, broker.Vault{current}, nil},
		"the key before":    {again, broker.Vault{old}, broker.ErrSealed},
		"no key":            {sealed, nil, broker.ErrSealed},
		"a key of its name": {sealed, broker.Vault{{ID: old.ID, Material: current.Material}}, errAny},
		"a changed seal":    {strings.Replace(sealed, `"}`, `A"}`, 1), broker.Vault{old}, errAny},
	} {
		c, err := broker.OpenConfig(v.document, v.vault)
		switch {
		case v.want == nil && err == nil:
			wantJSON(t, what, string(parse(t, bucketConfig).JSON()), c.JSON())
		case v.want == nil || err == nil || (!errors.Is(v.want, errAny) && !errors.Is(err, v.want)):
			t.Errorf("OpenConfig with %s = %v, want %v", what, err, v.want)
		case strings.Contains(err.Error(), "tell-nobody"):
			t.Errorf("OpenConfig with %s says %v", what, err)
		}
	}
	for purpose, ok := range map[string]bool{"credentials": true, "other": false} {
		box, err := broker.Vault{old}.Seal("credentials", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (broker.Vault{old}).Open(purpose, box); (err == nil) != ok {
			t.Errorf("Open for %s = %v", purpose, err)
		}
	}
	if plain, err := parse(t, `{"broker": {"type": "host", "host_path": "/srv"}}`).Sealed(nil); err != nil || !strings.Contains(plain, "/srv") {
		t.Errorf("without secrets: %s, %v", plain, err)
	}
}

// errAny stands for any failure.
var errAny = errors.New("any")
