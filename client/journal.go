package client

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/coreshed/coreshed"
)

// note is the first line of a journal: what is transferred, and where to.
type note struct {
	Source string `json:"source"`
	Target string `json:"target"`
	Stamp  string `json:"stamp"` // changes when the source does
	Size   int64  `json:"size"`
	Piece  int64  `json:"piece"` // the size of a piece; the last may be shorter

	// The version: of an upload, the reserved one.
	FileID    coreshed.UUID `json:"file_id"`
	VersionID int64         `json:"version_id,string"`
}

// key is a file name that belongs to this source and target.
func (n note) key() string {
	sum := sha256.Sum256([]byte(n.Source + "\x00" + n.Target))
	return hex.EncodeToString(sum[:12]) + ".journal"
}

// describes reports whether pieces noted under n are pieces of other too.
func (n note) describes(other note) bool {
	n.FileID, n.VersionID = other.FileID, other.VersionID
	return n == other
}

func (n note) pieces() int64 {
	if n.Piece <= 0 || n.Size <= 0 {
		return 0
	}
	return (n.Size-1)/n.Piece + 1
}

// journal notes which pieces of a transfer have arrived: a line of JSON, then
// the number of a piece per line. It is only a saving: lines that are lost make
// their pieces travel again. The zero journal notes nothing.
type journal struct {
	note note

	path string
	lock *flock.Flock
	mu   sync.Mutex
	file *os.File // nil until begun, and when nothing is noted
	done map[int64]bool
}

// openJournal returns the journal at path with what it knows of the transfer
// that n describes. One that is in use by somebody else is left to them, and
// nothing is noted.
func openJournal(path string, n note) (*journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make journal folder: %w", err)
	}
	lock := flock.New(path + ".lock")
	if ok, err := lock.TryLock(); err != nil || !ok {
		return &journal{}, err
	}
	j := &journal{note: n, path: path, lock: lock, done: map[int64]bool{}}
	if err := j.recall(); err != nil {
		return nil, errors.Join(err, j.close())
	}
	return j, nil
}

// recall takes over what an earlier attempt noted, if it was the same transfer.
func (j *journal) recall() error {
	file, err := os.OpenFile(j.path, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	n, done, err := readJournal(file)
	if err != nil || !n.describes(j.note) || n.VersionID == 0 {
		return file.Close() // begin replaces it
	}
	// A line that was cut short must not run into the next one.
	if _, err := file.WriteString("\n"); err != nil {
		return errors.Join(fmt.Errorf("write journal: %w", err), file.Close())
	}
	j.note, j.done, j.file = n, done, file
	return nil
}

// readJournal reads a journal. What follows the first line is taken as far as
// it makes sense.
func readJournal(r io.Reader) (note, map[int64]bool, error) {
	lines := bufio.NewScanner(r)
	var n note
	if !lines.Scan() {
		return n, nil, errors.Join(errors.New("the journal is empty"), lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &n); err != nil {
		return n, nil, fmt.Errorf("read journal: %w", err)
	}
	done := map[int64]bool{}
	for lines.Scan() {
		// The dot at the end tells a whole number from one that was cut.
		text, whole := strings.CutSuffix(lines.Text(), ".")
		if i, err := strconv.ParseInt(text, 10, 64); err == nil && whole && i >= 0 && i < n.pieces() {
			done[i] = true
		}
	}
	return n, done, nil
}

// begin starts the journal anew, with the version that is transferred.
func (j *journal) begin(s slot) error {
	if j.lock == nil {
		return nil
	}
	if j.file != nil {
		j.file.Close()
	}
	j.note.FileID, j.note.VersionID, j.done = s.FileID, s.VersionID, map[int64]bool{}
	line, err := json.Marshal(j.note)
	if err != nil {
		return fmt.Errorf("encode journal: %w", err)
	}
	if j.file, err = os.OpenFile(j.path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("make journal: %w", err)
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// add notes that a piece has arrived.
func (j *journal) add(i int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	j.done[i] = true
	if _, err := j.file.WriteString(strconv.FormatInt(i, 10) + ".\n"); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

func (j *journal) has(i int64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done[i]
}

// complete reports whether all pieces have arrived.
func (j *journal) complete() bool { return int64(len(j.done)) == j.note.pieces() }

// bytes is how much has arrived.
func (j *journal) bytes() int64 {
	var sum int64
	for i := range j.done {
		sum += min(j.note.Piece, j.note.Size-i*j.note.Piece)
	}
	return sum
}

// reservationLife is for how long the server keeps what was sent last.
const reservationLife = 7 * 24 * time.Hour

// forgetOld deletes the journals in a folder that have outlived what they tell
// of. It is no matter if one stays.
func forgetOld(dir string) {
	names, _ := filepath.Glob(filepath.Join(dir, "*.journal"))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > reservationLife {
			_ = os.Remove(name)
		}
	}
}

// remove deletes the journal; the transfer is over. Close must still follow.
func (j *journal) remove() error {
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.file.Close(), os.Remove(j.path))
	j.file = nil
	return err
}

// close leaves the journal to the next attempt.
func (j *journal) close() error {
	if j.lock == nil {
		return nil
	}
	var err error
	if j.file != nil {
		err = j.file.Close()
	}
	// While the lock is held, or its file is not the one that others lock.
	// Windows refuses to remove it then, and the empty file stays.
	_ = os.Remove(j.lock.Path())
	return errors.Join(err, j.lock.Close())
}
