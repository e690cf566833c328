//go:build unix

package client

import (
	"fmt"
	"os"
	"syscall"
)

// inode tells a file from another that took its name.
func inode(info os.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d:%d", s.Dev, s.Ino)
	}
	return ""
}
