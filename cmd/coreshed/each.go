package main

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"
)

// each does something with every item, a few at a time, and returns what came
// of those that it could be done with, in order, and the errors of the others.
// An error that would meet all the others too ends it.
func each[T, R any](ctx context.Context, items []T, do func(context.Context, T) (R, error)) ([]R, error) {
	results, failed := make([]R, len(items)), make([]error, len(items))
	tried := make([]bool, len(items))
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var g errgroup.Group
	g.SetLimit(transfers)
	var once sync.Once
	for i, item := range items {
		if ctx.Err() != nil {
			break
		}
		tried[i] = true
		g.Go(func() error {
			results[i], failed[i] = do(ctx, item)
			if failed[i] != nil && fatal(ctx, failed[i]) {
				once.Do(func() { stop(failed[i]) })
			}
			return nil
		})
	}
	g.Wait() //nolint:errcheck // the errors are in failed
	var done []R
	for i := range results {
		if tried[i] && failed[i] == nil {
			done = append(done, results[i])
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return done, cause // the others failed because of it
	}
	return done, errors.Join(failed...)
}
