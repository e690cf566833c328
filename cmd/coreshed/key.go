package main

import (
	"context"
	"time"

	"github.com/coreshed/coreshed/internal/auth"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/signedurl"
	"github.com/coreshed/coreshed/internal/store"
)

type keyCmd struct {
	List   keyList   `cmd:"" help:"List keys; never what they are made of."`
	Rotate keyRotate `cmd:"" help:"Make a new key sign, or seal, from now on."`
}

// Help teaches the verb.
func (keyCmd) Help() string {
	return `One kind of keys signs the URLs of uploads and downloads, another the built-in issuer's tokens. What a former key has signed stays good until it expires, tokens for at most 30 days, unless --revoke ends it: a server that runs notices within a minute.

The third kind seals the credentials of workspaces' buckets. A new one seals all of them anew; former ones stay, to open older copies of the database, unless --revoke deletes them.

    coreshed key rotate token --data /srv/coreshed

    coreshed key rotate url --revoke --data /srv/coreshed`
}

type keyList struct{}

type keyRow struct {
	ID        string    `json:"id"`
	Purpose   string    `json:"purpose"`
	CreatedAt time.Time `json:"created_at"`
	RetiredAt time.Time `json:"retired_at,omitzero"`
}

// Run lists the keys.
func (keyList) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(db *store.DB) error {
		var rows []keyRow
		for _, purpose := range []string{store.TokenKey, store.URLKey} {
			keys, err := db.Keys(ctx, purpose)
			if err != nil {
				return err
			}
			for _, k := range keys {
				rows = append(rows, keyRow{k.ID, k.Purpose, k.CreatedAt, k.RetiredAt})
			}
		}
		sealing, err := db.SealingKeys(ctx)
		if err != nil {
			return err
		}
		for _, k := range sealing {
			rows = append(rows, keyRow{k.ID, secretKey, k.CreatedAt, k.RetiredAt})
		}
		return table(a, rows, "ID\tFOR\tCREATED\tRETIRED", func(k keyRow) []any {
			return []any{k.ID, k.Purpose + "s", k.CreatedAt, k.RetiredAt}
		})
	})
}

// secretKey is the purpose of the keys that seal.
const secretKey = "secret"

type keyRotate struct {
	Purpose string `arg:"" enum:"token,url,secret" help:"token, url or secret."`
	Revoke  bool   `help:"Refuse what former keys have signed, or forget them."`
}

// Run makes the new key and prints its id.
func (c keyRotate) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(db *store.DB) error {
		id, err := c.rotate(ctx, db)
		if err != nil {
			return err
		}
		row := keyRow{ID: id, Purpose: c.Purpose, CreatedAt: time.Now().UTC()}
		if c.Revoke {
			if err := c.revoke(ctx, db); err != nil {
				return err
			}
		}
		return fields(a, row, field{"id", row.ID}, field{"for", row.Purpose + "s"})
	})
}

func (c keyRotate) revoke(ctx context.Context, db *store.DB) (err error) {
	if c.Purpose == secretKey {
		_, err = db.DeleteRetiredSealingKeys(ctx, time.Now())
	} else {
		_, err = db.DeleteRetiredKeys(ctx, c.Purpose, time.Now())
	}
	return err
}

func (c keyRotate) rotate(ctx context.Context, db *store.DB) (string, error) {
	switch c.Purpose {
	case store.TokenKey:
		return auth.RotateTokenKey(ctx, db)
	case secretKey:
		k := broker.NewKey()
		return k.ID, db.RotateSealingKey(ctx, k.ID, k.Material, func(keys []store.SealingKey, document string) (string, error) {
			return catalog.VaultOf(keys).Reseal(document)
		})
	}
	id, material := signedurl.NewKey()
	return id, db.RotateKey(ctx, store.URLKey, id, material)
}
