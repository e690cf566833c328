package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// startTime is how long a server may take to answer.
const startTime = 20 * time.Second

// process is a server that the benchmark has started.
type process struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	stdin  io.Closer
	done   chan struct{} // closed when it has ended
	log    string        // file of what it writes
}

// start runs a program until stop is called or ctx ends. What it prints goes to
// a file in dir.
func start(ctx context.Context, dir, program string, args ...string) (*process, error) {
	log, err := os.CreateTemp(dir, filepath.Base(program)+"-*.log")
	if err != nil {
		return nil, fmt.Errorf("make log file: %w", err)
	}
	defer log.Close()
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	// Windows has no interrupt for a process; there it is killed.
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = 30 * time.Second
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", filepath.Base(program), err)
	}
	p := &process{cmd: cmd, cancel: cancel, stdin: stdin, done: make(chan struct{}), log: log.Name()}
	go func() {
		defer close(p.done)
		cmd.Wait() //nolint:errcheck // a server is ended by a signal
	}()
	return p, nil
}

// stop ends the process and waits for that.
func (p *process) stop() {
	p.cancel()
	<-p.done
	p.stdin.Close()
}

// ready waits until url answers. When it does not, the process is stopped.
func (p *process) ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for !answers(ctx, url) {
		select {
		case <-p.done:
		case <-ctx.Done():
			p.stop()
		case <-time.After(10 * time.Millisecond):
			continue
		}
		said, err := os.ReadFile(p.log)
		return errors.Join(fmt.Errorf("%s does not answer at %s: %s", filepath.Base(p.cmd.Path), url, bytes.TrimSpace(said)), err)
	}
	return nil
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode < http.StatusInternalServerError
}

// peak returns the most memory that the process has had resident, in bytes. It
// is known on Linux alone.
func (p *process) peak() (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read memory use: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := bytes.CutPrefix(lines.Bytes(), []byte("VmHWM:")); ok {
			kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(rest, []byte("kB")))), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.Join(errors.New("read memory use: no VmHWM"), lines.Err())
}

// clockTick is the unit of times in /proc, on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// cpu returns the processor time that the process has used. It is known on
// Linux alone.
func (p *process) cpu() (time.Duration, error) { return cpuOf(p.cmd.Process.Pid) }

func cpuOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	// The name, in parentheses, may hold spaces; user and system time are the
	// 12th and 13th fields after it.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("read processor time: too few fields")
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}

// freeAddress returns a loopback address at which nobody listens.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
