//go:build !ring2

package pgtest

const required = false
