-- +goose Up
-- The catalogue: each version is one entry, with where, when, by which sensor,
-- and what it was made from. Times, UUIDs and *_key as in the foundation.
-- NULL is "no value" everywhere.

ALTER TABLE workspaces ADD COLUMN base_url TEXT NOT NULL DEFAULT '';
-- Where the workspace's folders lie: NULL is Coreshed's own store alone. The
-- configuration is JSON; its secrets are sealed.
ALTER TABLE workspaces ADD COLUMN broker TEXT;
ALTER TABLE workspaces ADD COLUMN configuration TEXT;
ALTER TABLE workspaces ADD COLUMN entries INTEGER NOT NULL DEFAULT 0;

-- Keys that secrets of brokers are sealed with.
CREATE TABLE sealing_keys (
    id         TEXT NOT NULL PRIMARY KEY,
    material   BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
);

-- Files that are the products of runs are found by product key.
ALTER TABLE files ADD COLUMN product_key TEXT;
CREATE INDEX files_product ON files (workspace_id, product_key) WHERE product_key IS NOT NULL;
-- The file of an output that was never published reserves no address.
DROP INDEX files_reserved;
CREATE UNIQUE INDEX files_reserved ON files (workspace_id, address)
    WHERE deleted_at IS NULL AND current_id IS NULL AND product_key IS NULL;

ALTER TABLE versions ADD COLUMN workspace_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN file_type TEXT NOT NULL DEFAULT 'SOURCE' CHECK (file_type IN ('SOURCE', 'PRODUCT'));
ALTER TABLE versions ADD COLUMN file_name TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN media_type TEXT NOT NULL DEFAULT 'application/octet-stream';
ALTER TABLE versions ADD COLUMN product_key TEXT; -- Scale's uuid, 32 hex characters
ALTER TABLE versions ADD COLUMN modified_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN deleted_at INTEGER; -- with its file
ALTER TABLE versions ADD COLUMN published_at INTEGER; -- ever
ALTER TABLE versions ADD COLUMN unpublished_at INTEGER;
ALTER TABLE versions ADD COLUMN parsed_at INTEGER;
-- What describes it. Tags are a JSON array, countries ISO3 codes joined by
-- blanks in order, geometries WKT in lon/lat.
ALTER TABLE versions ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE versions ADD COLUMN countries TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN geometry TEXT;
ALTER TABLE versions ADD COLUMN center_point TEXT;
ALTER TABLE versions ADD COLUMN data_started INTEGER;
ALTER TABLE versions ADD COLUMN data_ended INTEGER;
ALTER TABLE versions ADD COLUMN source_started INTEGER;
ALTER TABLE versions ADD COLUMN source_ended INTEGER;
ALTER TABLE versions ADD COLUMN source_sensor_class TEXT;
ALTER TABLE versions ADD COLUMN source_sensor TEXT;
ALTER TABLE versions ADD COLUMN source_collection TEXT;
ALTER TABLE versions ADD COLUMN source_task TEXT;
-- The run that made it; NULL for sources.
ALTER TABLE versions ADD COLUMN job_id INTEGER;
ALTER TABLE versions ADD COLUMN job_exe_id INTEGER;
ALTER TABLE versions ADD COLUMN job_type_id INTEGER;
ALTER TABLE versions ADD COLUMN job_output TEXT;
ALTER TABLE versions ADD COLUMN recipe_id INTEGER;
ALTER TABLE versions ADD COLUMN recipe_type_id INTEGER;
ALTER TABLE versions ADD COLUMN recipe_node TEXT;
ALTER TABLE versions ADD COLUMN batch_id INTEGER;
-- What a run makes is held back, none of its file's versions yet, until it is
-- published; then it joins them at that time, and else when it was created.
ALTER TABLE versions ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN joined_at INTEGER;
CREATE INDEX versions_product ON versions (product_key) WHERE product_key IS NOT NULL;
-- Of bytes that lie in the workspace's broker, at storage_path: a hash of that
-- path to find it by, what was there when it was registered, and whether
-- Coreshed put the bytes there itself.
ALTER TABLE versions ADD COLUMN place BLOB;
ALTER TABLE versions ADD COLUMN place_modified INTEGER; -- nanoseconds
ALTER TABLE versions ADD COLUMN place_etag TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN owned INTEGER NOT NULL DEFAULT 1;
-- What work in the background looks for.
DROP INDEX versions_unhashed;
CREATE INDEX versions_unhashed ON versions (id) WHERE md5 IS NULL AND state IN ('kept', 'in place');
CREATE INDEX versions_lost ON versions (id) WHERE place IS NOT NULL AND state IN ('missing', 'changed outside');
CREATE INDEX versions_place ON versions (workspace_id, place, id) WHERE place IS NOT NULL;
-- What an arrival could be a duplicate of.
CREATE INDEX versions_repeated ON versions (file_name, size) WHERE file_type = 'SOURCE';

-- Uploads of what runs make: the try, the output's name, and what the version
-- will have as storage path and media type.
ALTER TABLE uploads ADD COLUMN job_exe_id INTEGER;
ALTER TABLE uploads ADD COLUMN output_name TEXT NOT NULL DEFAULT '';
ALTER TABLE uploads ADD COLUMN output_path TEXT NOT NULL DEFAULT '';
ALTER TABLE uploads ADD COLUMN output_media TEXT NOT NULL DEFAULT '';
CREATE INDEX uploads_exe ON uploads (job_exe_id) WHERE job_exe_id IS NOT NULL;

-- The metadata document of a version, a JSON object; absent when empty.
CREATE TABLE version_metadata (
    version_row INTEGER PRIMARY KEY REFERENCES versions,
    document    TEXT NOT NULL
);

-- Borders by country and the day from which they hold. A change of a border is
-- a new row.
CREATE TABLE countries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL,
    fips       TEXT NOT NULL DEFAULT '',
    gmi        TEXT NOT NULL DEFAULT '',
    iso2       TEXT NOT NULL DEFAULT '',
    iso3       TEXT NOT NULL,
    iso_num    INTEGER NOT NULL DEFAULT 0,
    border     TEXT NOT NULL, -- GeoJSON geometry
    effective  INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (name, effective)
);

-- The countries of versions. modified_at and workspace_id are the version's own,
-- so that a page in the default order is read from here.
CREATE TABLE version_countries (
    iso3        TEXT NOT NULL,
    modified_at INTEGER NOT NULL,
    version_row INTEGER NOT NULL REFERENCES versions,
    workspace_id INTEGER NOT NULL,
    PRIMARY KEY (iso3, modified_at, version_row)
) WITHOUT ROWID;
CREATE INDEX version_countries_version ON version_countries (version_row);

-- What caused something: type and description as Scale has them.
CREATE TABLE trigger_events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    type        TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '{}',
    occurred_at INTEGER NOT NULL
);

CREATE TABLE job_types (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id          INTEGER NOT NULL REFERENCES organisations,
    name            TEXT NOT NULL,
    version         TEXT NOT NULL,
    title           TEXT NOT NULL DEFAULT '',
    description     TEXT NOT NULL DEFAULT '',
    is_system       INTEGER NOT NULL DEFAULT 0,
    is_active       INTEGER NOT NULL DEFAULT 1,
    is_paused       INTEGER NOT NULL DEFAULT 0,
    is_published    INTEGER NOT NULL DEFAULT 1,
    icon_code       TEXT,
    unmet_resources TEXT,
    max_tries       INTEGER NOT NULL DEFAULT 1,
    revision_num    INTEGER NOT NULL DEFAULT 1,
    created_at      INTEGER NOT NULL,
    deprecated_at   INTEGER,
    modified_at     INTEGER NOT NULL,
    UNIQUE (org_id, name, version)
);

-- Revisions of job types and of recipe types: the manifest or the definition
-- as it was then, a JSON object.
CREATE TABLE job_type_revisions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    job_type_id  INTEGER NOT NULL REFERENCES job_types,
    revision_num INTEGER NOT NULL,
    manifest     TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    UNIQUE (job_type_id, revision_num)
);

CREATE TABLE recipe_types (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id        INTEGER NOT NULL REFERENCES organisations,
    name          TEXT NOT NULL,
    title         TEXT NOT NULL DEFAULT '',
    description   TEXT NOT NULL DEFAULT '',
    is_system     INTEGER NOT NULL DEFAULT 0,
    is_active     INTEGER NOT NULL DEFAULT 1,
    revision_num  INTEGER NOT NULL DEFAULT 1,
    created_at    INTEGER NOT NULL,
    deprecated_at INTEGER,
    modified_at   INTEGER NOT NULL,
    UNIQUE (org_id, name)
);

CREATE TABLE recipe_type_revisions (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe_type_id INTEGER NOT NULL REFERENCES recipe_types,
    revision_num   INTEGER NOT NULL,
    definition     TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    UNIQUE (recipe_type_id, revision_num)
);

CREATE TABLE batches (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id              INTEGER NOT NULL REFERENCES organisations,
    workspace_id        INTEGER REFERENCES workspaces, -- in which it was recorded
    batch_key           TEXT,                          -- the caller's own id
    request_hash        BLOB,                          -- tells a repeat of it from another
    title               TEXT NOT NULL DEFAULT '',
    description         TEXT NOT NULL DEFAULT '',
    recipe_type_id      INTEGER REFERENCES recipe_types,
    recipe_type_rev     INTEGER,
    event_id            INTEGER REFERENCES trigger_events,
    definition          TEXT NOT NULL DEFAULT '{}',
    configuration       TEXT NOT NULL DEFAULT '{}',
    is_creation_done    INTEGER NOT NULL DEFAULT 1,
    root_batch_id       INTEGER REFERENCES batches,
    superseded_batch_id INTEGER REFERENCES batches,
    superseded_at       INTEGER,
    recipes_estimated   INTEGER NOT NULL DEFAULT 0,
    created_at          INTEGER NOT NULL,
    modified_at         INTEGER NOT NULL,
    UNIQUE (workspace_id, batch_key)
);

-- One run of a recipe type. recipe_id is the recipe that contains it as a
-- sub-recipe.
CREATE TABLE recipes (
    id                        INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id              INTEGER NOT NULL REFERENCES workspaces, -- in which it was recorded
    recipe_key                TEXT,                                   -- the caller's own id
    request_hash              BLOB,                                  -- tells a repeat of it from another
    recipe_type_id            INTEGER NOT NULL REFERENCES recipe_types,
    recipe_type_rev           INTEGER NOT NULL DEFAULT 1,
    event_id                  INTEGER REFERENCES trigger_events,
    ingest_event_id           INTEGER,
    batch_id                  INTEGER REFERENCES batches,
    recipe_id                 INTEGER REFERENCES recipes,
    root_recipe_id            INTEGER REFERENCES recipes,
    superseded_recipe_id      INTEGER UNIQUE REFERENCES recipes,
    root_superseded_recipe_id INTEGER REFERENCES recipes,
    superseded_at             INTEGER,
    input                     TEXT NOT NULL DEFAULT '{}',
    input_size                INTEGER NOT NULL DEFAULT 0, -- bytes
    source_started            INTEGER,
    source_ended              INTEGER,
    source_sensor_class       TEXT,
    source_sensor             TEXT,
    source_collection         TEXT,
    source_task               TEXT,
    completed_at              INTEGER,
    created_at                INTEGER NOT NULL,
    modified_at               INTEGER NOT NULL,
    UNIQUE (workspace_id, recipe_key)
);
CREATE INDEX recipes_modified ON recipes (modified_at, id);
CREATE INDEX recipes_workspace ON recipes (workspace_id, modified_at, id);
CREATE INDEX recipes_type ON recipes (recipe_type_id, modified_at, id);
CREATE INDEX recipes_batch ON recipes (batch_id, modified_at, id) WHERE batch_id IS NOT NULL;
CREATE INDEX recipes_parent ON recipes (recipe_id) WHERE recipe_id IS NOT NULL;
CREATE INDEX recipes_root ON recipes (root_recipe_id) WHERE root_recipe_id IS NOT NULL;

-- One requested run of a job type, with its tries in job_exes. recipe_id is the
-- recipe in which it is original.
CREATE TABLE jobs (
    id                     INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id           INTEGER NOT NULL REFERENCES workspaces, -- in which it was recorded
    run_key                TEXT,                                   -- the caller's own id
    request_hash           BLOB,                                   -- tells a repeat of it from another
    job_type_id            INTEGER NOT NULL REFERENCES job_types,
    job_type_rev           INTEGER NOT NULL DEFAULT 1,
    status                 TEXT NOT NULL CHECK (status IN ('PENDING', 'BLOCKED', 'QUEUED', 'RUNNING', 'FAILED', 'COMPLETED', 'CANCELED')),
    event_id               INTEGER REFERENCES trigger_events,
    ingest_event_id        INTEGER,
    recipe_id              INTEGER REFERENCES recipes,
    recipe_node            TEXT,
    root_recipe_id         INTEGER REFERENCES recipes,
    batch_id               INTEGER REFERENCES batches,
    superseded_job_id      INTEGER UNIQUE REFERENCES jobs,
    root_superseded_job_id INTEGER REFERENCES jobs,
    superseded_at          INTEGER,
    node                   TEXT,
    error                  TEXT, -- JSON object
    max_tries              INTEGER NOT NULL DEFAULT 1,
    num_exes               INTEGER NOT NULL DEFAULT 0,
    priority               INTEGER NOT NULL DEFAULT 100,
    input                  TEXT NOT NULL DEFAULT '{}', -- names to values that are no files
    input_size             INTEGER NOT NULL DEFAULT 0, -- bytes
    configuration          TEXT NOT NULL DEFAULT '{}',
    facets                 TEXT NOT NULL DEFAULT '{}', -- what a recorder said beyond our words
    source_started         INTEGER,
    source_ended           INTEGER,
    source_sensor_class    TEXT,
    source_sensor          TEXT,
    source_collection      TEXT,
    source_task            TEXT,
    created_at             INTEGER NOT NULL,
    queued_at              INTEGER,
    started_at             INTEGER,
    ended_at               INTEGER,
    status_at              INTEGER NOT NULL,
    published_at           INTEGER,
    modified_at            INTEGER NOT NULL,
    UNIQUE (workspace_id, run_key)
);
CREATE INDEX jobs_modified ON jobs (modified_at, id);
CREATE INDEX jobs_workspace ON jobs (workspace_id, modified_at, id);
CREATE INDEX jobs_status ON jobs (status, modified_at, id);
CREATE INDEX jobs_status_at ON jobs (status, status_at);
CREATE INDEX jobs_type ON jobs (job_type_id, modified_at, id);
CREATE INDEX jobs_recipe ON jobs (recipe_id) WHERE recipe_id IS NOT NULL;
CREATE INDEX jobs_batch ON jobs (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_root ON jobs (root_superseded_job_id) WHERE root_superseded_job_id IS NOT NULL;

CREATE TABLE job_exes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id     INTEGER NOT NULL REFERENCES jobs,
    exe_num    INTEGER NOT NULL,
    exe_key    TEXT, -- the caller's own id
    timeout    INTEGER NOT NULL DEFAULT 0,
    resources  TEXT NOT NULL DEFAULT '{}',
    node       TEXT,
    queued_at  INTEGER,
    started_at INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (job_id, exe_num)
);

-- How a try ended, and what it put out: documents as recorded.
CREATE TABLE job_exe_ends (
    job_exe_id INTEGER PRIMARY KEY REFERENCES job_exes,
    status     TEXT NOT NULL CHECK (status IN ('COMPLETED', 'FAILED', 'CANCELED')),
    exit_code  INTEGER,
    error      TEXT, -- JSON object
    document   TEXT NOT NULL DEFAULT '{}',
    ended_at   INTEGER NOT NULL
);
CREATE TABLE job_exe_outputs (
    job_exe_id INTEGER PRIMARY KEY REFERENCES job_exes,
    document   TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL
);

-- Progress of a try.
CREATE TABLE task_updates (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    job_exe_id INTEGER NOT NULL REFERENCES job_exes,
    task_id    TEXT NOT NULL DEFAULT '',
    status     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    document   TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX task_updates_exe ON task_updates (job_exe_id, id);

-- Runs that are accepted and have not started.
CREATE TABLE queue (
    job_id    INTEGER PRIMARY KEY REFERENCES jobs,
    priority  INTEGER NOT NULL DEFAULT 100,
    queued_at INTEGER NOT NULL
);

-- Inputs: what a run, or a recipe, read. A version can be read under several
-- names.
CREATE TABLE job_inputs (
    job_id      INTEGER NOT NULL REFERENCES jobs,
    input_name  TEXT NOT NULL,
    version_row INTEGER NOT NULL REFERENCES versions,
    PRIMARY KEY (job_id, input_name, version_row)
) WITHOUT ROWID;
CREATE INDEX job_inputs_version ON job_inputs (version_row, job_id);
CREATE TABLE recipe_inputs (
    recipe_id   INTEGER NOT NULL REFERENCES recipes,
    input_name  TEXT NOT NULL,
    version_row INTEGER NOT NULL REFERENCES versions,
    PRIMARY KEY (recipe_id, input_name, version_row)
) WITHOUT ROWID;
CREATE INDEX recipe_inputs_version ON recipe_inputs (version_row, recipe_id);

-- A run can put out a version that another source of the catalogue made, such
-- as one that was uploaded: those that it made itself name it in their row.
CREATE TABLE job_outputs (
    job_id      INTEGER NOT NULL REFERENCES jobs,
    output_name TEXT NOT NULL,
    version_row INTEGER NOT NULL REFERENCES versions,
    PRIMARY KEY (job_id, output_name, version_row)
) WITHOUT ROWID;
CREATE INDEX job_outputs_version ON job_outputs (version_row, job_id);

CREATE TABLE recipe_conditions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe_id    INTEGER NOT NULL REFERENCES recipes,
    is_processed INTEGER NOT NULL DEFAULT 0,
    is_accepted  INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    processed_at INTEGER
);
-- Nodes of recipes: one of job, sub-recipe and condition. One that was carried
-- over from a superseded recipe is not original.
CREATE TABLE recipe_nodes (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe_id     INTEGER NOT NULL REFERENCES recipes,
    node_name     TEXT NOT NULL,
    is_original   INTEGER NOT NULL DEFAULT 1,
    job_id        INTEGER REFERENCES jobs,
    sub_recipe_id INTEGER REFERENCES recipes,
    condition_id  INTEGER REFERENCES recipe_conditions,
    UNIQUE (recipe_id, node_name)
);
CREATE INDEX recipe_nodes_job ON recipe_nodes (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX recipe_nodes_sub ON recipe_nodes (sub_recipe_id) WHERE sub_recipe_id IS NOT NULL;

-- Source ancestors of products; the descendant is NULL while the run has put
-- out nothing.
CREATE TABLE ancestry (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    ancestor_id   INTEGER NOT NULL REFERENCES versions,
    descendant_id INTEGER REFERENCES versions,
    job_id        INTEGER NOT NULL REFERENCES jobs,
    job_exe_id    INTEGER REFERENCES job_exes,
    recipe_id     INTEGER REFERENCES recipes,
    batch_id      INTEGER REFERENCES batches
);
CREATE INDEX ancestry_ancestor ON ancestry (ancestor_id, descendant_id);
CREATE INDEX ancestry_descendant ON ancestry (descendant_id, ancestor_id) WHERE descendant_id IS NOT NULL;
CREATE INDEX ancestry_job ON ancestry (job_id);

-- Data sets of other systems that runs have read or written.
CREATE TABLE datasets (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id     INTEGER NOT NULL REFERENCES organisations,
    identity   BLOB NOT NULL, -- SHA-256 of namespace, name and version
    namespace  TEXT NOT NULL,
    name       TEXT NOT NULL,
    version    TEXT NOT NULL DEFAULT '',
    facets     TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    UNIQUE (org_id, identity)
);
CREATE TABLE job_datasets (
    job_id     INTEGER NOT NULL REFERENCES jobs,
    direction  TEXT NOT NULL CHECK (direction IN ('input', 'output')),
    dataset_id INTEGER NOT NULL REFERENCES datasets,
    facets     TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (job_id, direction, dataset_id)
) WITHOUT ROWID;
CREATE INDEX job_datasets_dataset ON job_datasets (dataset_id, job_id);

-- Runs of which lineage events tell. The state is the sum of the events. No job
-- is there while no event says in which workspace; until then the run is known
-- by who sent its first event.
CREATE TABLE lineage_runs (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id  INTEGER NOT NULL REFERENCES organisations,
    run_id  TEXT NOT NULL,
    sent_by INTEGER NOT NULL REFERENCES people,
    job_id  INTEGER REFERENCES jobs,
    state   TEXT NOT NULL DEFAULT '{}',
    UNIQUE (org_id, run_id, sent_by)
);
CREATE INDEX lineage_runs_job ON lineage_runs (job_id) WHERE job_id IS NOT NULL;

-- Lineage events as they came, so that nothing in them is lost. The hash tells
-- a repeat. Those that tell of no run have none.
CREATE TABLE lineage_events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id      INTEGER NOT NULL REFERENCES organisations,
    lineage_run INTEGER REFERENCES lineage_runs,
    sent_by     INTEGER NOT NULL REFERENCES people,
    event_type  TEXT NOT NULL,
    event_at    INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    document    TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (org_id, hash)
);
CREATE INDEX lineage_events_run ON lineage_events (lineage_run, id) WHERE lineage_run IS NOT NULL;

-- Watchers and one-shot walks. Secrets in the configurations are sealed.
CREATE TABLE strikes (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id        INTEGER NOT NULL REFERENCES organisations,
    workspace_id  INTEGER NOT NULL REFERENCES workspaces,
    name          TEXT NOT NULL,
    title         TEXT NOT NULL DEFAULT '',
    description   TEXT NOT NULL DEFAULT '',
    configuration TEXT NOT NULL,
    job_id        INTEGER REFERENCES jobs,
    created_by    INTEGER REFERENCES people,
    created_at    INTEGER NOT NULL,
    modified_at   INTEGER NOT NULL,
    UNIQUE (org_id, name)
);
CREATE TABLE scans (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id         INTEGER NOT NULL REFERENCES organisations,
    workspace_id   INTEGER NOT NULL REFERENCES workspaces,
    name           TEXT NOT NULL,
    title          TEXT NOT NULL DEFAULT '',
    description    TEXT NOT NULL DEFAULT '',
    configuration  TEXT NOT NULL,
    job_id         INTEGER REFERENCES jobs,
    dry_run_job_id INTEGER REFERENCES jobs,
    file_count     INTEGER NOT NULL DEFAULT 0,
    cursor         TEXT NOT NULL DEFAULT '', -- how far the walk has come
    created_by     INTEGER REFERENCES people,
    created_at     INTEGER NOT NULL,
    modified_at    INTEGER NOT NULL,
    UNIQUE (org_id, name)
);

-- One arrival of one file. place is the hash of its path in the workspace.
CREATE TABLE ingests (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    file_name         TEXT NOT NULL,
    strike_id         INTEGER REFERENCES strikes,
    scan_id           INTEGER REFERENCES scans,
    job_id            INTEGER REFERENCES jobs,
    status            TEXT NOT NULL CHECK (status IN ('TRANSFERRING', 'TRANSFERRED', 'DEFERRED', 'QUEUED', 'INGESTING', 'INGESTED', 'ERRORED', 'DUPLICATE')),
    reason            TEXT NOT NULL DEFAULT '', -- why ERRORED, DEFERRED or DUPLICATE
    attempts          INTEGER NOT NULL DEFAULT 0,
    bytes_transferred INTEGER,
    transfer_started  INTEGER,
    transfer_ended    INTEGER,
    media_type        TEXT NOT NULL DEFAULT '',
    file_size         INTEGER,
    tags              TEXT NOT NULL DEFAULT '[]',
    workspace_id      INTEGER NOT NULL REFERENCES workspaces,
    file_path         TEXT NOT NULL DEFAULT '',
    place             BLOB,
    place_modified    INTEGER,
    place_etag        TEXT NOT NULL DEFAULT '',
    new_workspace_id  INTEGER REFERENCES workspaces,
    new_file_path     TEXT NOT NULL DEFAULT '',
    moving            INTEGER NOT NULL DEFAULT 0, -- to new_file_path, or moved
    ingest_started    INTEGER,
    ingest_ended      INTEGER,
    version_row       INTEGER REFERENCES versions, -- the source file
    data_started      INTEGER,
    data_ended        INTEGER,
    run_at            INTEGER NOT NULL DEFAULT 0, -- not before; while INGESTING, when its lease ends
    holder            TEXT NOT NULL DEFAULT '', -- of the lease
    created_at        INTEGER NOT NULL,
    modified_at       INTEGER NOT NULL
);
CREATE INDEX ingests_modified ON ingests (modified_at, id);
CREATE INDEX ingests_strike ON ingests (strike_id, modified_at, id) WHERE strike_id IS NOT NULL;
CREATE INDEX ingests_scan ON ingests (scan_id, modified_at, id) WHERE scan_id IS NOT NULL;
CREATE INDEX ingests_status ON ingests (status, modified_at, id);
CREATE INDEX ingests_version ON ingests (version_row) WHERE version_row IS NOT NULL;
CREATE INDEX ingests_place ON ingests (workspace_id, place, id) WHERE place IS NOT NULL;
CREATE INDEX ingests_moving ON ingests (strike_id, id) WHERE status IN ('TRANSFERRING', 'TRANSFERRED');
CREATE INDEX ingests_ended ON ingests (ingest_ended) WHERE status = 'INGESTED' AND strike_id IS NOT NULL;
CREATE INDEX ingests_data ON ingests (data_ended) WHERE status = 'INGESTED' AND strike_id IS NOT NULL;
CREATE INDEX ingests_open ON ingests (run_at, id) WHERE status IN ('QUEUED', 'INGESTING');

-- What ties an ingest to the recipe or run that it started.
CREATE TABLE ingest_events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    ingest_id   INTEGER REFERENCES ingests,
    strike_id   INTEGER REFERENCES strikes,
    scan_id     INTEGER REFERENCES scans,
    type        TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '{}',
    occurred_at INTEGER NOT NULL
);
CREATE INDEX ingest_events_ingest ON ingest_events (ingest_id) WHERE ingest_id IS NOT NULL;

-- What was there before: every version is an entry, of its file's workspace.
UPDATE versions SET modified_at = max(created_at, COALESCE(superseded_at, 0)),
    workspace_id = (SELECT workspace_id FROM files f WHERE f.id = versions.file_id),
    deleted_at = (SELECT deleted_at FROM files f WHERE f.id = versions.file_id),
    -- The base name: what follows the last slash.
    file_name = substr(storage_path, length(rtrim(storage_path, replace(storage_path, '/', ''))) + 1),
    media_type = CASE content_type WHEN '' THEN 'application/octet-stream' ELSE content_type END;
UPDATE versions SET name_key = COALESCE((SELECT f.name_key FROM files f WHERE f.id = versions.file_id AND f.path = versions.storage_path), lower(file_name));
UPDATE workspaces SET entries = (SELECT count(*) FROM versions v WHERE v.workspace_id = workspaces.id);

-- +goose Down
SELECT 1;
