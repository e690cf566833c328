package catalog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/ingest"
	"github.com/coreshed/coreshed/internal/store"
)

// place brings the file to where it will be: nowhere else, another path of its
// folder, the folder or bucket of another workspace, or Coreshed's own store.
// Its bytes are durable there before anything names them.
func (a *arrival) place(ctx context.Context) error {
	// What cannot have an address is refused before anything is moved.
	if _, err := coreshed.CleanPath(a.destination()); err != nil {
		return err
	}
	switch {
	case a.work.NewWorkspace != 0 && a.to == nil:
		return a.keep(ctx)
	case a.work.NewWorkspace != 0:
		return a.copy(ctx)
	case a.leaves():
		return a.move(ctx)
	}
	if err := a.file.Check(ctx); err != nil {
		return err
	}
	a.placed = a.placeOf(a.object, false)
	return nil
}

// destination is the path that the file will have.
func (a *arrival) destination() string {
	if a.work.NewPath != "" {
		return a.work.NewPath
	}
	return a.work.Path
}

// wish is destination before any number was put after its name.
func (a *arrival) wish() string { return path.Join(path.Dir(a.destination()), a.work.Name) }

func (a *arrival) placeOf(o broker.Object, owned bool) *store.Place {
	return &store.Place{
		Path: o.Path, Size: o.Size, Modified: o.Modified, ETag: o.ETag, SHA256: a.hash,
		Owned: owned, MediaType: a.work.MediaType, Tags: a.work.Tags,
	}
}

// maxNumber bounds the search for a free name.
const maxNumber = 10_000

// Numbered is the nth alternative of a path where another file lies, as Scale
// names it.
func Numbered(name string, n int) string {
	if n == 0 {
		return name
	}
	dir, base := path.Split(name)
	ext := path.Ext(base)
	if ext == base {
		ext = ""
	}
	return dir + strings.TrimSuffix(base, ext) + "_" + strconv.Itoa(n) + ext
}

// free records, before anything is put there, a path at which no file lies.
func (a *arrival) free(ctx context.Context) error {
	wish := a.wish()
	for n := range maxNumber {
		name := Numbered(wish, n)
		taken, err := a.taken(ctx, name)
		if err != nil {
			return err
		}
		if !taken {
			return a.goesTo(ctx, name)
		}
	}
	return coreshed.Errorf(coreshed.Conflict, "Too many files have the name that the rule gives this one.")
}

// taken reports whether a file lies at a path, or a document beside it that
// would describe what is put there.
func (a *arrival) taken(ctx context.Context, name string) (bool, error) {
	if there, err := lies(ctx, a.to, name); there || err != nil {
		return there, err
	}
	document, err := lies(ctx, a.to, beside(name))
	if err != nil || !document || !a.work.Moving || name != a.work.NewPath {
		return document, err
	}
	// An attempt that was cut short may have sent its own ahead.
	return lies(ctx, a.from, beside(a.object.Path))
}

// lies reports whether there is an object at a path. An empty folder is as good
// as an absent file: what is put there would fail if it were really out of
// reach.
func lies(ctx context.Context, b broker.Broker, name string) (bool, error) {
	f, err := b.Open(ctx, name)
	if err == nil {
		return true, f.Close()
	}
	return false, ignoreNothing(err)
}

func (a *arrival) goesTo(ctx context.Context, name string) error {
	a.work.NewPath, a.work.Moving = name, true
	a.work.Size, a.work.Modified, a.work.ETag = a.object.Size, a.object.Modified, a.object.ETag
	return a.c.db.MoveIngest(ctx, a.work)
}

// move gives the file its new path in the same folder. Cut short, the next
// attempt finds it there.
func (a *arrival) move(ctx context.Context) error {
	if err := a.free(ctx); err != nil {
		return err
	}
	if err := a.file.Check(ctx); err != nil {
		return err
	}
	if err := a.sendAhead(ctx); err != nil {
		return err
	}
	moved, err := a.from.Move(ctx, a.object.Path, a.work.NewPath)
	if broker.Absent(err) {
		return fmt.Errorf("%w: %w", errVanished, err)
	}
	if err != nil {
		return err
	}
	if moved.Size != a.object.Size || (moved.ETag == "" && !moved.Modified.Equal(a.object.Modified)) {
		return broker.ErrChanged // written to until the last moment; it is where it goes
	}
	a.object = moved
	a.placed = a.placeOf(moved, false)
	return nil
}

// copy puts the file into the folder or bucket of another workspace. What an
// attempt before has put there is used.
func (a *arrival) copy(ctx context.Context) error {
	if a.work.Moving {
		if found, err := a.copied(ctx); err != nil || found {
			return err
		}
	}
	if err := a.free(ctx); err != nil {
		return err
	}
	sum := sha256.New()
	body, err := a.file.Range(ctx, 0, a.object.Size)
	if err != nil {
		return err
	}
	defer body.Close()
	o, err := a.to.Put(ctx, a.work.NewPath, io.TeeReader(a.reading(ctx, body), sum), a.object.Size, broker.PutOptions{MediaType: a.work.MediaType})
	if err != nil {
		return err
	}
	if err := a.file.Check(ctx); err != nil {
		return errors.Join(err, a.to.Delete(ctx, a.work.NewPath))
	}
	a.hash = sum.Sum(nil)
	a.placed = a.placeOf(o, true)
	return nil
}

// copied finds a whole copy that an attempt before has made.
func (a *arrival) copied(ctx context.Context) (bool, error) {
	f, err := a.to.Open(ctx, a.destination())
	if err != nil {
		return false, nil // it is made now
	}
	defer f.Close()
	if f.Object().Size != a.object.Size {
		return false, nil
	}
	if a.hash == nil {
		if err := a.readAll(ctx); err != nil {
			return false, err
		}
	}
	sum := sha256.New()
	if err := a.sum(ctx, f, sum); err != nil {
		return false, err
	}
	if string(sum.Sum(nil)) != string(a.hash) {
		return false, nil
	}
	a.placed = a.placeOf(f.Object(), true)
	return true, nil
}

// freeAddress records a path at which no file of the workspace is: one that is
// there is another, whatever its name.
func (a *arrival) freeAddress(ctx context.Context) (string, error) {
	wish := a.wish()
	for n := range maxNumber {
		address, err := coreshed.CleanPath(Numbered(wish, n))
		if err != nil {
			return "", err
		}
		_, err = a.c.db.FileByPath(ctx, a.home, address, 0)
		if errors.Is(err, coreshed.NotFound) {
			return address, a.goesTo(ctx, address)
		}
		if err != nil {
			return "", err
		}
	}
	return "", coreshed.Errorf(coreshed.Conflict, "Too many files have the name that the rule gives this one.")
}

// keep puts the file into Coreshed's own store, as an upload would.
func (a *arrival) keep(ctx context.Context) error {
	address, err := a.freeAddress(ctx)
	if err != nil {
		return err
	}
	r, err := a.c.db.Reserve(ctx, a.home, address, blob.NewPrefix())
	if err != nil {
		return err
	}
	target := Target{Workspace: a.home.Workspace.UUID, File: r.FileUUID, VersionID: r.VersionID}
	slot, err := a.c.open(ctx, target)
	if err != nil {
		return err
	}
	done, err := a.c.fits(ctx, slot, a.object.Size)
	if err != nil {
		return err
	}
	defer done()
	body, err := a.file.Range(ctx, 0, a.object.Size)
	if err != nil {
		return err
	}
	defer body.Close()
	d, whole := newDigest(a.reading(ctx, body), Sums{}), coreshed.Extent{Key: blob.NewKey(r.Prefix), Size: a.object.Size}
	a.written = a.c.moving.add(whole.Key)
	if err := a.c.write(ctx, whole.Key, d, whole.Size); err != nil {
		return err
	}
	if err := a.file.Check(ctx); err != nil {
		a.c.discard(ctx, whole.Key)
		return err
	}
	whole.SHA256 = d.sha256()
	a.hash = whole.SHA256
	a.commit = &store.Commit{
		Workspace: target.Workspace, File: target.File, VersionID: target.VersionID,
		Whole: &whole, ETag: newETag(), Headers: coreshed.BlobHeaders{ContentType: a.work.MediaType}, MD5: d.sums.MD5, Hash: bodyHash(whole.SHA256),
	}
	return nil
}

// register makes the file an entry. Meanwhile another arrival may have become
// one that it repeats.
func (a *arrival) register(ctx context.Context) (coreshed.IngestStatus, error) {
	s := readSidecar(ctx, a.from, a.object.Path)
	r := store.Registration{
		Access: a.home, Place: a.placed, Commit: a.commit, Tags: a.work.Tags,
		Cleanup: a.removes() || s.path != "", Recipe: a.recipe(),
	}
	for range maxCompares {
		r.Compared = a.compared
		if a.placed != nil {
			a.placed.SHA256 = a.hash
		}
		status, err := a.c.db.RegisterIngest(ctx, a.work, r)
		if errors.Is(err, store.ErrCompare) {
			entry, err := a.compare(ctx)
			if err != nil {
				return "", err
			}
			if entry != 0 {
				return coreshed.IngestDuplicate, a.withdraw(ctx, entry)
			}
			continue
		}
		if errors.Is(err, store.ErrAddressTaken) {
			a.c.discard(ctx, a.commit.Whole.Key)
		}
		if permanent(err) {
			return "", errors.Join(err, a.takeBack(ctx))
		}
		if err != nil || status != coreshed.IngestIngesting {
			return status, err
		}
		return coreshed.IngestIngested, a.finish(ctx)
	}
	return "", errors.New("there are always new files to compare the arrival with")
}

// maxCompares bounds how often an attempt compares anew, while others of the
// same name arrive.
const maxCompares = 100

// withdraw removes the copy that was made of a duplicate, and ends the ingest:
// in this order, so that none is left if it is cut short. The claim must hold
// meanwhile, or another worker could use the copy.
func (a *arrival) withdraw(ctx context.Context, entry int64) error {
	if err := a.takeBack(ctx); err != nil {
		return err
	}
	return a.c.db.RepeatIngest(ctx, a.work, entry)
}

// takeBack removes the copy of a file that does not become an entry.
func (a *arrival) takeBack(ctx context.Context) error {
	if err := a.c.db.ProlongIngest(ctx, a.work, ingestLease); err != nil {
		return err
	}
	switch {
	case a.commit != nil:
		a.c.discard(ctx, a.commit.Whole.Key)
	case a.placed.Owned:
		return a.to.Delete(ctx, a.placed.Path)
	}
	return nil
}

// removes reports whether the original goes once the file is in another
// workspace: one in a bucket stays.
func (a *arrival) removes() bool { return a.work.NewWorkspace != 0 && a.work.ETag == "" }

// finish does what follows when the file is an entry: it takes what the side-car
// says, removes the original, and ends the ingest.
func (a *arrival) finish(ctx context.Context) error {
	id, err := a.c.db.IngestEntry(ctx, a.work.ID)
	if err != nil {
		return err
	}
	remark, err := a.describe(ctx, id)
	if err != nil {
		return err
	}
	if a.removes() {
		if err := a.removeOriginal(ctx); err != nil {
			return err
		}
	}
	return a.c.db.FinishIngest(ctx, a.work, id, a.recipe(), remark)
}

// describe takes what the side-car says of an entry, and lets it follow the file.
func (a *arrival) describe(ctx context.Context, id int64) (remark string, err error) {
	view := coreshed.View{Actor: a.work.Actor, Org: a.work.Org, Roles: map[int64]coreshed.Role{a.home.Workspace.ID: coreshed.Owner}}
	e, err := a.c.db.Entry(ctx, view, id)
	if errors.Is(err, coreshed.NotFound) {
		return "", nil // it has been removed since
	}
	if err != nil {
		return "", err
	}
	s, err := a.sidecarOf(ctx, e.StoragePath)
	if err != nil {
		return "", err
	}
	if s.document != nil {
		described, err := a.c.Describe(ctx, view, id, *s.document)
		switch {
		case err == nil:
			e = described
		case outside(err):
			return "", err // the next attempt may take it
		default:
			s.remark = notTaken + reasonOf(err)
			a.c.log.Warn("side-car", "ingest", a.work.ID, "error", err)
		}
	}
	return s.remark, a.bring(ctx, s, e.StoragePath)
}

// removeOriginal removes what was found, unless something else lies there by
// now.
func (a *arrival) removeOriginal(ctx context.Context) error {
	there, err := a.originalThere(ctx)
	if errors.Is(err, broker.ErrUnavailable) {
		// Perhaps it was all that the folder had, and an attempt before has
		// removed it.
		return a.from.Delete(ctx, a.work.Path)
	}
	if err != nil || !there {
		return err
	}
	return a.from.Delete(ctx, a.work.Path)
}

// originalThere reports whether what was found lies there still, and nothing
// else.
func (a *arrival) originalThere(ctx context.Context) (bool, error) {
	f, err := a.from.Open(ctx, a.work.Path)
	if broker.Absent(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	same := a.isArrival(f.Object()) || (a.file != nil && f.Object().Same(a.object))
	return same, f.Close()
}

// recipe is what the strike or scan starts with each file.
func (a *arrival) recipe() *store.RecipeStart {
	r := ingest.RecipeOf(a.work.Rules)
	if r == nil {
		return nil
	}
	return &store.RecipeStart{Type: r.Name, Revision: r.Revision}
}
