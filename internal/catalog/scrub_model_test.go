package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
)

// TestScrubModel uploads, damages, loses, puts back, reads, purges and goes through
// rounds, whole or interrupted, in any order, and compares with what must be known
// of each version, and be served.
func TestScrubModel(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		m := &rotModel{shed: s}
		rapid.Check(t, func(rt *rapid.T) {
			m.removeAll(rt)
			for range rapid.IntRange(1, 20).Draw(rt, "steps") {
				step := rapid.SampledFrom([]func(*rapid.T){
					m.upload, m.upload, m.damage, m.damage, m.mend, m.round, m.again, m.read, m.remove,
				}).Draw(rt, "step")
				step(rt)
				m.check(rt)
			}
		})
	})
}

type rotModel struct {
	*shed
	kept []*rotVersion // by id
}

// rotVersion is a version and what should be known of it.
type rotVersion struct {
	at    catalog.Target
	id    int64
	body  []byte
	parts []rotPart
	state coreshed.ByteState
}

type rotPart struct {
	key   string
	good  []byte
	state coreshed.ByteState // of the object
}

// found is what whoever reads the version finds, after how many good bytes.
func (v *rotVersion) found() (state coreshed.ByteState, good int64) {
	for _, p := range v.parts {
		if p.state != coreshed.Kept {
			return p.state, good
		}
		good += int64(len(p.good))
	}
	return coreshed.Kept, good
}

func (m *rotModel) upload(t *rapid.T) {
	v := &rotVersion{at: m.reserve(t), state: coreshed.Kept}
	var ids []string
	for n := range rapid.IntRange(0, 4).Draw(t, "blocks") {
		body := random(rapid.IntRange(1, 300).Draw(t, "size"))
		ids = append(ids, fmt.Sprint("b", n))
		m.stage(t, v.at, ids[n], body)
		v.body = append(v.body, body...)
		v.parts = append(v.parts, rotPart{good: body, state: coreshed.Kept})
	}
	v.id = m.list(t, v.at, ids...).ID
	offset := int64(0)
	for i := range v.parts {
		v.parts[i].key = m.extent(t, v.id, offset).Key
		offset += int64(len(v.parts[i].good))
	}
	m.kept = append(m.kept, v)
}

// some draws a version, and one of its objects; nil when there is none.
func (m *rotModel) some(t *rapid.T) (*rotVersion, *rotPart) {
	if len(m.kept) == 0 {
		return nil, nil
	}
	v := rapid.SampledFrom(m.kept).Draw(t, "version")
	if len(v.parts) == 0 {
		return v, nil
	}
	return v, &v.parts[rapid.IntRange(0, len(v.parts)-1).Draw(t, "object")]
}

func (m *rotModel) damage(t *rapid.T) {
	_, p := m.some(t)
	if p == nil {
		return
	}
	switch rapid.SampledFrom([]string{"bit", "cut", "long", "lost"}).Draw(t, "how") {
	case "bit":
		bad := bytes.Clone(p.good)
		bad[len(bad)/2] ^= 1
		m.replace(t, p.key, bad)
		p.state = coreshed.ChangedOutside
	case "cut":
		m.replace(t, p.key, p.good[:len(p.good)-1])
		p.state = coreshed.ChangedOutside
	case "long":
		m.replace(t, p.key, append(bytes.Clone(p.good), 'x'))
		p.state = coreshed.ChangedOutside
	case "lost":
		if err := m.blobs.Delete(context.Background(), p.key); err != nil {
			t.Fatal(err)
		}
		p.state = coreshed.Missing
	}
}

func (m *rotModel) mend(t *rapid.T) {
	if _, p := m.some(t); p != nil {
		m.replace(t, p.key, p.good)
		p.state = coreshed.Kept
	}
}

// round goes through all; sometimes it is interrupted, and goes on.
func (m *rotModel) round(t *rapid.T) {
	var read, size, bad int64
	for _, v := range m.kept {
		state, good := v.found()
		if v.state, size = state, size+good; state != coreshed.Kept {
			bad++
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	until := rapid.Int64Range(0, 2*size).Draw(t, "until")
	err := m.scrubUntil(t, ctx, func(n int64) {
		if read += n; read >= until {
			stop()
		}
	})
	if errors.Is(err, context.Canceled) {
		err = m.scrubUntil(t, context.Background(), func(n int64) { read += n })
	}
	if err != nil {
		t.Fatal(err)
	}
	wantRound(t, m.lastScrub(t), int64(len(m.kept)), size, bad)
	if read != size {
		t.Fatalf("%d bytes were read, want %d", read, size)
	}
}

// again looks at what is known to be damaged.
func (m *rotModel) again(t *rapid.T) {
	for _, v := range m.kept {
		if v.state != coreshed.Kept {
			v.state, _ = v.found()
		}
	}
	if err := m.LookAgain(context.Background(), fast()); err != nil {
		t.Fatal(err)
	}
}

// read reads a version: what is known to be damaged is not served, and what is good is.
func (m *rotModel) read(t *rapid.T) {
	v, _ := m.some(t)
	if v == nil {
		return
	}
	state, _ := v.found()
	switch {
	case v.state != coreshed.Kept:
		if r, err := m.Open(context.Background(), m.slot(t, v.at), 0, int64(len(v.body))); !errors.Is(err, coreshed.Gone) {
			t.Fatalf("Open of a version that is %s = %v, %v", v.state, r, err)
		}
	case state == coreshed.Kept:
		if got := m.shed.read(t, v.at, 0, int64(len(v.body))); !bytes.Equal(got, v.body) {
			t.Fatalf("the version has %d other bytes", len(got))
		}
	}
}

func (m *rotModel) remove(t *rapid.T) {
	if len(m.kept) == 0 {
		return
	}
	n := rapid.IntRange(0, len(m.kept)-1).Draw(t, "removed")
	m.purge(t, m.kept[n].id)
	m.kept = slices.Delete(m.kept, n, n+1)
}

// removeAll lets the next history begin with nothing.
func (m *rotModel) removeAll(t *rapid.T) {
	var ids []int64
	for _, v := range m.kept {
		ids = append(ids, v.id)
	}
	if len(ids) > 0 {
		m.purge(t, ids...)
	}
	m.kept = nil
}

func (m *rotModel) check(t *rapid.T) {
	want := map[int64]coreshed.ByteState{}
	for _, v := range m.kept {
		if v.state != coreshed.Kept {
			want[v.id] = v.state
		}
	}
	list, _, err := m.db.Damaged(context.Background(), m.view(t), coreshed.Page{Limit: 100})
	got := map[int64]coreshed.ByteState{}
	for _, d := range list {
		got[d.Version.ID] = d.Version.State
	}
	if err != nil || !maps.Equal(got, want) {
		t.Fatalf("damaged are %v, %v; want %v", got, err, want)
	}
}
