package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/store"
)

const (
	// ingestLease is how long a claim holds that nobody prolongs.
	ingestLease = 2 * time.Minute
	// young is how old a file in a folder must be to be taken: somebody may
	// still be writing one that was written a moment ago.
	young = 2 * time.Second
	// maxAttempts bounds how often an ingest is tried that could succeed.
	maxAttempts = 12
	// maxBackoff bounds the time between two attempts.
	maxBackoff = 5 * time.Minute
)

var (
	errYoung    = errors.New("the file was written a moment ago")
	errVanished = errors.New("the file has gone")
)

// ClaimIngests gives out ingests that are due to this process.
func (c *Catalog) ClaimIngests(ctx context.Context, holder string, limit int) ([]store.IngestWork, error) {
	return c.db.ClaimIngests(ctx, holder, limit, ingestLease)
}

// Ingest performs an ingest that was claimed, and records how it ended: as an
// entry, as the duplicate of one, as an error with its reason, or to be tried
// again. It can be killed at any moment: the ingest is then given out again, and
// neither loses its file nor takes it twice.
func (c *Catalog) Ingest(ctx context.Context, w store.IngestWork) {
	status, err := c.ingest(ctx, w)
	if err != nil {
		// What has been found out must be recorded, also while the server stops.
		status, err = c.giveUp(context.WithoutCancel(ctx), w, err, ctx.Err() != nil)
	}
	args := []any{"ingest", w.ID, "status", status, "attempt", w.Attempts}
	if err != nil {
		args = append(args, "error", err)
	}
	level := slog.LevelInfo
	if status == coreshed.IngestErrored || status == "" {
		level = slog.LevelWarn
	}
	c.log.Log(ctx, level, "ingest", args...)
}

// giveUp ends an ingest that failed, or puts it off. The error that it returns
// is for the log.
func (c *Catalog) giveUp(ctx context.Context, w store.IngestWork, cause error, stopping bool) (coreshed.IngestStatus, error) {
	if errors.Is(cause, store.ErrClaimLost) {
		return "", cause
	}
	if stopping {
		return coreshed.IngestQueued, c.db.RetryIngest(ctx, w, w.Reason, c.now())
	}
	reason := reasonOf(cause)
	if permanent(cause) || (w.Attempts >= maxAttempts && !outside(cause)) {
		return coreshed.IngestErrored, errors.Join(cause, c.db.FailIngest(ctx, w, reason))
	}
	return coreshed.IngestQueued, errors.Join(cause, c.db.RetryIngest(ctx, w, reason, c.now().Add(backoff(w.Attempts))))
}

// permanent reports whether another attempt would fail in the same way.
func permanent(err error) bool {
	var config *broker.ConfigError
	switch coreshed.KindOf(err) {
	case coreshed.InvalidPath, coreshed.Gone, coreshed.Invalid, coreshed.BadRequest, coreshed.Forbidden:
		return true
	}
	return errors.Is(err, errVanished) || errors.As(err, &config)
}

// outside reports whether nothing is wrong with the file itself: it is waited
// for, however long that takes.
func outside(err error) bool {
	return errors.Is(err, broker.ErrUnavailable) || errors.Is(err, coreshed.Full) || errors.Is(err, coreshed.StoreFailed)
}

func backoff(attempts int64) time.Duration {
	return min(time.Second<<min(attempts, 20), maxBackoff)
}

// reasonOf says why an ingest failed to those who may see the file. What has no
// words of its own is in the log.
func reasonOf(err error) string {
	var told *coreshed.Error
	switch {
	case errors.Is(err, errVanished):
		return "The file has gone from where it was found."
	case errors.Is(err, errYoung), errors.Is(err, broker.ErrChanged):
		return "The file changed while it was read."
	case errors.Is(err, broker.ErrEmpty):
		return "The folder is empty, as one that is not mounted. If it is to be, put a file into it."
	case errors.Is(err, broker.ErrUnavailable):
		return "The folder or bucket cannot be reached."
	case errors.Is(err, fs.ErrPermission):
		return "The server may not read or move the file."
	case errors.Is(err, coreshed.StoreFailed):
		return "The metadata store did not do what it was asked."
	case errors.As(err, &told) && told.Msg != "":
		return told.Msg
	}
	return "It failed; the server's log has more."
}

// ingest performs an ingest up to its end.
func (c *Catalog) ingest(ctx context.Context, w store.IngestWork) (coreshed.IngestStatus, error) {
	a, err := c.arrival(ctx, w)
	if err != nil {
		return "", err
	}
	defer a.close()
	if w.Entry != 0 { // cut short after it was registered
		return coreshed.IngestIngested, a.finish(ctx)
	}
	if err := c.db.MayIngest(ctx, w); err != nil {
		return "", err
	}
	if err := a.find(ctx); err != nil {
		return "", err
	}
	if entry, err := a.compare(ctx); err != nil {
		return "", err
	} else if entry != 0 {
		return coreshed.IngestDuplicate, c.db.RepeatIngest(ctx, w, entry)
	}
	if err := a.place(ctx); err != nil {
		return "", err
	}
	return a.register(ctx)
}

// arrival is an ingest that is being performed.
type arrival struct {
	c    *Catalog
	work store.IngestWork

	from broker.Broker
	to   broker.Broker   // of the workspace that gets it; nil is Coreshed's own store
	home coreshed.Access // of that workspace

	file     broker.File // as it was found
	object   broker.Object
	hash     []byte // of the whole, once known
	compared int64  // the last entry that it is no duplicate of

	placed  *store.Place  // where it is to be registered, or
	commit  *store.Commit // how it was put into Coreshed's own store
	written func()        // ends the time in which the collector leaves it alone
}

func (c *Catalog) arrival(ctx context.Context, w store.IngestWork) (*arrival, error) {
	a := &arrival{c: c, work: w}
	var err error
	if a.from, err = c.Broker(ctx, w.Workspace); err != nil {
		return nil, lasting(err, "The workspace has no folder or bucket any more.")
	}
	if w.NewWorkspace == w.Workspace {
		a.work.NewWorkspace = 0 // it is there
	}
	home := w.Workspace
	a.to = a.from
	if a.work.NewWorkspace != 0 {
		home = w.NewWorkspace
		if a.to, err = c.Broker(ctx, home); errors.Is(err, coreshed.NotFound) {
			a.to, err = nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	if a.home, err = c.db.OwnAccess(ctx, home); err != nil {
		return nil, lasting(err, "The workspace is deleted.")
	}
	a.home.Actor = w.Actor
	return a, nil
}

// lasting makes of what cannot be found a failure that no attempt mends.
func lasting(err error, msg string) error {
	if errors.Is(err, coreshed.NotFound) {
		return coreshed.Errorf(coreshed.Gone, "%s", msg)
	}
	return err
}

func (a *arrival) close() {
	if a.file != nil {
		a.file.Close()
		a.file = nil
	}
	if a.written != nil {
		a.written()
	}
}

// find opens the file: where it arrived, or where an attempt that was cut short
// has moved it.
func (a *arrival) find(ctx context.Context) error {
	var err error
	if a.moves() && a.work.Moving {
		// Where it arrived, another may lie by now.
		if a.file, err = a.from.Open(ctx, a.work.NewPath); err == nil && a.isArrival(a.file.Object()) {
			a.object = a.file.Object()
			return a.leave(ctx)
		}
		a.close()
	}
	a.file, err = a.from.Open(ctx, a.work.Path)
	if broker.Absent(err) {
		return fmt.Errorf("%w: %w", errVanished, err)
	}
	if err != nil {
		return err
	}
	a.object = a.file.Object()
	if age := a.c.now().Sub(a.object.Modified); a.object.ETag == "" && age >= 0 && age < young {
		return errYoung
	}
	return a.barred(ctx)
}

// barred refuses what was purged and has come again.
func (a *arrival) barred(ctx context.Context) error {
	p := store.Place{Path: a.object.Path, Size: a.object.Size, Modified: a.object.Modified, ETag: a.object.ETag}
	err := a.c.db.Barred(ctx, a.work.Workspace, p)
	if !errors.Is(err, store.ErrUnhashed) {
		return err
	}
	if err := a.readAll(ctx); err != nil {
		return err
	}
	p.SHA256 = a.hash
	return a.c.db.Barred(ctx, a.work.Workspace, p)
}

// leave takes a file that was found where it goes from where it arrived: a move
// that was cut short leaves it at both. Another file that lies there stays.
func (a *arrival) leave(ctx context.Context) error {
	_, err := a.from.Move(ctx, a.work.Path, a.work.NewPath)
	if broker.Absent(err) || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// moves reports whether a rule wants another path for the file where it is.
func (a *arrival) moves() bool {
	return a.work.NewWorkspace == 0 && a.work.NewPath != "" && a.work.NewPath != a.work.Path
}

// leaves reports whether the file is not yet where it will be.
func (a *arrival) leaves() bool {
	return a.work.NewWorkspace != 0 || (a.moves() && a.object.Path != a.work.NewPath)
}

// isArrival reports whether an object is what was found at first.
func (a *arrival) isArrival(o broker.Object) bool {
	return o.Same(broker.Object{Size: a.work.Size, Modified: a.work.Modified, ETag: a.work.ETag})
}
