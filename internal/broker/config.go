package broker

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/coreshed/coreshed"
)

// Type is a kind of broker.
type Type string

// The types of brokers.
const (
	Host Type = "host"
	NFS  Type = "nfs"
	S3   Type = "s3"
)

// The names of what can be wrong with a configuration.
const (
	InvalidConfiguration = "INVALID_CONFIGURATION"
	InvalidBroker        = "INVALID_BROKER"
	InvalidVersion       = "INVALID_VERSION"
)

// ConfigError says what is wrong with a configuration. Its kind is
// coreshed.Invalid.
type ConfigError struct{ Name, Description string }

func (e *ConfigError) Error() string { return "Workspace configuration invalid: " + e.Description }

// Unwrap gives the error its kind.
func (e *ConfigError) Unwrap() error {
	err := coreshed.Errorf(coreshed.Invalid, "%s", e.Error())
	err.Field = "configuration"
	return err
}

func invalid(name, format string, args ...any) error {
	return &ConfigError{name, fmt.Sprintf(format, args...)}
}

// Config is the configuration of a workspace: where its folder or bucket is and
// what opens it. It never prints its credentials.
type Config struct {
	Type     Type
	HostPath string // of host
	NFSPath  string // of nfs: server:/path

	Bucket, Region, Endpoint string  // of s3; no endpoint is AWS
	credentials              keyPair // of s3; none is by role

	broker  members // as it was given, unknown members too
	secrets members // its credentials; nil when it has none
}

// keyPair opens a bucket.
type keyPair struct{ id, secret string }

// Format writes the masked configuration, whatever the verb: it may end in a
// log.
func (c Config) Format(f fmt.State, _ rune) { f.Write(c.Masked()) } //nolint:errcheck // the state keeps it

// members are those of a JSON object.
type members map[string]json.RawMessage

// The members of a configuration.
const (
	accessKey      = "access_key_id"
	secretKey      = "secret_access_key"
	credentialsKey = "credentials"
)

// ParseConfig reads a configuration, `{"broker": {…}}`. Its errors are
// *ConfigError. What a version says is checked and forgotten.
func ParseConfig(document []byte) (Config, error) {
	broker, err := parseTop(document)
	if err != nil {
		return Config{}, err
	}
	c := Config{broker: broker}
	return c, c.read()
}

// maxVersion is the longest version, in characters.
const maxVersion = 50

// parseTop reads the members of the broker.
func parseTop(document []byte) (members, error) {
	var top, broker members
	if json.Unmarshal(document, &top) != nil || top == nil {
		return nil, invalid(InvalidConfiguration, "the configuration must be an object")
	}
	for name := range top {
		if name != "broker" && name != "version" {
			return nil, invalid(InvalidConfiguration, "%q is not a member of a configuration", name)
		}
	}
	if json.Unmarshal(top["broker"], &broker) != nil || broker == nil {
		return nil, invalid(InvalidConfiguration, "broker is required and must be an object")
	}
	return broker, checkVersion(top["version"])
}

// checkVersion checks what a version says, if there is one.
func checkVersion(text json.RawMessage) error {
	if text == nil {
		return nil
	}
	var version *string
	if json.Unmarshal(text, &version) != nil || version == nil || len([]rune(*version)) > maxVersion {
		return invalid(InvalidConfiguration, "version must be a string of at most %d characters", maxVersion)
	}
	if !slices.Contains([]string{"6", "7", "1.0"}, *version) {
		return invalid(InvalidVersion, "%s is an unsupported version number", *version)
	}
	return nil
}

// read takes from the members what the type knows.
func (c *Config) read() error {
	var kind string
	if err := c.text("type", true, &kind); err != nil {
		return err
	}
	c.Type = Type(kind)
	if c.Type != S3 {
		delete(c.broker, credentialsKey) // a form may send them along
	}
	switch c.Type {
	case Host:
		return c.text("host_path", true, &c.HostPath)
	case NFS:
		return c.text("nfs_path", true, &c.NFSPath)
	case S3:
		return c.readS3()
	}
	return invalid(InvalidBroker, "%q is not a type of broker: it must be host, nfs or s3", kind)
}

func (c *Config) readS3() error {
	for _, m := range []struct {
		name     string
		required bool
		into     *string
	}{
		{"bucket_name", true, &c.Bucket},
		{"region_name", false, &c.Region},
		{"endpoint_url", false, &c.Endpoint},
		{"host_path", false, &c.HostPath},
	} {
		if err := c.text(m.name, m.required, m.into); err != nil {
			return err
		}
	}
	return c.readCredentials()
}

// readCredentials wants both or none. A blank one stands for the role that the
// server has; where nothing is set there are none, as Scale's own web page sends
// it.
func (c *Config) readCredentials() error {
	text, ok := c.broker[credentialsKey]
	if ok && string(text) != `""` && json.Unmarshal(text, &c.secrets) != nil {
		return invalid(InvalidBroker, "credentials must be an object")
	}
	if len(c.secrets) == 0 {
		c.secrets = nil
		delete(c.broker, credentialsKey)
		return nil
	}
	var found keyPair
	for name, into := range map[string]*string{accessKey: &found.id, secretKey: &found.secret} {
		value, ok := c.secrets[name]
		if !ok || json.Unmarshal(value, into) != nil {
			return invalid(InvalidBroker, "credentials need %s and %s, both strings", accessKey, secretKey)
		}
	}
	if found.id != "" && found.secret != "" {
		c.credentials = found
	}
	return nil
}

// text reads a member that is a string.
func (c *Config) text(name string, required bool, into *string) error {
	value, ok := c.broker[name]
	if ok && string(value) != "null" && json.Unmarshal(value, into) != nil {
		return invalid(InvalidBroker, "%s must be a string", name)
	}
	if required && *into == "" {
		return invalid(InvalidBroker, "a broker needs %s", name)
	}
	return nil
}

// JSON is the configuration as it is shown to those who may see its secrets.
func (c Config) JSON() json.RawMessage { return c.document(c.secrets) }

// mask stands for a secret.
const mask = "************"

// Masked is the configuration as it is shown to others.
func (c Config) Masked() json.RawMessage {
	masked := members{}
	for name := range c.secrets {
		masked[name] = raw(mask)
	}
	return c.document(masked)
}

func (c Config) document(secrets any) json.RawMessage {
	broker := members{}
	for name, value := range c.broker {
		broker[name] = value
	}
	if c.secrets != nil {
		broker[credentialsKey] = raw(secrets)
	}
	return raw(members{"broker": raw(broker)})
}

func raw(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // these always marshal
	}
	return text
}

// Unmask returns the configuration with each masked secret replaced by the one
// that it had before: what was read can be sent back. A *ConfigError when there
// was none.
func (c Config) Unmask(before Config) (Config, error) {
	secrets := members{}
	for name, value := range c.secrets {
		if string(value) == string(raw(mask)) {
			was, ok := before.secrets[name]
			if !ok {
				return c, invalid(InvalidBroker, "%s is masked, and there was none before", name)
			}
			value = was
		}
		secrets[name] = value
	}
	if c.secrets == nil {
		return c, nil
	}
	return ParseConfig(c.document(secrets))
}

// BringsCredentials reports whether the configuration opens what it names by
// credentials of its own alone, not by what the server itself may reach.
func (c Config) BringsCredentials() bool {
	return c.Type == S3 && c.HostPath == "" && c.credentials != keyPair{}
}

// Same reports whether the configuration, with what is masked as it was, opens
// what another one opens in the same way.
func (c Config) Same(was Config) bool {
	c, err := c.Unmask(was)
	return err == nil && c.Type == was.Type && c.HostPath == was.HostPath && c.NFSPath == was.NFSPath &&
		c.Bucket == was.Bucket && c.Region == was.Region && c.Endpoint == was.Endpoint && c.credentials == was.credentials
}

// MaskedSecrets reports whether a secret is masked: only an edit may leave it
// so.
func (c Config) MaskedSecrets() bool {
	for _, value := range c.secrets {
		if string(value) == string(raw(mask)) {
			return true
		}
	}
	return false
}
