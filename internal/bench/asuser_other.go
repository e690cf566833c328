//go:build !unix

package bench

import "syscall"

// asUser changes nothing: here nobody is root.
func asUser(int, int) *syscall.SysProcAttr { return nil }
