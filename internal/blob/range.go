package blob

import "fmt"

// RangeLength returns how many bytes the offset and length of Store.Open mean
// in an object of size bytes, or ErrRange.
func RangeLength(size, offset, length int64) (int64, error) {
	n := length
	if length == -1 {
		n = size - offset
	}
	if offset < 0 || offset > size || n < 0 || n > size-offset {
		return 0, fmt.Errorf("%w: offset %d, length %d, size %d", ErrRange, offset, length, size)
	}
	return n, nil
}
