package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/audit"
	"github.com/coreshed/coreshed/internal/killpoint"
	"github.com/coreshed/coreshed/internal/store"
)

const (
	auditEvery = time.Second
	auditLease = time.Minute // short: another replica goes on soon
	auditBatch = 250         // writers wait for as many
)

// ensureAuditKey makes a key that signs checkpoints when the store has none. The
// log is named after the oldest organisation.
func ensureAuditKey(ctx context.Context, db *store.DB, org coreshed.UUID) error {
	secret, err := audit.NewKey("coreshed/audit/" + org.String())
	if err != nil {
		return fmt.Errorf("make audit key: %w", err)
	}
	return db.AddKey(ctx, store.AuditKey, uuid.NewString(), []byte(secret))
}

// sequenceAll writes to the audit log what was refused, and numbers and signs what
// was written, until ctx ends and then what was refused and written before.
func (w *worker) sequenceAll(ctx context.Context) {
	tick := time.NewTicker(auditEvery)
	defer tick.Stop()
	for last := false; ; {
		err := w.attempts.flush(context.WithoutCancel(ctx), w.db, last)
		err = errors.Join(err, w.sequence(context.WithoutCancel(ctx)))
		if err == nil {
			err = w.publishCheckpoint(context.WithoutCancel(ctx))
		}
		if err != nil && !errors.Is(err, coreshed.Conflict) {
			w.log.Error("background work", "job", auditJob, "error", err)
		}
		if last {
			return
		}
		select {
		case <-ctx.Done():
			last = true
		case <-tick.C:
		}
	}
}

// sequence numbers what waits, if no other process is doing it.
func (w *worker) sequence(ctx context.Context) error {
	for {
		waits, err := w.db.AuditWaits(ctx)
		if err != nil || !waits {
			return err
		}
		mine, err := w.db.Lease(ctx, auditJob, w.holder, auditLease)
		if err != nil || !mine {
			return err
		}
		killpoint.Reach("audit.leased")
		secret, err := auditSecret(ctx, w.db)
		if err != nil {
			return err
		}
		sign := func(size int64, root audit.Hash) (string, error) { return audit.Sign(secret, size, root) }
		if _, err := w.db.SequenceAudit(ctx, store.Lease{Name: auditJob, Holder: w.holder}, auditBatch, sign); err != nil {
			return err
		}
		killpoint.Reach("audit.numbered")
	}
}

func auditSecret(ctx context.Context, db *store.DB) (string, error) {
	keys, err := db.Keys(ctx, store.AuditKey)
	if err != nil {
		return "", err
	}
	if len(keys) == 0 || !keys[0].Active() {
		return "", coreshed.Errorf(coreshed.StoreFailed, "there is no key to sign the audit log with")
	}
	return string(keys[0].Material), nil
}

// publishCheckpoint writes the newest checkpoint to the file that was asked for,
// where the server's database does not reach.
func (w *worker) publishCheckpoint(ctx context.Context) error {
	if w.checkpoint.file == "" {
		return nil
	}
	signed, err := w.db.OwnCheckpoint(ctx)
	if errors.Is(err, coreshed.NotFound) || err == nil && signed == w.checkpoint.written {
		return nil
	}
	if err != nil {
		return err
	}
	if err := w.extends(ctx); err != nil {
		return err
	}
	if err := writeFile(w.checkpoint.file, []byte(signed), 0o644); err != nil {
		return err
	}
	killpoint.Reach("audit.published")
	w.checkpoint.written = signed
	return nil
}

// extends fails unless the log goes on from what the file says it was: a
// checkpoint of a log that has been cut or rewritten since is the one proof of
// that, and must stay.
func (w *worker) extends(ctx context.Context) error {
	text, err := os.ReadFile(w.checkpoint.file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (len(text) == 0 || string(text) == w.checkpoint.written) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	if err := w.db.AuditExtends(ctx, string(text)); err != nil {
		return fmt.Errorf("the checkpoint in the file stays as it is: %w", err)
	}
	return nil
}
