package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// modelFile is a file as the rules of the domain have it.
type modelFile struct {
	uuid     coreshed.UUID
	path     string
	open     []coreshed.Reservation
	versions []modelVersion // in commit sequence
	lastID   int64
	deleted  int64 // when; 0 while live
	deleter  coreshed.UUID
	creator  coreshed.UUID
}

type modelVersion struct {
	id, size, created int64
	by                coreshed.UUID
}

func (f *modelFile) live() bool { return f.deleted == 0 && len(f.versions) > 0 }

// model is a workspace in memory, beside the one in the store.
type model struct {
	shed  *storetest.Shed
	a     coreshed.Access
	now   *time.Time
	files []*modelFile // in the order of their rows
}

// TestModel checks the store against the rules of the domain: unique addresses,
// invisible reservations, commit order, ids that never repeat.
func TestModel(t *testing.T) {
	now := time.Now()
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			s.Workspace = s.AddWorkspace(t, "model "+storetest.Prefix())
			m := &model{shed: s, a: s.Access(t, s.Owner), now: &now}
			rt.Repeat(map[string]func(*rapid.T){
				"":            m.check,
				"reserve":     m.reserve,
				"reserveByID": m.reserveByID,
				"commit":      m.commit,
				"delete":      m.delete,
				"deleteBy":    m.deleteByPath,
				"restore":     m.restore,
				"list":        m.list,
			})
		})
	})
}

// tick moves the clock: it may stand still or go back.
func (m *model) tick(t *rapid.T) {
	*m.now = m.now.Add(time.Duration(rapid.IntRange(-5, 20).Draw(t, "tick")) * time.Microsecond)
}

func (m *model) live(path string) *modelFile {
	return m.find(func(f *modelFile) bool { return f.live() && coreshed.FoldPath(f.path) == coreshed.FoldPath(path) })
}

func (m *model) find(ok func(*modelFile) bool) *modelFile {
	if i := slices.IndexFunc(m.files, ok); i >= 0 {
		return m.files[i]
	}
	return nil
}

func drawPath(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a.csv", "A.csv", "d/b.csv", "D/B.CSV", "\u00e9.tif", "e\u0301.tif", "a (1).csv"}).Draw(t, "path")
}

func (m *model) draw(t *rapid.T) *modelFile {
	if len(m.files) == 0 {
		t.Skip("no file")
	}
	return rapid.SampledFrom(m.files).Draw(t, "file")
}

func (m *model) reserve(t *rapid.T) {
	m.tick(t)
	path := drawPath(t)
	f := m.live(path)
	if f == nil {
		f = m.find(func(f *modelFile) bool {
			return f.deleted == 0 && len(f.versions) == 0 && coreshed.FoldPath(f.path) == coreshed.FoldPath(path)
		})
	}
	r, err := m.shed.DB.Reserve(t.Context(), m.a, path, storetest.Prefix())
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		f = &modelFile{uuid: r.FileUUID, path: path}
		m.files = append(m.files, f)
	}
	m.reserved(t, f, r)
}

func (m *model) reserved(t *rapid.T, f *modelFile, r coreshed.Reservation) {
	if want := max(m.now.UnixNano(), f.lastID+1); r.VersionID != want || r.FileUUID != f.uuid || r.Path != f.path {
		t.Fatalf("reserved %+v, want version %d of %+v", r, want, f)
	}
	f.lastID = r.VersionID
	f.open = append(f.open, r)
}

func (m *model) reserveByID(t *rapid.T) {
	m.tick(t)
	f := m.draw(t)
	r, err := m.shed.DB.ReserveVersion(t.Context(), m.a, f.uuid, storetest.Prefix())
	if f.deleted != 0 {
		wantErr(t, err, coreshed.Gone)
		return
	}
	wantErr(t, err, nil)
	m.reserved(t, f, r)
}

func (m *model) commit(t *rapid.T) {
	m.tick(t)
	f := m.draw(t)
	if len(f.open) == 0 {
		t.Skip("no upload")
	}
	i := rapid.IntRange(0, len(f.open)-1).Draw(t, "upload")
	r, size := f.open[i], rapid.IntRange(0, 9).Draw(t, "size")
	v, err := m.shed.DB.Commit(t.Context(), storetest.Whole(m.shed.Workspace.UUID, r, strings.Repeat("x", size)))
	if f.deleted != 0 {
		wantErr(t, err, coreshed.NotFound)
		return
	}
	wantErr(t, err, nil)
	at := m.now.UnixMicro()
	if n := len(f.versions); n > 0 {
		at = max(at, f.versions[n-1].created+1)
	} else {
		f.path, f.creator = m.free(f.path), m.a.Actor.ID
	}
	f.open = slices.Delete(f.open, i, i+1)
	f.versions = append(f.versions, modelVersion{r.VersionID, int64(size), at, m.a.Actor.ID})
	if v.CreatedAt.UnixMicro() != at || v.VersionID != r.VersionID {
		t.Fatalf("committed %+v at %d", v, at)
	}
}

// free is the first alternative of a path that is no live file's address.
func (m *model) free(path string) string {
	candidate := path
	for n := 1; m.live(candidate) != nil; n++ {
		candidate = coreshed.NumberedPath(path, n)
	}
	return candidate
}

func (m *model) delete(t *rapid.T) {
	m.tick(t)
	f := m.draw(t)
	wantErr(t, m.shed.DB.DeleteFile(t.Context(), m.a, f.uuid), nil)
	m.deleted(f)
}

func (m *model) deleted(f *modelFile) {
	if f.deleted == 0 {
		f.deleted, f.deleter = m.now.UnixMicro(), m.a.Actor.ID
	}
}

func (m *model) deleteByPath(t *rapid.T) {
	m.tick(t)
	path := drawPath(t)
	err := m.shed.DB.DeleteFileByPath(t.Context(), m.a, path)
	f := m.live(path)
	if f == nil {
		wantErr(t, err, coreshed.NotFound)
		return
	}
	wantErr(t, err, nil)
	m.deleted(f)
}

func (m *model) restore(t *rapid.T) {
	m.tick(t)
	f := m.draw(t)
	moved, err := m.shed.DB.RestoreFile(t.Context(), m.a, f.uuid)
	if len(f.versions) == 0 {
		wantErr(t, err, coreshed.NotFound)
		return
	}
	wantErr(t, err, nil)
	path := f.path
	if f.deleted != 0 {
		f.path = m.free(f.path)
		f.deleted, f.deleter = 0, coreshed.UUID{}
	}
	if moved != (path != f.path) {
		t.Fatalf("moved is %v, from %q to %q", moved, path, f.path)
	}
}

func wantErr(t *rapid.T, err, kind error) {
	t.Helper()
	if (kind == nil && err != nil) || (kind != nil && !errors.Is(err, kind)) {
		t.Fatalf("got error %v, want %v", err, kind)
	}
}

// seen is what a file shows of itself.
type seen struct {
	UUID                               coreshed.UUID
	Path                               string
	VersionID, Size                    int64
	Created, Modified, Deleted         int64
	CreatedBy, ModifiedBy, DeletedByID coreshed.UUID
	Superseded                         bool
}

func (f *modelFile) seen(v modelVersion) seen {
	first, last := f.versions[0], f.versions[len(f.versions)-1]
	return seen{
		f.uuid, f.path, v.id, v.size, first.created, last.created, f.deleted,
		f.creator, last.by, f.deleter, v.id != last.id,
	}
}

func seenOf(f coreshed.File) seen {
	s := seen{
		f.UUID, f.Path, f.Version.VersionID, f.Version.Size, f.CreatedAt.UnixMicro(), f.ModifiedAt.UnixMicro(), 0,
		f.CreatedBy.ID, f.ModifiedBy.ID, f.DeletedBy.ID, f.Version.Superseded,
	}
	if f.Deleted() {
		s.Deleted = f.DeletedAt.UnixMicro()
	}
	return s
}

// check compares every file, each of its versions, and the counters.
func (m *model) check(t *rapid.T) {
	var want store.Usage
	for _, f := range m.files {
		got, err := m.shed.DB.FileByID(t.Context(), m.a, f.uuid, 0)
		if len(f.versions) == 0 {
			wantErr(t, err, coreshed.NotFound)
			continue
		}
		wantErr(t, err, nil)
		if diff := cmp.Diff(f.seen(f.versions[len(f.versions)-1]), seenOf(got)); diff != "" {
			t.Fatal(diff)
		}
		m.checkVersions(t, f, got.ID)
		if f.live() {
			want.Live++
		} else {
			want.Deleted++
		}
		for _, v := range f.versions {
			want.Used += v.size
		}
	}
	got, err := m.shed.DB.Usage(t.Context(), m.shed.Workspace.ID)
	wantErr(t, err, nil)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func (m *model) checkVersions(t *rapid.T, f *modelFile, row int64) {
	got, err := m.shed.DB.Versions(t.Context(), m.a, row)
	wantErr(t, err, nil)
	var have, want []seen
	for _, v := range got {
		have = append(have, seenOf(v))
	}
	for _, v := range slices.Backward(f.versions) {
		want = append(want, f.seen(v))
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Fatal(diff)
	}
}

// list compares a page of a filtered and sorted list.
func (m *model) list(t *rapid.T) {
	filter := coreshed.Filter{
		Deleted: rapid.Bool().Draw(t, "deleted"),
		Name:    rapid.SampledFrom([]string{"", "", "A", ".csv", "\u00c9", "(1)", "%"}).Draw(t, "name"),
		Created: m.drawRange(t, "created"), Modified: m.drawRange(t, "modified"), DeletedAt: m.drawRange(t, "deleted at"),
	}
	order := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) coreshed.Order {
		field := rapid.SampledFrom([]coreshed.OrderField{coreshed.ByCreated, coreshed.ByModified, coreshed.ByDeleted}).Draw(t, "field")
		return coreshed.Order{Field: field, Desc: rapid.Bool().Draw(t, "desc")}
	}), 0, 3, func(o coreshed.Order) coreshed.OrderField { return o.Field }).Draw(t, "order")
	page := coreshed.Page{Offset: rapid.Int64Range(0, 6).Draw(t, "offset"), Limit: rapid.Int64Range(1, 6).Draw(t, "limit")}

	want := m.matching(filter)
	m.sort(want, order)
	got, total, err := m.shed.DB.Files(t.Context(), m.a, filter, order, page)
	wantErr(t, err, nil)
	var have, all []seen
	for _, f := range got {
		have = append(have, seenOf(f))
	}
	for _, f := range want[min(page.Offset, int64(len(want))):min(page.Offset+page.Limit, int64(len(want)))] {
		all = append(all, f.seen(f.versions[len(f.versions)-1]))
	}
	if diff := cmp.Diff(all, have); diff != "" || total != int64(len(want)) {
		t.Fatalf("%d of %d: %s", total, len(want), diff)
	}
}

func (m *model) drawRange(t *rapid.T, name string) coreshed.TimeRange {
	if !rapid.Bool().Draw(t, "by "+name) {
		return coreshed.TimeRange{}
	}
	from := m.now.UnixMicro() - rapid.Int64Range(-20, 200).Draw(t, name+" from")
	until := from + rapid.Int64Range(-5, 200).Draw(t, name+" long")
	return coreshed.TimeRange{From: &from, Until: &until}
}

func (m *model) matching(filter coreshed.Filter) []*modelFile {
	within := func(r coreshed.TimeRange, at int64) bool {
		return r == (coreshed.TimeRange{}) || (at != 0 && at >= *r.From && at < *r.Until)
	}
	var found []*modelFile
	for _, f := range m.files {
		if len(f.versions) == 0 || filter.Deleted != (f.deleted != 0) {
			continue
		}
		_, name := coreshed.SplitPath(f.path)
		s := f.seen(f.versions[len(f.versions)-1])
		if strings.Contains(coreshed.FoldPath(name), coreshed.FoldPath(filter.Name)) &&
			within(filter.Created, s.Created) && within(filter.Modified, s.Modified) && within(filter.DeletedAt, s.Deleted) {
			found = append(found, f)
		}
	}
	return found
}

func (m *model) sort(files []*modelFile, order []coreshed.Order) {
	if len(order) == 0 {
		order = []coreshed.Order{{Field: coreshed.ByCreated}}
	}
	// Files of one key stay in the order of their rows, which is that of the
	// model, in the direction of the last key.
	if order[len(order)-1].Desc {
		slices.Reverse(files)
	}
	slices.SortStableFunc(files, func(a, b *modelFile) int {
		for _, o := range order {
			x, y := a.key(o.Field), b.key(o.Field)
			if o.Desc {
				x, y = y, x
			}
			if x != y {
				return int(max(-1, min(1, x-y)))
			}
		}
		return 0
	})
}

func (f *modelFile) key(field coreshed.OrderField) int64 {
	switch field {
	case coreshed.ByCreated:
		return f.versions[0].created
	case coreshed.ByModified:
		return f.versions[len(f.versions)-1].created
	}
	return f.deleted
}
