package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/coreshed/coreshed/internal/store"
)

// TestLogStaysShort: no commit moves the write-ahead log into the database, and yet
// it does not grow with what is written, also while others read.
func TestLogStaysShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "coreshed.db")
	db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + path})
	must(t, err)
	defer db.Close()
	must(t, db.Exec(t.Context(), `CREATE TABLE filler (content BLOB)`))
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for open := true; open && err == nil; {
			select {
			case <-stop:
				open = false
			default:
				_, err = db.Plan(t.Context(), `SELECT count(*) FROM filler`)
			}
		}
		stopped <- err
	}()
	for range 120 {
		must(t, db.Exec(t.Context(), `INSERT INTO filler (content) VALUES (randomblob(1000000))`))
	}
	close(stop)
	must(t, <-stopped)
	log, err := os.Stat(path + "-wal")
	must(t, err)
	if log.Size() > 60<<20 {
		t.Errorf("120 MB were written, and the log has %d bytes", log.Size())
	}
	whole, err := os.Stat(path)
	must(t, err)
	if whole.Size() < 60<<20 {
		t.Errorf("120 MB were written, and the database has %d bytes", whole.Size())
	}
}
