-- +goose Up
-- The audit log. An entry is written in the transaction of what it tells of; a
-- sequencer gives it its number, which is its place in a Merkle tree.

CREATE TABLE audit_entries (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    number       INTEGER UNIQUE, -- from 0; NULL while it waits for one
    at           INTEGER NOT NULL,
    org_id       INTEGER NOT NULL, -- 0 for what concerns the whole server
    actor        TEXT NOT NULL, -- the UUID of a person, 'operator' or 'server'
    action       TEXT NOT NULL,
    kind         TEXT NOT NULL, -- of the subject
    subject_id   INTEGER NOT NULL,
    workspace_id INTEGER NOT NULL, -- 0 for none; no reference: entries outlive what they tell of
    outcome      TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
    commitment   BLOB NOT NULL -- SHA-256 of the salt and the details
);
CREATE INDEX audit_entries_waiting ON audit_entries (id) WHERE number IS NULL;
CREATE INDEX audit_entries_subject ON audit_entries (kind, subject_id);
CREATE INDEX audit_entries_actor ON audit_entries (actor);
CREATE INDEX audit_entries_at ON audit_entries (at);

-- Names, paths and addresses. A purge erases those of what it removes, and leaves
-- the row, which says so: one that is missing was not erased, it was taken away.
CREATE TABLE audit_details (
    entry_id  INTEGER PRIMARY KEY REFERENCES audit_entries,
    salt      BLOB, -- NULL once erased
    document  TEXT, -- JSON, as it was hashed; NULL once erased
    erased_by INTEGER, -- the purge, by its row id
    CHECK ((salt IS NULL) = (erased_by IS NOT NULL) AND (document IS NULL) = (erased_by IS NOT NULL))
);

-- The hashes of the tree, in the order of golang.org/x/mod/sumdb/tlog.
CREATE TABLE audit_hashes (
    position INTEGER PRIMARY KEY,
    hash     BLOB NOT NULL
);

-- What was signed: the last of each hour.
CREATE TABLE audit_checkpoints (
    size      INTEGER PRIMARY KEY,
    signed_at INTEGER NOT NULL,
    note      TEXT NOT NULL
);

-- Keys also sign checkpoints.
CREATE TABLE signing_keys_new (
    id         TEXT NOT NULL PRIMARY KEY,
    purpose    TEXT NOT NULL CHECK (purpose IN ('url', 'token', 'audit')),
    material   BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
);
INSERT INTO signing_keys_new SELECT id, purpose, material, created_at, retired_at FROM signing_keys;
DROP TABLE signing_keys;
ALTER TABLE signing_keys_new RENAME TO signing_keys;

-- +goose Down
SELECT 1;
