// Package blobtest is the conformance suite of blob.Store: what the comments
// of the interface promise, each as a test.
package blobtest

import (
	"testing"

	"github.com/coreshed/coreshed/internal/blob"
)

// Run tests the store that open returns, which must be empty and is opened
// anew for each test. What open starts it also cleans up.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	tests := []struct {
		name string
		test func(t *testing.T, s blob.Store)
	}{
		{"RoundTrip", testRoundTrip},
		{"Ranges", testRanges},
		{"BadRanges", testBadRanges},
		{"Absent", testAbsent},
		{"BadBody", testBadBody},
		{"Cancel", testCancel},
		{"NoOverwrite", testNoOverwrite},
		{"OneWriter", testOneWriter},
		{"Delete", testDelete},
		{"DeleteWhileReading", testDeleteWhileReading},
		{"List", testList},
		{"ListStops", testListStops},
		{"InvalidKeys", testInvalidKeys},
		{"Concurrent", testConcurrent},
		{"SameKey", testSameKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}
