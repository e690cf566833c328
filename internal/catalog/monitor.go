package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
)

// document is a JSON object.
type document map[string]json.RawMessage

// The members of the configuration of a strike or scan that may hold secrets.
var finders = []string{"monitor", "scanner"}

const (
	credentials = "credentials"
	masked      = "************"
)

// SealFinder makes the configuration of a strike or scan ready to be stored: its
// secrets are sealed, and its version is forgotten. Secrets that are masked stay
// as they are in before, the stored one; nil when there is none.
func (c *Catalog) SealFinder(ctx context.Context, configuration, before json.RawMessage) (json.RawMessage, error) {
	vault, err := c.readVault(ctx) // to seal with the newest key
	if err != nil {
		return nil, err
	}
	return eachFinder(configuration, func(name string, secrets json.RawMessage) (json.RawMessage, error) {
		whole, err := c.unmasked(ctx, name, secrets, before)
		if err != nil {
			return nil, err
		}
		sealed, err := vault.Seal(credentials, whole)
		if err != nil {
			return nil, err
		}
		return json.Marshal(sealed)
	})
}

// unmasked returns secrets with each masked one replaced by the one before.
func (c *Catalog) unmasked(ctx context.Context, name string, secrets, before json.RawMessage) (json.RawMessage, error) {
	var now, was map[string]any
	if err := json.Unmarshal(secrets, &now); err != nil {
		return nil, coreshed.Errorf(coreshed.BadRequest, "%s.credentials must be a JSON object", name)
	}
	for key, value := range now {
		if value != masked {
			continue
		}
		if was == nil {
			var err error
			if was, err = c.secretsOf(ctx, name, before); err != nil {
				return nil, err
			}
		}
		old, ok := was[key]
		if !ok {
			return nil, coreshed.Errorf(coreshed.BadRequest, "%s.credentials.%s is masked, and there was none before for this place", name, key)
		}
		now[key] = old
	}
	return json.Marshal(now)
}

func (c *Catalog) secretsOf(ctx context.Context, name string, stored json.RawMessage) (map[string]any, error) {
	was := map[string]any{}
	if stored == nil {
		return was, nil
	}
	open, err := c.OpenFinder(ctx, stored)
	if err != nil {
		return nil, err
	}
	var members document
	if err := json.Unmarshal(open, &members); err != nil {
		return nil, err
	}
	var finder struct{ Credentials map[string]any }
	if raw, ok := members[name]; ok {
		if err := json.Unmarshal(raw, &finder); err != nil {
			return nil, err
		}
	}
	if finder.Credentials != nil {
		was = finder.Credentials
	}
	return was, nil
}

// OpenFinder is a stored configuration with its secrets in clear.
func (c *Catalog) OpenFinder(ctx context.Context, stored json.RawMessage) (json.RawMessage, error) {
	vault, err := c.Vault(ctx)
	if err != nil {
		return nil, err
	}
	open, err := openFinder(vault, stored)
	if errors.Is(err, broker.ErrSealed) { // by a key that is newer than these
		if vault, err = c.readVault(ctx); err == nil {
			open, err = openFinder(vault, stored)
		}
	}
	return open, err
}

func openFinder(vault broker.Vault, stored json.RawMessage) (json.RawMessage, error) {
	return eachFinder(stored, func(_ string, secrets json.RawMessage) (json.RawMessage, error) {
		var sealed string
		if err := json.Unmarshal(secrets, &sealed); err != nil {
			return nil, fmt.Errorf("open credentials: %w", err)
		}
		return vault.Open(credentials, sealed)
	})
}

// MaskFinder is an open configuration as it is shown to those who may not see its
// secrets: with all of them masked.
func MaskFinder(open json.RawMessage) (json.RawMessage, error) {
	return eachFinder(open, func(_ string, secrets json.RawMessage) (json.RawMessage, error) {
		var members map[string]any
		if err := json.Unmarshal(secrets, &members); err != nil {
			return nil, fmt.Errorf("mask credentials: %w", err)
		}
		for name := range members {
			members[name] = masked
		}
		return json.Marshal(members)
	})
}

// eachFinder replaces the secrets of a configuration. Null stays.
func eachFinder(configuration json.RawMessage, secrets func(name string, secrets json.RawMessage) (json.RawMessage, error)) (json.RawMessage, error) {
	var d document
	if err := json.Unmarshal(configuration, &d); err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	delete(d, "version")
	for _, name := range finders {
		var finder document
		if d[name] == nil || json.Unmarshal(d[name], &finder) != nil || finder[credentials] == nil || string(finder[credentials]) == "null" {
			continue
		}
		replaced, err := secrets(name, finder[credentials])
		if err != nil {
			return nil, err
		}
		finder[credentials] = replaced
		if d[name], err = json.Marshal(finder); err != nil {
			return nil, err
		}
	}
	return json.Marshal(d)
}
