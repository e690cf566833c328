package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// behind is how much a writeBehind lets lie before it starts writing it out.
const behind = 8 << 20

// writeBehind writes to a file and has the kernel begin early to move the
// bytes to the device, which then works while the rest of the body arrives
// instead of all at once in the final sync. Measured: 1.2 times the speed for
// one upload of 256 MiB, no difference between 2 and 8 MiB of lag.
type writeBehind struct {
	file           *os.File
	started, total int64 // bytes handed to the device, bytes written
}

// Write implements io.Writer.
func (w *writeBehind) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.total += int64(n)
	if w.total-w.started >= behind {
		// Only a hint, so its error is not one: the sync at the end reports
		// every write that failed.
		_ = unix.SyncFileRange(int(w.file.Fd()), w.started, w.total-w.started, unix.SYNC_FILE_RANGE_WRITE)
		w.started = w.total
	}
	return n, err
}
