package lineageapi_test

import (
	"fmt"
	"path/filepath"
	"strings"
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

// BenchmarkManyDatasets records one run that reads a thousand data sets of other
// systems, at its start and at its end.
func BenchmarkManyDatasets(b *testing.B) {
	db, err := store.Open(b.Context(), store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "coreshed.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := open(b, db)
	s.Put(b, s.Editor, "out.tif", "out")
	n := 0
	for b.Loop() {
		var names []string
		for range 1000 {
			n++
			names = append(names, fmt.Sprintf("in-%d.tif", n))
		}
		run := uuid.New()
		for _, kind := range []string{"START", "COMPLETE"} {
			body := event(kind, run, datasets("inputs", "s3://elsewhere", names...), datasets("outputs", "coreshed://shed.example/north-pit", "out.tif"))
			if status, problem := s.send(s.Editor, "POST", lineageapi.Path, []byte(body)); status != 201 {
				b.Fatalf("status %d: %v", status, problem)
			}
		}
	}
}

// BenchmarkManyOutputs records one run that puts out a thousand files, which
// others have read.
func BenchmarkManyOutputs(b *testing.B) {
	db, err := store.Open(b.Context(), store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "coreshed.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := open(b, db)
	home := "coreshed://shed.example/north-pit"
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("out-%d.tif", i))
		s.Put(b, s.Editor, names[i], "out")
	}
	run := uuid.New()
	for n := 0; b.Loop(); n++ {
		kind := "COMPLETE"
		if n > 0 {
			kind = "OTHER"
		}
		body := strings.ReplaceAll(event(kind, run, datasets("outputs", home, names...)), "2026-", fmt.Sprintf("%d-", 2026+n))
		if status, problem := s.send(s.Editor, "POST", lineageapi.Path, []byte(body)); status != 201 {
			b.Fatalf("status %d: %v", status, problem)
		}
	}
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
