//go:build !race

package storetest

const checks = "25"
