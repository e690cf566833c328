package catalog_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/blob"
	"github.com/coreshed/coreshed/internal/blob/mem"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
)

var headers = coreshed.BlobHeaders{
	ContentType: "application/vnd.las", ContentEncoding: "identity", ContentLanguage: "fi",
	ContentDisposition: "attachment", CacheControl: "no-store",
}

func TestPutBlob(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		for _, size := range []int{0, 1, 300_000} {
			at, body := s.reserve(t), random(size)
			sum := md5.Sum(body)
			v, err := s.PutBlob(t.Context(), at, bytes.NewReader(body), int64(size), catalog.Sums{MD5: sum[:]}, headers)
			if err != nil {
				t.Fatalf("PutBlob of %d bytes: %v", size, err)
			}
			s.want(t, at, body)
			got := s.slot(t, at).Version
			if got.ETag != v.ETag || got.Headers != headers || !bytes.Equal(got.MD5, sum[:]) || got.State != coreshed.Kept {
				t.Errorf("the version is %+v, want %+v", got, v)
			}
		}
	})
}

// TestRepeats commits in each way, and then again in each way.
func TestRepeats(t *testing.T) {
	body := random(1000)
	type put func(s *shed, at catalog.Target) (coreshed.Version, error)
	blob := func(body []byte) put {
		return func(s *shed, at catalog.Target) (coreshed.Version, error) {
			return s.PutBlob(t.Context(), at, bytes.NewReader(body), int64(len(body)), catalog.Sums{}, headers)
		}
	}
	list := func(h coreshed.BlobHeaders, sum string, ids ...string) put {
		return func(s *shed, at catalog.Target) (coreshed.Version, error) {
			return s.PutBlockList(t.Context(), at, ids, h, []byte(sum))
		}
	}
	tests := []struct {
		name          string
		first, second put
		same          bool
	}{
		{"blob again", blob(body), blob(body), true},
		{"other bytes", blob(body), blob(random(1000)), false},
		{"fewer bytes", blob(body), blob(body[:999]), false},
		{"empty blob again", blob(nil), blob(nil), true},
		{"empty blob, then bytes", blob(nil), blob(body), false},
		{"blob, then list", blob(body), list(headers, "", "a"), false},
		{"list again", list(headers, "m", "a", "b", "a"), list(headers, "m", "a", "b", "a"), true},
		{"other order", list(headers, "", "a", "b"), list(headers, "", "b", "a"), false},
		{"fewer blocks", list(headers, "", "a", "b"), list(headers, "", "a"), false},
		{"other headers", list(headers, "", "a"), list(coreshed.BlobHeaders{}, "", "a"), false},
		{"other MD5", list(headers, "m", "a"), list(headers, "n", "a"), false},
		{"empty list again", list(headers, ""), list(headers, ""), true},
		{"list, then blob", list(headers, "", "a"), blob([]byte("block a")), false},
	}
	each(t, func(t *testing.T, s *shed) {
		for _, tt := range tests {
			at := s.reserve(t)
			s.stage(t, at, "a", []byte("block a"))
			s.stage(t, at, "b", []byte("block b"))
			first, err := tt.first(s, at)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			before := s.keys(t)
			second, err := tt.second(s, at)
			switch {
			case tt.same && (err != nil || second.ETag != first.ETag):
				t.Errorf("%s: ETag %s, %v; want %s", tt.name, second.ETag, err, first.ETag)
			case !tt.same && !errors.Is(err, store.ErrOtherCommit):
				t.Errorf("%s: %v, want ErrOtherCommit", tt.name, err)
			}
			if diff := cmp.Diff(before, s.keys(t)); diff != "" {
				t.Errorf("%s changed the objects (-before +after):\n%s", tt.name, diff)
			}
			if got := s.slot(t, at).Version; got.ETag != first.ETag || got.Size != first.Size {
				t.Errorf("%s: the version has become %+v", tt.name, got)
			}
		}
	})
}

// TestConcurrentCommits lets many commit one upload at once, half of them the
// same bytes: all of one content win, all others are refused.
func TestConcurrentCommits(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		bodies := [2][]byte{random(3000), random(3000)}
		var etags [16]string
		var wg sync.WaitGroup
		for i := range etags {
			wg.Go(func() {
				v, err := s.PutBlob(t.Context(), at, bytes.NewReader(bodies[i%2]), 3000, catalog.Sums{}, headers)
				if err != nil && !errors.Is(err, store.ErrOtherCommit) {
					t.Errorf("PutBlob = %v, want nil or ErrOtherCommit", err)
				}
				etags[i] = v.ETag
			})
		}
		wg.Wait()
		v := s.slot(t, at).Version
		winner := 0
		if etags[0] == "" {
			winner = 1
		}
		s.want(t, at, bodies[winner])
		for i, got := range etags {
			want := ""
			if i%2 == winner {
				want = v.ETag
			}
			if got != want {
				t.Errorf("commit %d has ETag %q, want %q", i, got, want)
			}
		}
		if used := s.used(t, at); used != 3000 {
			t.Errorf("%d bytes are used, want 3000", used)
		}
		// What the losers wrote is gone, or dropped and soon collected.
		s.clock.advance(2 * catalog.Grace)
		if _, err := s.Collect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(s.keys(t)); n != 1 {
			t.Errorf("%d objects are left, want the winner's", n)
		}
	})
}

// TestBadBody wants bodies that are refused to leave nothing.
func TestBadBody(t *testing.T) {
	body := random(200_000)
	size := int64(len(body))
	sum := md5.Sum(body)
	wrong, crc := make([]byte, 16), make([]byte, 8)
	broken := errors.New("connection reset")
	whole := func() io.Reader { return bytes.NewReader(body) }
	cut := func(n int) func() io.Reader {
		return func() io.Reader { return io.MultiReader(bytes.NewReader(body[:n]), iotest.ErrReader(broken)) }
	}
	tests := []struct {
		name string
		body func() io.Reader
		size int64
		sums catalog.Sums
		want error
	}{
		{"wrong MD5", whole, size, catalog.Sums{MD5: wrong}, catalog.ErrMD5},
		{"wrong CRC-64", whole, size, catalog.Sums{CRC64: crc}, catalog.ErrCRC64},
		{"right MD5, wrong CRC-64", whole, size, catalog.Sums{MD5: sum[:], CRC64: crc}, catalog.ErrCRC64},
		{"short", whole, size + 1, catalog.Sums{}, io.ErrUnexpectedEOF},
		{"long", whole, size - 1, catalog.Sums{}, blob.ErrTooLong},
		{"breaks", cut(1000), size, catalog.Sums{}, broken},
		{"breaks at the end", cut(len(body)), size, catalog.Sums{}, broken},
		{"empty with a wrong MD5", func() io.Reader { return strings.NewReader("") }, 0, catalog.Sums{MD5: wrong}, catalog.ErrMD5},
		{"not empty", whole, 0, catalog.Sums{}, blob.ErrTooLong},
		{"breaks at once", cut(0), 0, catalog.Sums{}, broken},
	}
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		for _, tt := range tests {
			if _, err := s.PutBlob(t.Context(), at, tt.body(), tt.size, tt.sums, headers); !errors.Is(err, tt.want) {
				t.Errorf("%s: PutBlob = %v, want %v", tt.name, err, tt.want)
			}
			if tt.size == 0 {
				continue // no block is empty
			}
			if err := s.PutBlock(t.Context(), at, "a", tt.body(), tt.size, tt.sums); !errors.Is(err, tt.want) {
				t.Errorf("%s: PutBlock = %v, want %v", tt.name, err, tt.want)
			}
		}
		if got := s.slot(t, at); got.Blocks != 0 || got.Committed || got.Used != 0 {
			t.Errorf("after refused bodies the slot is %+v", got)
		}
		if keys := s.keys(t); len(keys) > 0 {
			t.Errorf("refused bodies left %v", keys)
		}
		s.put(t, at, body)
		s.want(t, at, body)
	})
}

// TestCRC64 takes the check value of the CRC catalogues: Azure's CRC is the
// one that they call CRC-64/NVME.
func TestCRC64(t *testing.T) {
	s := inMemory(t)
	crc, err := base64.StdEncoding.DecodeString("iJh5CoYUi64=")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutBlock(t.Context(), s.reserve(t), "a", strings.NewReader("123456789"), 9, catalog.Sums{CRC64: crc}); err != nil {
		t.Error(err)
	}
}

func TestBlockRules(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		s.stage(t, at, "a", []byte("core"))
		if err := s.PutBlock(t.Context(), at, "bb", strings.NewReader("x"), 1, catalog.Sums{}); !errors.Is(err, catalog.ErrBlockIDLength) {
			t.Errorf("an id of another length = %v, want ErrBlockIDLength", err)
		}
		if err := s.PutBlock(t.Context(), at, "b", strings.NewReader(""), 0, catalog.Sums{}); !errors.Is(err, catalog.ErrEmptyBlock) {
			t.Errorf("an empty block = %v, want ErrEmptyBlock", err)
		}
		if _, err := s.PutBlockList(t.Context(), at, []string{"a", "c"}, headers, nil); !errors.Is(err, store.ErrUnknownBlock) {
			t.Errorf("an unknown id = %v, want ErrUnknownBlock", err)
		}
		if got := s.slot(t, at); got.Blocks != 1 || got.Committed || got.Used != 4 {
			t.Errorf("after refusals the slot is %+v", got)
		}
		s.list(t, at, "a")
		s.want(t, at, []byte("core"))
	})
}

// TestDeletedFile wants nothing to be written to a deleted file, and an upload
// to go on when it is restored.
func TestDeletedFile(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		first := s.reserve(t)
		s.put(t, first, []byte("old core"))
		r, err := s.db.ReserveVersion(t.Context(), s.access, first.File, blob.NewPrefix())
		if err != nil {
			t.Fatal(err)
		}
		at := catalog.Target{Workspace: first.Workspace, File: first.File, VersionID: r.VersionID}
		s.stage(t, at, "a", []byte("new "))
		if err := s.db.DeleteFile(t.Context(), s.access, at.File); err != nil {
			t.Fatal(err)
		}
		before := s.keys(t)
		_, blobErr := s.PutBlob(t.Context(), at, strings.NewReader("x"), 1, catalog.Sums{}, headers)
		_, listErr := s.PutBlockList(t.Context(), at, []string{"a"}, headers, nil)
		for name, err := range map[string]error{
			"PutBlob": blobErr, "PutBlockList": listErr,
			"PutBlock": s.PutBlock(t.Context(), at, "b", strings.NewReader("x"), 1, catalog.Sums{}),
		} {
			if !errors.Is(err, coreshed.NotFound) {
				t.Errorf("%s to a deleted file = %v, want NotFound", name, err)
			}
		}
		if diff := cmp.Diff(before, s.keys(t)); diff != "" {
			t.Errorf("refusals changed the objects (-before +after):\n%s", diff)
		}
		s.want(t, first, []byte("old core"))
		if _, err := s.db.RestoreFile(t.Context(), s.access, at.File); err != nil {
			t.Fatal(err)
		}
		s.stage(t, at, "b", []byte("core"))
		s.list(t, at, "a", "b")
		s.want(t, at, []byte("new core"))
	})
}

// TestDeletedMeanwhile deletes the file while a body arrives.
func TestDeletedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		remove := func() {
			if err := s.db.DeleteFile(t.Context(), s.access, at.File); err != nil {
				t.Error(err)
			}
		}
		body := io.MultiReader(strings.NewReader("co"), &hook{do: remove}, strings.NewReader("re"))
		if err := s.PutBlock(t.Context(), at, "a", body, 4, catalog.Sums{}); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("PutBlock = %v, want NotFound", err)
		}
		if keys := s.keys(t); len(keys) > 0 {
			t.Errorf("it left %v", keys)
		}
	})
}

// hook is an empty reader that does something once when it is read.
type hook struct{ do func() }

func (h *hook) Read([]byte) (int, error) {
	if h.do != nil {
		h.do()
		h.do = nil
	}
	return 0, io.EOF
}

func TestUnknownTarget(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		at := s.reserve(t)
		for name, at := range map[string]catalog.Target{
			"version":   {Workspace: at.Workspace, File: at.File, VersionID: at.VersionID + 1},
			"file":      {Workspace: at.Workspace, File: coreshed.UUID{1}, VersionID: at.VersionID},
			"workspace": {Workspace: coreshed.UUID{1}, File: at.File, VersionID: at.VersionID},
		} {
			_, slotErr := s.Slot(t.Context(), at)
			_, blobErr := s.PutBlob(t.Context(), at, strings.NewReader("x"), 1, catalog.Sums{}, headers)
			_, listErr := s.PutBlockList(t.Context(), at, nil, headers, nil)
			for call, err := range map[string]error{
				"Slot": slotErr, "PutBlob": blobErr, "PutBlockList": listErr,
				"PutBlock": s.PutBlock(t.Context(), at, "a", strings.NewReader("x"), 1, catalog.Sums{}),
			} {
				if !errors.Is(err, coreshed.NotFound) {
					t.Errorf("%s of an unknown %s = %v, want NotFound", call, name, err)
				}
			}
		}
	})
}

// TestQuota fills a workspace. Deletes and downloads go on.
func TestQuota(t *testing.T) {
	each(t, func(t *testing.T, s *shed) {
		quota := int64(1000)
		if _, err := s.db.EditWorkspace(t.Context(), s.access, coreshed.WorkspaceEdit{Quota: &quota}); err != nil {
			t.Fatal(err)
		}
		whole, blocks := s.reserve(t), s.reserve(t)
		body := random(600)
		s.put(t, whole, body)
		s.stage(t, blocks, "a", body[:400])
		if err := s.PutBlock(t.Context(), blocks, "b", strings.NewReader("x"), 1, catalog.Sums{}); !errors.Is(err, coreshed.Full) {
			t.Errorf("PutBlock over the quota = %v, want Full", err)
		}
		if _, err := s.PutBlob(t.Context(), s.reserve(t), strings.NewReader("x"), 1, catalog.Sums{}, headers); !errors.Is(err, coreshed.Full) {
			t.Errorf("PutBlob over the quota = %v, want Full", err)
		}
		s.put(t, whole, body) // a repeat needs no room
		s.list(t, blocks, "a")
		s.want(t, blocks, body[:400])
		if err := s.db.DeleteFile(t.Context(), s.access, whole.File); err != nil {
			t.Error(err)
		}
		if used := s.used(t, blocks); used != quota {
			t.Errorf("%d bytes are used, want %d", used, quota)
		}
	})
}

// TestFloor serves above a floor that no disk has.
func TestFloor(t *testing.T) {
	s := onDisk(t)
	at, body := s.reserve(t), random(1000)
	s.put(t, at, body)
	full := *s
	full.Catalog = catalog.New(catalog.Config{DB: s.db, Blobs: s.blobs, Floor: math.MaxUint64 - 1<<40, Now: s.clock.now})
	next := s.reserve(t)
	if _, err := full.PutBlob(t.Context(), next, strings.NewReader("x"), 1, catalog.Sums{}, headers); !errors.Is(err, coreshed.Full) {
		t.Errorf("PutBlob below the floor = %v, want Full", err)
	}
	if err := full.PutBlock(t.Context(), next, "a", strings.NewReader("x"), 1, catalog.Sums{}); !errors.Is(err, coreshed.Full) {
		t.Errorf("PutBlock below the floor = %v, want Full", err)
	}
	full.put(t, at, body)
	full.want(t, at, body)
	full.list(t, next)
	if err := s.db.DeleteFile(t.Context(), s.access, at.File); err != nil {
		t.Error(err)
	}
	if _, err := full.Collect(context.Background()); err != nil {
		t.Error(err)
	}
}

// small is a store on a disk with this much room, whatever is written.
type small struct {
	*mem.Store
	free uint64
}

func (s small) Free(context.Context) (free, total uint64, err error) { return s.free, s.free, nil }

// TestFloorKeepsPromises begins uploads that fit one by one, but not together.
func TestFloorKeepsPromises(t *testing.T) {
	s := inMemory(t)
	s.Catalog = catalog.New(catalog.Config{DB: s.db, Blobs: small{mem.New(), 1500}, Floor: 500, Now: s.clock.now})
	first, second := s.reserve(t), s.reserve(t)
	body := random(600)
	meanwhile := func() {
		if err := s.PutBlock(t.Context(), second, "a", bytes.NewReader(body), 600, catalog.Sums{}); !errors.Is(err, coreshed.Full) {
			t.Errorf("a second body of 600 bytes in a room of 1000 = %v, want Full", err)
		}
		s.stage(t, second, "b", body[:400])
	}
	arriving := io.MultiReader(&hook{do: meanwhile}, bytes.NewReader(body))
	if _, err := s.PutBlob(t.Context(), first, arriving, 600, catalog.Sums{}, headers); err != nil {
		t.Error(err)
	}
	if err := s.Room(t.Context(), 1); !errors.Is(err, coreshed.Full) {
		t.Errorf("Room before the space is read again = %v, want Full", err)
	}
	s.clock.advance(time.Minute)
	if err := s.Room(t.Context(), 1000); err != nil {
		t.Errorf("Room after the space is read again: %v", err)
	}
}
