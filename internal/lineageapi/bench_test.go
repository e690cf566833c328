package lineageapi_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed/internal/lineageapi"
	"github.com/coreshed/coreshed/internal/store"
)

// BenchmarkRun records whole runs, a start and an end, from several clients.
func BenchmarkRun(b *testing.B) {
	db, err := store.Open(b.Context(), store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "coreshed.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := open(b, db)
	home := "coreshed://shed.example/north-pit"
	const files = 100
	for i := range files {
		s.Put(b, s.Editor, fmt.Sprintf("in-%d.tif", i), "in")
		s.Put(b, s.Editor, fmt.Sprintf("out-%d.tif", i), "out")
	}
	s.token(s.Editor)
	var n atomic.Int64
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i, run := n.Add(1)%files, uuid.New()
			for _, body := range []string{
				event("START", run, datasets("inputs", home, fmt.Sprintf("in-%d.tif", i))),
				event("COMPLETE", run, datasets("outputs", home, fmt.Sprintf("out-%d.tif", i))),
			} {
				if status, problem := s.send(s.Editor, "POST", lineageapi.Path, []byte(body)); status != 201 {
					b.Errorf("status %d: %v", status, problem)
				}
			}
		}
	})
}

// BenchmarkManyInputs records one run that reads a thousand files.
func BenchmarkManyInputs(b *testing.B) {
	db, err := store.Open(b.Context(), store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "coreshed.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := open(b, db)
	home := "coreshed://shed.example/north-pit"
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("in-%d.tif", i))
		s.Put(b, s.Editor, names[i], "in")
	}
	s.Put(b, s.Editor, "out.tif", "out")
	for b.Loop() {
		body := event("COMPLETE", uuid.New(), datasets("inputs", home, names...), datasets("outputs", home, "out.tif"))
		if status, problem := s.send(s.Editor, "POST", lineageapi.Path, []byte(body)); status != 201 {
			b.Fatalf("status %d: %v", status, problem)
		}
	}
}
