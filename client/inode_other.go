//go:build !unix

package client

import "os"

// inode has no counterpart that os.FileInfo would tell here.
func inode(os.FileInfo) string { return "" }
