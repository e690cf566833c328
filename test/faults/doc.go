// Package faults gives the real binary a full disk and a bad network: what
// goes wrong must hurt one request and nothing else.
//
// The tests are behind the build tag ring2; the full disk needs Linux and root,
// who may mount a small one.
package faults
