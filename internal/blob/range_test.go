package blob_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/coreshed/coreshed/internal/blob"
)

func TestRangeLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, 1<<62).Draw(t, "size")
		offset := rapid.OneOf(rapid.Int64(), rapid.Int64Range(0, size)).Draw(t, "offset")
		length := rapid.OneOf(rapid.Int64Min(-2), rapid.Int64Range(-1, size)).Draw(t, "length")
		n, err := blob.RangeLength(size, offset, length)
		if err != nil {
			if !errors.Is(err, blob.ErrRange) {
				t.Fatalf("error %v, want ErrRange", err)
			}
			return
		}
		if offset < 0 || n < 0 || offset+n > size || (length != -1 && n != length) || (length == -1 && offset+n != size) {
			t.Fatalf("RangeLength(%d, %d, %d) = %d", size, offset, length, n)
		}
	})
}
