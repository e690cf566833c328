//go:build ring2 && linux

package crash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A watch counts the steps of a process: its system calls that change a file
// or tell a client something. It kills the process as it begins the step with
// a given number, which is then not taken. strace can inject a signal, too,
// but counts for each thread on its own, and a Go program's calls wander.
type watch struct {
	pid    int
	killAt int // step; 0 is never
	steps  int
	taken  []string // names of the steps, for the report of a failure
	killed bool
	err    error
	ready  chan struct{}
	done   chan struct{}
}

// newWatch returns when the process runs under it.
func newWatch(pid, killAt int) (*watch, error) {
	w := &watch{pid: pid, killAt: killAt, ready: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	<-w.ready
	return w, w.err
}

// kill ends the process, if it has not ended, and returns when it has. Nobody
// else may wait for it before.
func (w *watch) kill() {
	unix.Kill(w.pid, unix.SIGKILL)
	<-w.done
}

func (w *watch) run() {
	defer close(w.done)
	runtime.LockOSThread() // a process is traced by one thread
	defer runtime.UnlockOSThread()
	w.err = w.seize()
	close(w.ready)
	if w.err != nil {
		return
	}
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return
		case status.Exited(), status.Signaled():
			if tid == w.pid { // the last of its threads
				return
			}
		default:
			w.stopped(tid, status)
		}
	}
}

const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE

// seize takes all threads; those that they start later come by themselves.
func (w *watch) seize() error {
	seized := map[int]bool{}
	for more := true; more; {
		more = false
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", w.pid))
		if err != nil {
			return err
		}
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil || seized[tid] {
				continue
			}
			more, seized[tid] = true, true
			_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(tid), 0, options, 0, 0)
			if errno == unix.EPERM && len(seized) > 1 {
				continue // started by a seized one
			}
			if errno != 0 {
				return fmt.Errorf("ptrace the server (run this ring as root): %w", errno)
			}
			if err := unix.PtraceInterrupt(tid); err != nil {
				return fmt.Errorf("interrupt thread: %w", err)
			}
		}
	}
	return nil
}

// stopped lets a thread go on from where it stopped. Errors mean that it has
// been killed meanwhile.
func (w *watch) stopped(tid int, status unix.WaitStatus) {
	signal := 0
	switch event := int(status) >> 16; {
	case status.StopSignal() == unix.SIGTRAP|0x80:
		if w.step(tid) {
			unix.Kill(w.pid, unix.SIGKILL)
			w.killed = true
			return
		}
	case event == 0:
		signal = int(status.StopSignal())
	}
	unix.PtraceSyscall(tid, signal)
}

// step counts a system call that begins, and reports whether it is the one.
func (w *watch) step(tid int) bool {
	nr, args, ok := entry(tid)
	if !ok || w.killed {
		return false
	}
	name, counts := steps[nr]
	if !counts || !changes(w.pid, nr, args) {
		return false
	}
	w.steps++
	w.taken = append(w.taken, name+on(w.pid, nr, args))
	return w.steps == w.killAt
}

// entry returns the system call that a stopped thread begins; not ok when it
// ends one.
func entry(tid int) (nr uint64, args [6]uint64, ok bool) {
	var info [88]byte // struct ptrace_syscall_info
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid),
		uintptr(len(info)), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || info[0] != unix.PTRACE_SYSCALL_INFO_ENTRY {
		return 0, args, false
	}
	for i := range args {
		args[i] = binary.NativeEndian.Uint64(info[32+8*i:])
	}
	return binary.NativeEndian.Uint64(info[24:]), args, true
}

var steps = map[uint64]string{
	unix.SYS_OPENAT: "openat", unix.SYS_MKDIRAT: "mkdirat", unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite",
	unix.SYS_WRITEV: "writev", unix.SYS_FTRUNCATE: "ftruncate", unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync",
	unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2", unix.SYS_UNLINKAT: "unlinkat",
}

// on tells what is written or synced: a folder, an object, the database's log, or
// what a client is told.
func on(pid int, nr uint64, args [6]uint64) string {
	switch nr {
	case unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_FSYNC, unix.SYS_FDATASYNC:
	default:
		return ""
	}
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, args[0]))
	if err != nil {
		return ""
	}
	info, err := os.Stat(target)
	switch {
	case err == nil && info.IsDir():
		return " folder"
	case strings.HasPrefix(target, "socket:"):
		return " to client"
	case strings.Contains(target, "/objects/"):
		return " object"
	case strings.HasSuffix(target, "-wal"):
		return " log"
	}
	return ""
}

// changes leaves out what only reads, and what the runtime writes to itself or
// into the log.
func changes(pid int, nr uint64, args [6]uint64) bool {
	switch nr {
	case unix.SYS_OPENAT:
		return args[2]&unix.O_CREAT != 0
	case unix.SYS_WRITE, unix.SYS_WRITEV:
		target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, args[0]))
		return err == nil && (strings.HasPrefix(target, "/") || strings.HasPrefix(target, "socket:"))
	}
	return true
}
