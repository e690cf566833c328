package catalog

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/store"
)

// brokers remembers those that are open, and the keys of their secrets.
type brokers struct {
	mu    sync.Mutex
	vault broker.Vault
	open  map[int64]openBroker // by workspace
}

// openBroker is good while its workspace has the same configuration.
type openBroker struct {
	configuration string
	broker        broker.Broker
}

// Broker opens the folder or bucket of a live workspace. Gone when the workspace
// is deleted, NotFound when it has no broker. A *broker.ConfigError when this
// server may not reach it.
func (c *Catalog) Broker(ctx context.Context, workspace int64) (broker.Broker, error) {
	s, err := c.db.StorageOf(ctx, workspace)
	if err == nil && s.Deleted {
		err = coreshed.Errorf(coreshed.Gone, "The workspace is archived: its files are not reached until it is restored.")
	}
	if err != nil {
		return nil, err
	}
	return c.brokerOf(ctx, s)
}

// brokerOf is Broker for an archived workspace, too.
func (c *Catalog) brokerOf(ctx context.Context, s store.Storage) (broker.Broker, error) {
	if s.Broker == "" {
		return nil, coreshed.Errorf(coreshed.NotFound, "The workspace has no folder or bucket of its own.")
	}
	if b, ok := c.brokers.find(s); ok {
		return b, nil
	}
	config, err := c.Configuration(ctx, s)
	if err != nil {
		return nil, err
	}
	b, err := c.opener.Open(config)
	if err == nil {
		c.brokers.keep(s, b)
	}
	return b, err
}

func (k *brokers) find(s store.Storage) (broker.Broker, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b, ok := k.open[s.Workspace]
	return b.broker, ok && b.configuration == s.Configuration
}

func (k *brokers) keep(s store.Storage, b broker.Broker) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open == nil {
		k.open = map[int64]openBroker{}
	}
	k.open[s.Workspace] = openBroker{s.Configuration, b}
}

// Configuration returns the configuration of a workspace's broker, with its
// secrets.
func (c *Catalog) Configuration(ctx context.Context, s store.Storage) (broker.Config, error) {
	vault, err := c.Vault(ctx)
	if err != nil {
		return broker.Config{}, err
	}
	config, err := broker.OpenConfig(s.Configuration, vault)
	if errors.Is(err, broker.ErrSealed) { // by a key that is newer than these
		if vault, err = c.readVault(ctx); err == nil {
			config, err = broker.OpenConfig(s.Configuration, vault)
		}
	}
	return config, err
}

// Configure reads the configuration that a workspace is to have and returns it
// ready to be stored. Secrets that are masked stay as they are in before, the
// storage that it has. A *broker.ConfigError when it is invalid or names what
// this server may not reach. It contacts nothing.
func (c *Catalog) Configure(ctx context.Context, document []byte, before store.Storage) (store.Storage, error) {
	config, err := c.Wanted(ctx, document, before)
	if err != nil {
		return before, err
	}
	vault, err := c.readVault(ctx) // to seal with the newest key
	if err != nil {
		return before, err
	}
	before.Broker = string(config.Type)
	before.Configuration, err = config.Sealed(vault)
	return before, err
}

// Wanted is Configure without the sealing: to look at what is wanted.
func (c *Catalog) Wanted(ctx context.Context, document []byte, before store.Storage) (broker.Config, error) {
	config, err := broker.ParseConfig(document)
	if err != nil {
		return config, err
	}
	var was broker.Config
	if before.Broker != "" && config.MaskedSecrets() {
		if was, err = c.Configuration(ctx, before); err != nil {
			return config, err
		}
	}
	if config, err = config.Unmask(was); err != nil {
		return config, err
	}
	_, err = c.opener.Open(config)
	return config, err
}

// probeTime bounds how long somebody who asks waits for a server that does not
// answer.
const probeTime = 10 * time.Second

// Probe tells whether what a configuration names can be reached now.
func (c *Catalog) Probe(ctx context.Context, config broker.Config) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	return c.opener.Probe(ctx, config)
}

// Vault returns the keys that secrets are sealed with, as they were when this
// server last read them. The first server to ask makes the first key.
func (c *Catalog) Vault(ctx context.Context) (broker.Vault, error) {
	c.brokers.mu.Lock()
	vault := c.brokers.vault
	c.brokers.mu.Unlock()
	if vault != nil {
		return vault, nil
	}
	return c.readVault(ctx)
}

func (c *Catalog) readVault(ctx context.Context) (broker.Vault, error) {
	keys, err := c.db.SealingKeys(ctx)
	if err == nil && len(keys) == 0 {
		k := broker.NewKey()
		if err = c.db.AddSealingKey(ctx, k.ID, k.Material); err == nil {
			keys, err = c.db.SealingKeys(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	vault := VaultOf(keys)
	c.brokers.mu.Lock()
	defer c.brokers.mu.Unlock()
	c.brokers.vault = vault
	return vault, nil
}

// VaultOf is the vault of stored keys.
func VaultOf(keys []store.SealingKey) broker.Vault {
	vault := make(broker.Vault, len(keys))
	for i, k := range keys {
		vault[i] = broker.Key{ID: k.ID, Material: k.Material}
	}
	return vault
}

// Client is for requests to a server that is no bucket: a queue. A
// *broker.ConfigError when this server may not reach it.
func (c *Catalog) Client(endpoint string) (*http.Client, error) {
	if !c.opener.Allows(endpoint) {
		return nil, &broker.ConfigError{
			Name:        broker.InvalidBroker,
			Description: "the queue's server is not one that this server may reach; whoever runs it can allow it: --allow-endpoint",
		}
	}
	return c.opener.Client(), nil
}
