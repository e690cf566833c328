package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"time"
)

// commit times the Put Block List of blocks that have really been uploaded.
func (b Blobs) commit(ctx context.Context, dir string, results *sheet) error {
	s, err := startShed(ctx, b.Binary, dir, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer s.stop()
	t := test{
		name: fmt.Sprintf("commit of %d blocks of %d KiB", b.CommitBlocks, b.CommitBlockSize>>10),
		unit: "ms", target: target{below: 150},
	}
	block := randomBytes(b.CommitBlockSize)
	ids := blockIDs(b.CommitBlocks)
	for n := range b.CommitRounds {
		urls, err := s.uploads(ctx, fmt.Sprintf("commit-%d.bin", n))
		if err != nil {
			return err
		}
		if err := s.caller.stage(ctx, urls[0], ids, func(int) []byte { return block }); err != nil {
			return fmt.Errorf("stage blocks: %w", err)
		}
		list := putBlockList(urls[0], ids)
		start := time.Now()
		if err := s.caller.do(ctx, list); err != nil {
			return err
		}
		results.add(t, shedName, millis(time.Since(start)))
	}
	return nil
}

// memory measures what the server needs for many transfers at once: all up,
// then, with a fresh server, all down.
func (b Blobs) memory(ctx context.Context, dir string, results *sheet) error {
	if runtime.GOOS != "linux" {
		fmt.Fprintln(b.Log, "memory: it is measured on Linux alone")
		return nil
	}
	content := randomBytes(b.TransferSize)
	names := make([]string, manyClients)
	for i := range names {
		names[i] = fmt.Sprintf("memory/%02d.bin", i)
	}
	up := func(ctx context.Context, s *shed) error {
		urls, err := s.uploads(ctx, names...)
		if err != nil {
			return err
		}
		_, err = each(ctx, len(urls), len(urls), func(ctx context.Context, i int) error {
			return s.caller.do(ctx, putBlob(urls[i], content))
		})
		return err
	}
	down := func(ctx context.Context, s *shed) error {
		urls, err := s.downloads(ctx, names...)
		if err != nil {
			return err
		}
		_, err = each(ctx, len(urls), len(urls), func(ctx context.Context, i int) error {
			return s.caller.do(ctx, request{method: "GET", url: urls[i], status: 200, length: b.TransferSize})
		})
		return err
	}
	of := fmt.Sprintf("%d × %d MiB at once", manyClients, b.TransferSize>>20)
	if err := b.peak(ctx, dir, results, "memory, uploads of "+of, up); err != nil {
		return err
	}
	return b.peak(ctx, dir, results, "memory, downloads of "+of, down)
}

// peak measures the memory that a fresh server needs for a load.
func (b Blobs) peak(ctx context.Context, dir string, results *sheet, name string, load func(context.Context, *shed) error) error {
	s, err := startShed(ctx, b.Binary, dir, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer s.stop()
	if err := load(ctx, s); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	bytes, err := s.process.peak()
	if err != nil {
		return err
	}
	results.add(test{name, "MiB", target{below: 200}}, shedName, float64(bytes)/(1<<20))
	return nil
}
