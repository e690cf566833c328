//go:build ring2

package store_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// TestExtensionRefused tells what helps when PostgreSQL has not an extension, or
// does not let its user make one.
func TestExtensionRefused(t *testing.T) {
	url := storetest.MustPostgres(t)
	db, err := sql.Open("pgx", url)
	wantIs(t, err, nil)
	defer db.Close()
	db.SetMaxOpenConns(1) // SET ROLE is of a connection
	_, err = db.Exec(`CREATE EXTENSION coreshed_has_none`)
	if err == nil || !strings.Contains(store.WithCure(err).Error(), "apt install") {
		t.Errorf("an extension that is not installed: %v", store.WithCure(err))
	}
	tx, err := db.Begin()
	wantIs(t, err, nil)
	defer tx.Rollback() // so that the role is gone again
	_, err = tx.Exec(`CREATE ROLE coreshed_test_nobody`)
	wantIs(t, err, nil)
	_, err = tx.Exec(`SET ROLE coreshed_test_nobody`)
	wantIs(t, err, nil)
	_, err = tx.Exec(`CREATE EXTENSION pageinspect`)
	if err == nil || !strings.Contains(store.WithCure(err).Error(), "superuser must run") {
		t.Errorf("an extension that is not permitted: %v", store.WithCure(err))
	}
}
