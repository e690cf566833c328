package catalog_test

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
)

// BenchmarkCommit2500 commits 2,500 staged blocks, the 10 GB of a large file
// in blocks of 4 MiB, with the sync of the metadata. What a commit costs does
// not depend on the size of the blocks: these are small.
func BenchmarkCommit2500(b *testing.B) { benchmarkCommit(b, 2500) }

// BenchmarkCommit50000 commits as many blocks as a list may have.
func BenchmarkCommit50000(b *testing.B) { benchmarkCommit(b, catalog.MaxListedBlocks) }

func benchmarkCommit(b *testing.B, blocks int) {
	s := onDisk(b)
	for b.Loop() {
		b.StopTimer()
		at := s.reserve(b)
		ids := s.stageMany(b, at, blocks)
		b.StartTimer()
		if _, err := s.PutBlockList(b.Context(), at, ids, coreshed.BlobHeaders{}, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/commit")
}

// stageMany stages one-byte blocks, many at a time, and returns their ids.
func (s *shed) stageMany(t testing.TB, at catalog.Target, n int) []string {
	t.Helper()
	ids := make([]string, n)
	next := make(chan int)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := range next {
				if err := s.PutBlock(t.Context(), at, ids[i], bytes.NewReader([]byte{byte(i)}), 1, catalog.Sums{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		ids[i] = fmt.Sprintf("%08d", i)
		next <- i
	}
	close(next)
	wg.Wait()
	return ids
}

// TestLongestList commits a list of the greatest length, of few blocks.
func TestLongestList(t *testing.T) {
	s := inMemory(t)
	at := s.reserve(t)
	staged := s.stageMany(t, at, 50)
	ids := make([]string, catalog.MaxListedBlocks)
	body := make([]byte, len(ids))
	for i := range ids {
		n := i * 7 % len(staged)
		ids[i], body[i] = staged[n], byte(n)
	}
	s.list(t, at, ids...)
	for _, offset := range []int64{0, 25_000, catalog.MaxListedBlocks - 300} {
		if got := s.read(t, at, offset, 300); !bytes.Equal(got, body[offset:offset+300]) {
			t.Errorf("other bytes at %d", offset)
		}
	}
	s.list(t, at, ids...) // again
}

// BenchmarkRead reads a version of many extents as a download does.
func BenchmarkRead(b *testing.B) {
	s := onDisk(b)
	at, body := s.reserve(b), random(1<<20)
	var ids []string
	for i := range 64 {
		ids = append(ids, fmt.Sprintf("%02d", i))
		s.stage(b, at, ids[i], body)
	}
	size := s.list(b, at, ids...).Size
	b.SetBytes(size)
	for b.Loop() {
		r, err := s.Open(b.Context(), s.slot(b, at), 0, size)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(struct{ io.Writer }{io.Discard}, r); err != nil || n != size {
			b.Fatalf("read %d bytes, %v", n, err)
		}
		r.Close()
	}
}
