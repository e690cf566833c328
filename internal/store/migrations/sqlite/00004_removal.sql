-- +goose Up
-- Removal: what purges are to remove, what they have removed, and what must not
-- come back. Times and UUIDs as in the foundation.

CREATE TABLE purges (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid           TEXT NOT NULL UNIQUE,
    org_id         INTEGER NOT NULL REFERENCES organisations,
    scope          TEXT NOT NULL CHECK (scope IN ('lineage', 'recipe')),
    status         TEXT NOT NULL CHECK (status IN ('queued', 'planned', 'purging', 'stopped', 'purged')),
    source_bytes   INTEGER NOT NULL DEFAULT 0, -- also those that Coreshed does not own
    reason         TEXT NOT NULL DEFAULT '',
    request        TEXT NOT NULL DEFAULT '[]', -- row ids of the versions asked for
    fingerprint    BLOB,
    source_file_id INTEGER, -- of Scale's API; survives the file
    event_id       INTEGER REFERENCES trigger_events,
    planned_by     INTEGER REFERENCES people,
    planned_at     INTEGER NOT NULL,
    approved_by    INTEGER REFERENCES people, -- for a flow that asks a second person
    approved_at    INTEGER,
    executed_by    INTEGER REFERENCES people,
    executed_at    INTEGER,
    ended_at       INTEGER,
    sources        INTEGER NOT NULL DEFAULT 0, -- of the plan
    products       INTEGER NOT NULL DEFAULT 0,
    runs           INTEGER NOT NULL DEFAULT 0,
    recipes        INTEGER NOT NULL DEFAULT 0,
    bytes          INTEGER NOT NULL DEFAULT 0,
    held           INTEGER NOT NULL DEFAULT 0,
    forbidden      INTEGER NOT NULL DEFAULT 0,
    sources_gone   INTEGER NOT NULL DEFAULT 0, -- really removed
    products_gone  INTEGER NOT NULL DEFAULT 0,
    runs_gone      INTEGER NOT NULL DEFAULT 0,
    recipes_gone   INTEGER NOT NULL DEFAULT 0,
    bytes_gone     INTEGER NOT NULL DEFAULT 0,
    attempts       INTEGER NOT NULL DEFAULT 0,
    next_at        INTEGER NOT NULL DEFAULT 0, -- not before
    last_error     TEXT NOT NULL DEFAULT ''
);
CREATE INDEX purges_open ON purges (id) WHERE status IN ('queued', 'purging');

-- The set of a purge, and afterwards what it was: ids, hashes and sizes, no
-- names. Kinds are 0 version, 1 run, 2 recipe. States are 0 planned
-- and 1 removed.
CREATE TABLE purge_items (
    purge_id     INTEGER NOT NULL REFERENCES purges,
    kind         INTEGER NOT NULL,
    item_id      INTEGER NOT NULL,
    depth        INTEGER NOT NULL,
    via_kind     INTEGER,
    via_id       INTEGER,
    workspace_id INTEGER NOT NULL,
    file_uuid    TEXT,
    version_id   INTEGER,
    file_type    TEXT,
    job_type_id  INTEGER,
    size         INTEGER NOT NULL DEFAULT 0,
    sha256       BLOB,
    md5          BLOB,
    bytes        TEXT NOT NULL DEFAULT '',
    hold_id      INTEGER,
    state        INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    error        TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (purge_id, kind, item_id)
) WITHOUT ROWID;
CREATE INDEX purge_items_depth ON purge_items (purge_id, kind, depth, item_id) WHERE state = 0;

-- What a running or stopped purge is to remove: it can be used for nothing new.
CREATE TABLE purging (
    kind     INTEGER NOT NULL,
    item_id  INTEGER NOT NULL,
    purge_id INTEGER NOT NULL REFERENCES purges,
    PRIMARY KEY (kind, item_id)
) WITHOUT ROWID;

-- What has been removed. Kind 3 is a file whose last version has gone.
CREATE TABLE tombstones (
    kind         INTEGER NOT NULL,
    item_id      INTEGER NOT NULL,
    purge_id     INTEGER NOT NULL REFERENCES purges,
    workspace_id INTEGER NOT NULL,
    file_uuid    TEXT,
    version_id   INTEGER,
    size         INTEGER NOT NULL DEFAULT 0,
    sha256       BLOB,
    md5          BLOB,
    removed_at   INTEGER NOT NULL,
    PRIMARY KEY (kind, item_id)
) WITHOUT ROWID;
CREATE INDEX tombstones_file ON tombstones (file_uuid, kind) WHERE file_uuid IS NOT NULL;

-- The links that there were between what has been removed, and from and to it:
-- a run read a version, or put it out.
CREATE TABLE tombstone_edges (
    run_id     INTEGER NOT NULL,
    version_id INTEGER NOT NULL, -- row id
    output     INTEGER NOT NULL,
    PRIMARY KEY (run_id, version_id, output)
) WITHOUT ROWID;
CREATE INDEX tombstone_edges_version ON tombstone_edges (version_id, run_id);

-- Objects of folders and buckets that must not be registered again as they are.
-- The place is the SHA-256 of the path: names are erased with what had them.
CREATE TABLE barriers (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces,
    place        BLOB NOT NULL,
    size         INTEGER NOT NULL,
    modified     INTEGER, -- nanoseconds
    etag         TEXT NOT NULL DEFAULT '',
    sha256       BLOB,
    purge_id     INTEGER REFERENCES purges,
    created_at   INTEGER NOT NULL,
    lifted_at    INTEGER,
    lifted_by    INTEGER REFERENCES people
);
CREATE INDEX barriers_place ON barriers (workspace_id, place) WHERE lifted_at IS NULL;

-- A removed row is looked for wherever it could be named.
CREATE INDEX ingests_job ON ingests (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX jobs_root_recipe ON jobs (root_recipe_id) WHERE root_recipe_id IS NOT NULL;
CREATE INDEX jobs_event ON jobs (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX jobs_ingest_event ON jobs (ingest_event_id) WHERE ingest_event_id IS NOT NULL;
CREATE INDEX recipes_event ON recipes (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX recipes_ingest_event ON recipes (ingest_event_id) WHERE ingest_event_id IS NOT NULL;
CREATE INDEX recipes_root_superseded ON recipes (root_superseded_recipe_id) WHERE root_superseded_recipe_id IS NOT NULL;
CREATE INDEX recipe_conditions_recipe ON recipe_conditions (recipe_id);
CREATE INDEX recipe_nodes_condition ON recipe_nodes (condition_id) WHERE condition_id IS NOT NULL;
CREATE INDEX batches_event ON batches (event_id) WHERE event_id IS NOT NULL;

-- What made a link goes together with it by job: the others need no look-up.
CREATE TABLE ancestry_links (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    ancestor_id   INTEGER NOT NULL REFERENCES versions,
    descendant_id INTEGER REFERENCES versions,
    job_id        INTEGER NOT NULL REFERENCES jobs,
    job_exe_id    INTEGER,
    recipe_id     INTEGER,
    batch_id      INTEGER
);
INSERT INTO ancestry_links SELECT id, ancestor_id, descendant_id, job_id, job_exe_id, recipe_id, batch_id FROM ancestry;
DROP TABLE ancestry;
ALTER TABLE ancestry_links RENAME TO ancestry;
CREATE INDEX ancestry_ancestor ON ancestry (ancestor_id, descendant_id);
CREATE INDEX ancestry_descendant ON ancestry (descendant_id, ancestor_id) WHERE descendant_id IS NOT NULL;
CREATE INDEX ancestry_job ON ancestry (job_id);

-- +goose Down
SELECT 1;
