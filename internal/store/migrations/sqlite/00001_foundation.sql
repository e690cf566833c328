-- +goose Up
-- Times are microseconds since the epoch, UTC. UUIDs are text. Keys named
-- *_key are folded text.

CREATE TABLE organisations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
);

-- Everyone that can act: users with a password, service clients, and subjects
-- of other issuers (whose uuid is a UUIDv5 of issuer and subject).
CREATE TABLE people (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid           TEXT NOT NULL UNIQUE,
    kind           TEXT NOT NULL CHECK (kind IN ('user', 'client', 'external')),
    name           TEXT NOT NULL,
    email          TEXT,
    email_key      TEXT,
    issuer         TEXT,
    subject        TEXT,
    password_hash  TEXT,
    created_at     INTEGER NOT NULL,
    disabled_at    INTEGER
);
CREATE UNIQUE INDEX people_user_email ON people (email_key) WHERE kind = 'user';
CREATE INDEX people_email ON people (email_key);

CREATE TABLE members (
    org_id    INTEGER NOT NULL REFERENCES organisations,
    person_id INTEGER NOT NULL REFERENCES people,
    admin     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, person_id)
);

CREATE TABLE workspaces (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid              TEXT NOT NULL UNIQUE,
    org_id            INTEGER NOT NULL REFERENCES organisations,
    title             TEXT NOT NULL,
    title_key         TEXT NOT NULL,
    name              TEXT NOT NULL,
    description       TEXT NOT NULL DEFAULT '',
    bounding_box      TEXT NOT NULL DEFAULT '',
    coordinate_system TEXT NOT NULL DEFAULT '',
    labels            TEXT NOT NULL DEFAULT '[]',
    created_at        INTEGER NOT NULL,
    created_by        INTEGER REFERENCES people,
    updated_at        INTEGER NOT NULL,
    updated_by        INTEGER REFERENCES people,
    deleted_at        INTEGER,
    quota             INTEGER NOT NULL DEFAULT 0,
    used_bytes        INTEGER NOT NULL DEFAULT 0,
    staged_bytes      INTEGER NOT NULL DEFAULT 0,
    live_files        INTEGER NOT NULL DEFAULT 0,
    deleted_files     INTEGER NOT NULL DEFAULT 0,
    changes           INTEGER NOT NULL DEFAULT 0,
    UNIQUE (org_id, name)
);
CREATE UNIQUE INDEX workspaces_title ON workspaces (org_id, title_key) WHERE deleted_at IS NULL;

CREATE TABLE grants (
    workspace_id INTEGER NOT NULL REFERENCES workspaces,
    person_id    INTEGER NOT NULL REFERENCES people,
    role         TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    PRIMARY KEY (workspace_id, person_id)
);
CREATE INDEX grants_person ON grants (person_id);

-- Roles given to an e-mail address before its owner has signed in.
CREATE TABLE email_grants (
    workspace_id INTEGER NOT NULL REFERENCES workspaces,
    email_key    TEXT NOT NULL,
    role         TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    PRIMARY KEY (workspace_id, email_key)
);

-- A row with current_id NULL is a reservation: a file of which nothing has
-- been committed, visible to nobody.
CREATE TABLE files (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid            TEXT NOT NULL UNIQUE,
    workspace_id    INTEGER NOT NULL REFERENCES workspaces,
    path            TEXT NOT NULL,
    path_key        TEXT NOT NULL,
    address         BLOB NOT NULL, -- SHA-256 of path_key
    name_key        TEXT NOT NULL,
    current_id      INTEGER,
    last_version_id INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    created_by      INTEGER REFERENCES people,
    modified_at     INTEGER NOT NULL,
    modified_by     INTEGER REFERENCES people,
    deleted_at      INTEGER,
    deleted_by      INTEGER REFERENCES people
);
CREATE UNIQUE INDEX files_address ON files (workspace_id, address)
    WHERE deleted_at IS NULL AND current_id IS NOT NULL;
CREATE UNIQUE INDEX files_reserved ON files (workspace_id, address)
    WHERE deleted_at IS NULL AND current_id IS NULL;
CREATE INDEX files_live_created ON files (workspace_id, created_at, id)
    WHERE deleted_at IS NULL AND current_id IS NOT NULL;
CREATE INDEX files_live_modified ON files (workspace_id, modified_at, id)
    WHERE deleted_at IS NULL AND current_id IS NOT NULL;
CREATE INDEX files_deleted ON files (workspace_id, deleted_at, id)
    WHERE deleted_at IS NOT NULL AND current_id IS NOT NULL;
CREATE INDEX files_deleted_created ON files (workspace_id, created_at, id)
    WHERE deleted_at IS NOT NULL AND current_id IS NOT NULL;

CREATE TABLE versions (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id             INTEGER NOT NULL REFERENCES files,
    version_id          INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    created_by          INTEGER REFERENCES people,
    storage_path        TEXT NOT NULL,
    size                INTEGER NOT NULL,
    etag                TEXT NOT NULL,
    content_type        TEXT NOT NULL DEFAULT '',
    content_encoding    TEXT NOT NULL DEFAULT '',
    content_language    TEXT NOT NULL DEFAULT '',
    content_disposition TEXT NOT NULL DEFAULT '',
    cache_control       TEXT NOT NULL DEFAULT '',
    sha256              BLOB,
    md5                 BLOB,
    state               TEXT NOT NULL DEFAULT 'kept',
    superseded_at       INTEGER,
    prefix              TEXT NOT NULL,
    generation          INTEGER NOT NULL DEFAULT 0,
    commit_hash         BLOB NOT NULL,
    UNIQUE (file_id, version_id)
);
CREATE UNIQUE INDEX versions_prefix ON versions (prefix);
CREATE INDEX versions_unhashed ON versions (id) WHERE md5 IS NULL AND state = 'kept';

-- The bytes of a version, in order. offset_bytes is where the extent begins.
CREATE TABLE extents (
    version_row  INTEGER NOT NULL REFERENCES versions,
    offset_bytes INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    object_key   TEXT NOT NULL,
    sha256       BLOB NOT NULL,
    block_id     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (version_row, offset_bytes)
) WITHOUT ROWID;

CREATE TABLE uploads (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id      INTEGER NOT NULL REFERENCES files,
    version_id   INTEGER NOT NULL,
    prefix       TEXT NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    created_by   INTEGER REFERENCES people,
    staged_at    INTEGER NOT NULL,
    staged_bytes INTEGER NOT NULL DEFAULT 0,
    block_count  INTEGER NOT NULL DEFAULT 0,
    id_length    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (file_id, version_id)
);
CREATE INDEX uploads_staged ON uploads (staged_at);

CREATE TABLE blocks (
    upload_id  INTEGER NOT NULL REFERENCES uploads,
    block_id   TEXT NOT NULL,
    size       INTEGER NOT NULL,
    object_key TEXT NOT NULL,
    sha256     BLOB NOT NULL,
    PRIMARY KEY (upload_id, block_id)
) WITHOUT ROWID;

-- Objects that no row needs any more; the collector deletes them.
CREATE TABLE dropped_objects (
    object_key TEXT NOT NULL PRIMARY KEY,
    dropped_at INTEGER NOT NULL
);
CREATE INDEX dropped_objects_at ON dropped_objects (dropped_at);

-- Who does a job that only one process may do.
CREATE TABLE leases (
    name       TEXT NOT NULL PRIMARY KEY,
    holder     TEXT NOT NULL,
    expires_at INTEGER NOT NULL
);

-- The built-in issuer. Tokens and codes are kept as SHA-256 alone.
CREATE TABLE clients (
    client_id     TEXT NOT NULL PRIMARY KEY,
    person_id     INTEGER REFERENCES people,
    name          TEXT NOT NULL,
    secret_hash   TEXT,
    redirect_uris TEXT NOT NULL DEFAULT '[]',
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER
);

CREATE TABLE signing_keys (
    id         TEXT NOT NULL PRIMARY KEY,
    purpose    TEXT NOT NULL CHECK (purpose IN ('url', 'token')),
    material   BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
);

-- What a person has allowed a client to do. Codes and refresh tokens belong to
-- one, and so do the access tokens that name it: to revoke it ends them all.
CREATE TABLE authorizations (
    family     TEXT NOT NULL PRIMARY KEY,
    client_id  TEXT NOT NULL REFERENCES clients,
    person_id  INTEGER NOT NULL REFERENCES people,
    scope      TEXT NOT NULL,
    nonce      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
);
CREATE INDEX authorizations_person ON authorizations (person_id);
CREATE INDEX authorizations_client ON authorizations (client_id);
CREATE INDEX authorizations_expires ON authorizations (expires_at);

CREATE TABLE auth_codes (
    hash         BLOB NOT NULL PRIMARY KEY,
    family       TEXT NOT NULL REFERENCES authorizations,
    redirect_uri TEXT NOT NULL,
    challenge    TEXT NOT NULL,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER
);
CREATE INDEX auth_codes_family ON auth_codes (family);

CREATE TABLE refresh_tokens (
    hash       BLOB NOT NULL PRIMARY KEY,
    family     TEXT NOT NULL REFERENCES authorizations,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at);

CREATE TABLE sessions (
    hash       BLOB NOT NULL PRIMARY KEY,
    person_id  INTEGER NOT NULL REFERENCES people,
    expires_at INTEGER NOT NULL
);
CREATE INDEX sessions_person ON sessions (person_id);

-- Failed sign-ins by account and by address.
CREATE TABLE attempts (
    key        TEXT NOT NULL PRIMARY KEY,
    failures   INTEGER NOT NULL,
    first_at   INTEGER NOT NULL
);

-- +goose Down
SELECT 1;
