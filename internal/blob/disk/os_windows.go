package disk

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

// syncFolder does nothing: Windows cannot flush a folder, and NTFS writes
// names to its log in order.
func syncFolder(string) error { return nil }

func isNoSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) ||
		errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) ||
		errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}

// Free implements blob.Spacer. It counts the quota of the user.
func (s *Store) Free(ctx context.Context) (free, total uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, 0, err
	}
	dir, err := windows.UTF16PtrFromString(s.root.Name())
	if err != nil {
		return 0, 0, fmt.Errorf("ask free space: %w", err)
	}
	if err := windows.GetDiskFreeSpaceEx(dir, &free, &total, nil); err != nil {
		return 0, 0, fmt.Errorf("ask free space: %w", err)
	}
	return free, total, nil
}
