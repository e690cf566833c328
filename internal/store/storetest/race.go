//go:build race

package storetest

// Under the race detector a history takes twenty times as long, and what it
// finds does not depend on how many there are.
const checks = "5"
