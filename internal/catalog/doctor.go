package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/store"
)

// Examined says what a check has looked at.
type Examined struct {
	Versions int64 // whose bytes are kept
	Objects  int64
	Bytes    int64 // read, by a deep one
	Entries  int64 // of the audit log
	Waiting  int64 // objects that no row names yet, or any more, for the collector
}

// DoctorOptions say how to check.
type DoctorOptions struct {
	Deep bool // also reads every byte that is kept
	// Repair stops the serving of what is not what was recorded, and serves again what
	// is; it removes nothing.
	Repair bool
	// Found is told of each row or object that is not as it must be.
	Found func(store.Finding)
	// Progress is told now and then how far it is.
	Progress func(Examined)
}

// Doctor checks what must hold of rows and objects: the invariants of rows, that
// the audit log is whole, that every version has its objects with their sizes, in
// a deep check with their hashes, and that every object has a row or waits for the
// collector. Unless it repairs, it changes nothing, and may run beside a server: what comes or goes
// meanwhile is looked at a second time before it is told of.
func (c *Catalog) Doctor(ctx context.Context, o DoctorOptions) (Examined, error) {
	rows, err := c.db.Check(ctx)
	if err != nil {
		return Examined{}, err
	}
	for _, f := range rows {
		o.Found(f)
	}
	d := doctor{Catalog: c, DoctorOptions: o}
	if err = d.audit(ctx); err == nil {
		err = d.compare(ctx)
	}
	return d.seen, err
}

// audit checks the audit log, as far as it can be checked without a checkpoint that
// was kept elsewhere.
func (d *doctor) audit(ctx context.Context) error {
	keys, err := d.db.AuditVerifiers(ctx)
	if err != nil {
		return err
	}
	report, err := d.db.CheckAudit(ctx, "", keys...)
	d.seen.Entries = report.Entries
	for _, found := range report.Findings {
		d.Found(store.Finding{Check: "audit log", What: found})
	}
	if report.More > 0 {
		d.Found(store.Finding{Check: "audit log", What: fmt.Sprintf("%d more", report.More)})
	}
	return err
}

// doctor merges the rows and the objects, which both come by prefix.
type doctor struct {
	*Catalog
	DoctorOptions
	seen Examined
}

// doctorPage is how many versions are read at a time.
const doctorPage = 1000

func (d *doctor) compare(ctx context.Context) error {
	owners := ownerPages{c: d.Catalog}
	next, err := owners.next(ctx)
	if err != nil {
		return err
	}
	// passed are the owners whose prefixes come before one that was listed.
	passed := func(prefix string) error {
		for next != nil && next.Prefix < prefix {
			if err := d.version(ctx, *next, nil); err != nil {
				return err
			}
			if next, err = owners.next(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	for prefix, objects := range prefixes(ctx, d.blobs, &err) {
		if err := passed(prefix); err != nil {
			return err
		}
		if next == nil || next.Prefix != prefix {
			if err := d.unowned(ctx, prefix, objects); err != nil {
				return err
			}
			continue
		}
		if err := d.version(ctx, *next, objects); err != nil {
			return err
		}
		if next, err = owners.next(ctx); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("list objects: %w", err)
	}
	return passed("\xff")
}

// prefixes yields the objects that there are, those of a prefix together.
func prefixes(ctx context.Context, blobs blob.Store, failed *error) func(yield func(string, []blob.Object) bool) {
	return func(yield func(string, []blob.Object) bool) {
		var prefix string
		var list []blob.Object
		for o, err := range blobs.List(ctx, "") {
			if err != nil {
				*failed = err
				return
			}
			p, _, _ := strings.Cut(o.Key, "/")
			if p != prefix && len(list) > 0 {
				if !yield(prefix, list) {
					return
				}
				list = nil
			}
			prefix, list = p, append(list, o)
		}
		if len(list) > 0 {
			yield(prefix, list)
		}
	}
}

// ownerPages reads versions page by page.
type ownerPages struct {
	c     *Catalog
	page  []store.Owner
	after string
	done  bool
}

func (p *ownerPages) next(ctx context.Context) (*store.Owner, error) {
	if len(p.page) == 0 && !p.done {
		var err error
		if p.page, err = p.c.db.Owners(ctx, p.after, doctorPage); err != nil {
			return nil, err
		}
		p.done = len(p.page) < doctorPage
	}
	if len(p.page) == 0 {
		return nil, nil
	}
	o := p.page[0]
	p.page, p.after = p.page[1:], o.Prefix
	return &o, nil
}

// version compares a version's extents with the objects of its prefix.
func (d *doctor) version(ctx context.Context, o store.Owner, objects []blob.Object) error {
	d.seen.Versions++
	if d.seen.Versions%doctorPage == 0 && d.Progress != nil {
		d.Progress(d.seen)
	}
	whole := true
	there := map[string]int64{}
	for _, b := range objects {
		there[b.Key] = b.Size
	}
	for _, e := range o.Extents {
		size, ok := there[e.Key]
		delete(there, e.Key)
		d.seen.Objects++
		look := d.again
		if ok && size == e.Size {
			look = d.read
		}
		good, err := look(ctx, o, e)
		if err != nil {
			return err
		}
		whole = whole && good
	}
	if whole && o.State != coreshed.Kept {
		if err := d.damagedBefore(ctx, o); err != nil {
			return err
		}
	}
	rest := objects[:0:0]
	for _, b := range objects {
		if _, unnamed := there[b.Key]; unnamed {
			rest = append(rest, b)
		}
	}
	return d.unowned(ctx, o.Prefix, rest)
}

// again looks a second time at an extent that seemed to lack its bytes: it may
// have come, or been removed with its row, since the objects were listed.
func (d *doctor) again(ctx context.Context, o store.Owner, e coreshed.Extent) (bool, error) {
	b, err := d.blobs.Stat(ctx, e.Key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("look at object: %w", err)
	}
	if err == nil && b.Size == e.Size {
		return d.read(ctx, o, e)
	}
	still, dbErr := d.db.Extents(ctx, o.Version, e.Offset, 1)
	if dbErr != nil || len(still) == 0 || still[0].Key != e.Key {
		return true, dbErr
	}
	if err == nil {
		return false, d.bad(ctx, o, errDamaged, "the version's object %s has another size", e.Key)
	}
	return false, d.bad(ctx, o, err, "the version's bytes are not there: object %s", e.Key)
}

// bad tells of a version whose bytes are not what was recorded.
func (d *doctor) bad(ctx context.Context, o store.Owner, found error, what string, args ...any) error {
	what = fmt.Sprintf(what, args...)
	if o.State != coreshed.Kept {
		what += "; it is not served"
	}
	var err error
	if d.Repair && o.State == coreshed.Kept {
		what += "; from now on it is not served"
		err = d.damaged(ctx, o.Version, found)
	}
	d.Found(store.Finding{Check: "bytes", ID: o.Version, What: what})
	return err
}

// damagedBefore tells of a version that is not served, although there is nothing wrong
// with its bytes, as far as was looked.
func (d *doctor) damagedBefore(ctx context.Context, o store.Owner) error {
	if d.Deep && d.Repair {
		_, err := d.db.Heal(ctx, o.Version)
		d.Found(store.Finding{Check: "bytes", ID: o.Version, What: "the version's bytes are what was recorded again; from now on it is served"})
		return err
	}
	what := fmt.Sprintf("the version's bytes were found damaged (%s), and it is not served", o.State)
	if d.Deep {
		what = "the version's bytes are what was recorded again, and it is not served yet"
	}
	d.Found(store.Finding{Check: "bytes", ID: o.Version, What: what})
	return nil
}

// read compares an extent's bytes with their hash, in a deep check.
func (d *doctor) read(ctx context.Context, o store.Owner, e coreshed.Extent) (bool, error) {
	if !d.Deep {
		return true, nil
	}
	body, err := d.blobs.Open(ctx, e.Key, 0, e.Size)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // removed since
	}
	if err != nil {
		return false, fmt.Errorf("open object: %w", err)
	}
	defer body.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, body)
	d.seen.Bytes += n
	if err != nil {
		d.Found(store.Finding{Check: "bytes", ID: o.Version, What: "the version's bytes cannot be read: " + err.Error()})
		return false, ctx.Err()
	}
	if !bytes.Equal(sum.Sum(nil), e.SHA256) {
		return false, d.bad(ctx, o, errDamaged, "the version's object %s does not have the SHA-256 that was recorded", e.Key)
	}
	return true, nil
}

// unowned counts objects that no row names. They wait for the collector.
func (d *doctor) unowned(ctx context.Context, prefix string, objects []blob.Object) error {
	if len(objects) == 0 {
		return nil
	}
	named, err := d.db.Named(ctx, prefix)
	if err != nil {
		return err
	}
	for _, b := range objects {
		d.seen.Objects++
		if !named[b.Key] {
			d.seen.Waiting++
		}
	}
	return nil
}
