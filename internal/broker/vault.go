package broker

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Key seals secrets: AES-256-GCM. What is sealed names it.
type Key struct {
	ID       string
	Material []byte // 32 bytes; never logged
}

// NewKey makes a key.
func NewKey() Key {
	material := make([]byte, 32)
	rand.Read(material)
	return Key{uuid.NewString(), material}
}

// Vault seals with its first key and opens with any. What it says when it fails
// has no secrets.
type Vault []Key

// ErrSealed says that no key of a vault opens something.
var ErrSealed = errors.New("sealed by a key that is not here")

// sealPrefix begins what is sealed: sealed:KEY:BASE64.
const sealPrefix = "sealed:"

// Seal seals a secret for one purpose: opened for another, it fails.
func (v Vault) Seal(purpose string, secret []byte) (string, error) {
	if len(v) == 0 {
		return "", errors.New("there is no key to seal with")
	}
	aead, err := v[0].aead()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	box := aead.Seal(nonce, nonce, secret, []byte(purpose))
	return sealPrefix + v[0].ID + ":" + base64.RawStdEncoding.EncodeToString(box), nil
}

// Open opens what was sealed for a purpose. ErrSealed when its key is not in the
// vault.
func (v Vault) Open(purpose, sealed string) ([]byte, error) {
	id, text, ok := strings.Cut(strings.TrimPrefix(sealed, sealPrefix), ":")
	box, err := base64.RawStdEncoding.DecodeString(text)
	if !ok || err != nil || !strings.HasPrefix(sealed, sealPrefix) {
		return nil, errors.New("it is not sealed")
	}
	for _, k := range v {
		if k.ID != id {
			continue
		}
		aead, err := k.aead()
		if err != nil {
			return nil, err
		}
		if len(box) < aead.NonceSize() {
			return nil, errors.New("the seal is too short")
		}
		return aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], []byte(purpose))
	}
	return nil, ErrSealed
}

func (k Key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.Material)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", k.ID, err)
	}
	return cipher.NewGCM(block)
}

// Reseal seals with the first key what any of them opens: in a JSON document,
// each member "credentials" that is sealed, for the purpose of that name.
func (v Vault) Reseal(document string) (string, error) {
	var value any
	numbers := json.NewDecoder(strings.NewReader(document))
	numbers.UseNumber() // as they are written
	if err := numbers.Decode(&value); err != nil {
		return "", errors.New("the document is not JSON")
	}
	value, err := v.reseal(value)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(value)
	return string(text), err
}

func (v Vault) reseal(value any) (any, error) {
	var err error
	switch value := value.(type) {
	case map[string]any:
		for name := range value {
			if s, ok := value[name].(string); ok && name == credentialsKey && strings.HasPrefix(s, sealPrefix) {
				secret, openErr := v.Open(credentialsKey, s)
				if openErr != nil {
					return nil, openErr
				}
				value[name], err = v.Seal(credentialsKey, secret)
			} else {
				value[name], err = v.reseal(value[name])
			}
			if err != nil {
				return nil, err
			}
		}
	case []any:
		for i := range value {
			if value[i], err = v.reseal(value[i]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// Sealed is the configuration as it is stored.
func (c Config) Sealed(v Vault) (string, error) {
	if c.secrets == nil {
		return string(c.JSON()), nil
	}
	sealed, err := v.Seal(credentialsKey, raw(c.secrets))
	if err != nil {
		return "", fmt.Errorf("seal credentials: %w", err)
	}
	return string(c.document(sealed)), nil
}

// OpenConfig reads a configuration as it is stored. ErrSealed when its key is
// not in the vault.
func OpenConfig(stored string, v Vault) (Config, error) {
	var document struct{ Broker members }
	if err := json.Unmarshal([]byte(stored), &document); err != nil {
		return Config{}, errors.New("the stored configuration is not JSON")
	}
	var sealed string
	if json.Unmarshal(document.Broker[credentialsKey], &sealed) == nil && sealed != "" {
		secrets, err := v.Open(credentialsKey, sealed)
		if err != nil {
			return Config{}, fmt.Errorf("open credentials: %w", err)
		}
		document.Broker[credentialsKey] = secrets
	}
	return ParseConfig(raw(members{"broker": raw(document.Broker)}))
}
