-- +goose Up
-- The catalogue: each version is one entry, with where, when, by which sensor,
-- and what it was made from. Times, UUIDs and *_key as in the foundation.
-- NULL is "no value" everywhere.

ALTER TABLE workspaces ADD COLUMN base_url TEXT COLLATE "C" NOT NULL DEFAULT '';
-- Where the workspace's folders lie: NULL is Coreshed's own store alone. The
-- configuration is JSON; its secrets are sealed.
ALTER TABLE workspaces ADD COLUMN broker TEXT COLLATE "C";
ALTER TABLE workspaces ADD COLUMN configuration TEXT COLLATE "C";
ALTER TABLE workspaces ADD COLUMN entries BIGINT NOT NULL DEFAULT 0;

-- Keys that secrets of brokers are sealed with.
CREATE TABLE sealing_keys (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    material   BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

-- Files that are the products of runs are found by product key.
ALTER TABLE files ADD COLUMN product_key TEXT COLLATE "C";
CREATE INDEX files_product ON files (workspace_id, product_key) WHERE product_key IS NOT NULL;
-- The file of an output that was never published reserves no address.
DROP INDEX files_reserved;
CREATE UNIQUE INDEX files_reserved ON files (workspace_id, address)
    WHERE deleted_at IS NULL AND current_id IS NULL AND product_key IS NULL;

ALTER TABLE versions ADD COLUMN workspace_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN file_type TEXT COLLATE "C" NOT NULL DEFAULT 'SOURCE' CHECK (file_type IN ('SOURCE', 'PRODUCT'));
ALTER TABLE versions ADD COLUMN file_name TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN media_type TEXT COLLATE "C" NOT NULL DEFAULT 'application/octet-stream';
ALTER TABLE versions ADD COLUMN product_key TEXT COLLATE "C"; -- Scale's uuid, 32 hex characters
ALTER TABLE versions ADD COLUMN modified_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN deleted_at BIGINT; -- with its file
ALTER TABLE versions ADD COLUMN published_at BIGINT; -- ever
ALTER TABLE versions ADD COLUMN unpublished_at BIGINT;
ALTER TABLE versions ADD COLUMN parsed_at BIGINT;
-- What describes it. Tags are a JSON array, countries ISO3 codes joined by
-- blanks in order, geometries WKT in lon/lat.
ALTER TABLE versions ADD COLUMN tags TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE versions ADD COLUMN countries TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN geometry TEXT COLLATE "C";
ALTER TABLE versions ADD COLUMN center_point TEXT COLLATE "C";
ALTER TABLE versions ADD COLUMN data_started BIGINT;
ALTER TABLE versions ADD COLUMN data_ended BIGINT;
ALTER TABLE versions ADD COLUMN source_started BIGINT;
ALTER TABLE versions ADD COLUMN source_ended BIGINT;
ALTER TABLE versions ADD COLUMN source_sensor_class TEXT COLLATE "C";
ALTER TABLE versions ADD COLUMN source_sensor TEXT COLLATE "C";
ALTER TABLE versions ADD COLUMN source_collection TEXT COLLATE "C";
ALTER TABLE versions ADD COLUMN source_task TEXT COLLATE "C";
-- The run that made it; NULL for sources.
ALTER TABLE versions ADD COLUMN job_id BIGINT;
ALTER TABLE versions ADD COLUMN job_exe_id BIGINT;
ALTER TABLE versions ADD COLUMN job_type_id BIGINT;
ALTER TABLE versions ADD COLUMN job_output TEXT COLLATE "C";
ALTER TABLE versions ADD COLUMN recipe_id BIGINT;
ALTER TABLE versions ADD COLUMN recipe_type_id BIGINT;
ALTER TABLE versions ADD COLUMN recipe_node TEXT COLLATE "C";
ALTER TABLE versions ADD COLUMN batch_id BIGINT;
-- What a run makes is held back, none of its file's versions yet, until it is
-- published; then it joins them at that time, and else when it was created.
ALTER TABLE versions ADD COLUMN held BIGINT NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN joined_at BIGINT;
CREATE INDEX versions_product ON versions (product_key) WHERE product_key IS NOT NULL;
-- Of bytes that lie in the workspace's broker, at storage_path: a hash of that
-- path to find it by, what was there when it was registered, and whether
-- Coreshed put the bytes there itself.
ALTER TABLE versions ADD COLUMN place BYTEA;
ALTER TABLE versions ADD COLUMN place_modified BIGINT; -- nanoseconds
ALTER TABLE versions ADD COLUMN place_etag TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN owned BIGINT NOT NULL DEFAULT 1;
-- What work in the background looks for.
DROP INDEX versions_unhashed;
CREATE INDEX versions_unhashed ON versions (id) WHERE md5 IS NULL AND state IN ('kept', 'in place');
CREATE INDEX versions_lost ON versions (id) WHERE place IS NOT NULL AND state IN ('missing', 'changed outside');
CREATE INDEX versions_place ON versions (workspace_id, place, id) WHERE place IS NOT NULL;
-- What an arrival could be a duplicate of.
CREATE INDEX versions_repeated ON versions (file_name, size) WHERE file_type = 'SOURCE';

-- Uploads of what runs make: the try, the output's name, and what the version
-- will have as storage path and media type.
ALTER TABLE uploads ADD COLUMN job_exe_id BIGINT;
ALTER TABLE uploads ADD COLUMN output_name TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE uploads ADD COLUMN output_path TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE uploads ADD COLUMN output_media TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX uploads_exe ON uploads (job_exe_id) WHERE job_exe_id IS NOT NULL;

-- The metadata document of a version, a JSON object; absent when empty.
CREATE TABLE version_metadata (
    version_row BIGINT PRIMARY KEY REFERENCES versions,
    document    TEXT COLLATE "C" NOT NULL
);

-- Borders by country and the day from which they hold. A change of a border is
-- a new row.
CREATE TABLE countries (
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    fips       TEXT COLLATE "C" NOT NULL DEFAULT '',
    gmi        TEXT COLLATE "C" NOT NULL DEFAULT '',
    iso2       TEXT COLLATE "C" NOT NULL DEFAULT '',
    iso3       TEXT COLLATE "C" NOT NULL,
    iso_num    BIGINT NOT NULL DEFAULT 0,
    border     TEXT COLLATE "C" NOT NULL, -- GeoJSON geometry
    effective  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (name, effective)
);

-- The countries of versions. modified_at and workspace_id are the version's own,
-- so that a page in the default order is read from here.
CREATE TABLE version_countries (
    iso3        TEXT COLLATE "C" NOT NULL,
    modified_at BIGINT NOT NULL,
    version_row BIGINT NOT NULL REFERENCES versions,
    workspace_id BIGINT NOT NULL,
    PRIMARY KEY (iso3, modified_at, version_row)
);
CREATE INDEX version_countries_version ON version_countries (version_row);

-- What caused something: type and description as Scale has them.
CREATE TABLE trigger_events (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    type        TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    occurred_at BIGINT NOT NULL
);

CREATE TABLE job_types (
    id              BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    org_id          BIGINT NOT NULL REFERENCES organisations,
    name            TEXT COLLATE "C" NOT NULL,
    version         TEXT COLLATE "C" NOT NULL,
    title           TEXT COLLATE "C" NOT NULL DEFAULT '',
    description     TEXT COLLATE "C" NOT NULL DEFAULT '',
    is_system       BIGINT NOT NULL DEFAULT 0,
    is_active       BIGINT NOT NULL DEFAULT 1,
    is_paused       BIGINT NOT NULL DEFAULT 0,
    is_published    BIGINT NOT NULL DEFAULT 1,
    icon_code       TEXT COLLATE "C",
    unmet_resources TEXT COLLATE "C",
    max_tries       BIGINT NOT NULL DEFAULT 1,
    revision_num    BIGINT NOT NULL DEFAULT 1,
    created_at      BIGINT NOT NULL,
    deprecated_at   BIGINT,
    modified_at     BIGINT NOT NULL,
    UNIQUE (org_id, name, version)
);

-- Revisions of job types and of recipe types: the manifest or the definition
-- as it was then, a JSON object.
CREATE TABLE job_type_revisions (
    id           BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job_type_id  BIGINT NOT NULL REFERENCES job_types,
    revision_num BIGINT NOT NULL,
    manifest     TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    UNIQUE (job_type_id, revision_num)
);

CREATE TABLE recipe_types (
    id            BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    org_id        BIGINT NOT NULL REFERENCES organisations,
    name          TEXT COLLATE "C" NOT NULL,
    title         TEXT COLLATE "C" NOT NULL DEFAULT '',
    description   TEXT COLLATE "C" NOT NULL DEFAULT '',
    is_system     BIGINT NOT NULL DEFAULT 0,
    is_active     BIGINT NOT NULL DEFAULT 1,
    revision_num  BIGINT NOT NULL DEFAULT 1,
    created_at    BIGINT NOT NULL,
    deprecated_at BIGINT,
    modified_at   BIGINT NOT NULL,
    UNIQUE (org_id, name)
);

CREATE TABLE recipe_type_revisions (
    id             BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    recipe_type_id BIGINT NOT NULL REFERENCES recipe_types,
    revision_num   BIGINT NOT NULL,
    definition     TEXT COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    UNIQUE (recipe_type_id, revision_num)
);

CREATE TABLE batches (
    id                  BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    org_id              BIGINT NOT NULL REFERENCES organisations,
    workspace_id        BIGINT REFERENCES workspaces, -- in which it was recorded
    batch_key           TEXT COLLATE "C",                          -- the caller's own id
    request_hash        BYTEA,                          -- tells a repeat of it from another
    title               TEXT COLLATE "C" NOT NULL DEFAULT '',
    description         TEXT COLLATE "C" NOT NULL DEFAULT '',
    recipe_type_id      BIGINT REFERENCES recipe_types,
    recipe_type_rev     BIGINT,
    event_id            BIGINT REFERENCES trigger_events,
    definition          TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    configuration       TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    is_creation_done    BIGINT NOT NULL DEFAULT 1,
    root_batch_id       BIGINT REFERENCES batches,
    superseded_batch_id BIGINT REFERENCES batches,
    superseded_at       BIGINT,
    recipes_estimated   BIGINT NOT NULL DEFAULT 0,
    created_at          BIGINT NOT NULL,
    modified_at         BIGINT NOT NULL,
    UNIQUE (workspace_id, batch_key)
);

-- One run of a recipe type. recipe_id is the recipe that contains it as a
-- sub-recipe.
CREATE TABLE recipes (
    id                        BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    workspace_id              BIGINT NOT NULL REFERENCES workspaces, -- in which it was recorded
    recipe_key                TEXT COLLATE "C",                                   -- the caller's own id
    request_hash              BYTEA,                                  -- tells a repeat of it from another
    recipe_type_id            BIGINT NOT NULL REFERENCES recipe_types,
    recipe_type_rev           BIGINT NOT NULL DEFAULT 1,
    event_id                  BIGINT REFERENCES trigger_events,
    ingest_event_id           BIGINT,
    batch_id                  BIGINT REFERENCES batches,
    recipe_id                 BIGINT REFERENCES recipes,
    root_recipe_id            BIGINT REFERENCES recipes,
    superseded_recipe_id      BIGINT UNIQUE REFERENCES recipes,
    root_superseded_recipe_id BIGINT REFERENCES recipes,
    superseded_at             BIGINT,
    input                     TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    input_size                BIGINT NOT NULL DEFAULT 0, -- bytes
    source_started            BIGINT,
    source_ended              BIGINT,
    source_sensor_class       TEXT COLLATE "C",
    source_sensor             TEXT COLLATE "C",
    source_collection         TEXT COLLATE "C",
    source_task               TEXT COLLATE "C",
    completed_at              BIGINT,
    created_at                BIGINT NOT NULL,
    modified_at               BIGINT NOT NULL,
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
    id                     BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    workspace_id           BIGINT NOT NULL REFERENCES workspaces, -- in which it was recorded
    run_key                TEXT COLLATE "C",                                   -- the caller's own id
    request_hash           BYTEA,                                   -- tells a repeat of it from another
    job_type_id            BIGINT NOT NULL REFERENCES job_types,
    job_type_rev           BIGINT NOT NULL DEFAULT 1,
    status                 TEXT COLLATE "C" NOT NULL CHECK (status IN ('PENDING', 'BLOCKED', 'QUEUED', 'RUNNING', 'FAILED', 'COMPLETED', 'CANCELED')),
    event_id               BIGINT REFERENCES trigger_events,
    ingest_event_id        BIGINT,
    recipe_id              BIGINT REFERENCES recipes,
    recipe_node            TEXT COLLATE "C",
    root_recipe_id         BIGINT REFERENCES recipes,
    batch_id               BIGINT REFERENCES batches,
    superseded_job_id      BIGINT UNIQUE REFERENCES jobs,
    root_superseded_job_id BIGINT REFERENCES jobs,
    superseded_at          BIGINT,
    node                   TEXT COLLATE "C",
    error                  TEXT COLLATE "C", -- JSON object
    max_tries              BIGINT NOT NULL DEFAULT 1,
    num_exes               BIGINT NOT NULL DEFAULT 0,
    priority               BIGINT NOT NULL DEFAULT 100,
    input                  TEXT COLLATE "C" NOT NULL DEFAULT '{}', -- names to values that are no files
    input_size             BIGINT NOT NULL DEFAULT 0, -- bytes
    configuration          TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    facets                 TEXT COLLATE "C" NOT NULL DEFAULT '{}', -- what a recorder said beyond our words
    source_started         BIGINT,
    source_ended           BIGINT,
    source_sensor_class    TEXT COLLATE "C",
    source_sensor          TEXT COLLATE "C",
    source_collection      TEXT COLLATE "C",
    source_task            TEXT COLLATE "C",
    created_at             BIGINT NOT NULL,
    queued_at              BIGINT,
    started_at             BIGINT,
    ended_at               BIGINT,
    status_at              BIGINT NOT NULL,
    published_at           BIGINT,
    modified_at            BIGINT NOT NULL,
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
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job_id     BIGINT NOT NULL REFERENCES jobs,
    exe_num    BIGINT NOT NULL,
    exe_key    TEXT COLLATE "C", -- the caller's own id
    timeout    BIGINT NOT NULL DEFAULT 0,
    resources  TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    node       TEXT COLLATE "C",
    queued_at  BIGINT,
    started_at BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (job_id, exe_num)
);

-- How a try ended, and what it put out: documents as recorded.
CREATE TABLE job_exe_ends (
    job_exe_id BIGINT PRIMARY KEY REFERENCES job_exes,
    status     TEXT COLLATE "C" NOT NULL CHECK (status IN ('COMPLETED', 'FAILED', 'CANCELED')),
    exit_code  BIGINT,
    error      TEXT COLLATE "C", -- JSON object
    document   TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    ended_at   BIGINT NOT NULL
);
CREATE TABLE job_exe_outputs (
    job_exe_id BIGINT PRIMARY KEY REFERENCES job_exes,
    document   TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    created_at BIGINT NOT NULL
);

-- Progress of a try.
CREATE TABLE task_updates (
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job_exe_id BIGINT NOT NULL REFERENCES job_exes,
    task_id    TEXT COLLATE "C" NOT NULL DEFAULT '',
    status     TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    document   TEXT COLLATE "C" NOT NULL DEFAULT '{}'
);
CREATE INDEX task_updates_exe ON task_updates (job_exe_id, id);

-- Runs that are accepted and have not started.
CREATE TABLE queue (
    job_id    BIGINT PRIMARY KEY REFERENCES jobs,
    priority  BIGINT NOT NULL DEFAULT 100,
    queued_at BIGINT NOT NULL
);

-- Inputs: what a run, or a recipe, read. A version can be read under several
-- names.
CREATE TABLE job_inputs (
    job_id      BIGINT NOT NULL REFERENCES jobs,
    input_name  TEXT COLLATE "C" NOT NULL,
    version_row BIGINT NOT NULL REFERENCES versions,
    PRIMARY KEY (job_id, input_name, version_row)
);
CREATE INDEX job_inputs_version ON job_inputs (version_row, job_id);
CREATE TABLE recipe_inputs (
    recipe_id   BIGINT NOT NULL REFERENCES recipes,
    input_name  TEXT COLLATE "C" NOT NULL,
    version_row BIGINT NOT NULL REFERENCES versions,
    PRIMARY KEY (recipe_id, input_name, version_row)
);
CREATE INDEX recipe_inputs_version ON recipe_inputs (version_row, recipe_id);

-- A run can put out a version that another source of the catalogue made, such
-- as one that was uploaded: those that it made itself name it in their row.
CREATE TABLE job_outputs (
    job_id      BIGINT NOT NULL REFERENCES jobs,
    output_name TEXT COLLATE "C" NOT NULL,
    version_row BIGINT NOT NULL REFERENCES versions,
    PRIMARY KEY (job_id, output_name, version_row)
);
CREATE INDEX job_outputs_version ON job_outputs (version_row, job_id);

CREATE TABLE recipe_conditions (
    id           BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    recipe_id    BIGINT NOT NULL REFERENCES recipes,
    is_processed BIGINT NOT NULL DEFAULT 0,
    is_accepted  BIGINT NOT NULL DEFAULT 0,
    created_at   BIGINT NOT NULL,
    processed_at BIGINT
);
-- Nodes of recipes: one of job, sub-recipe and condition. One that was carried
-- over from a superseded recipe is not original.
CREATE TABLE recipe_nodes (
    id            BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    recipe_id     BIGINT NOT NULL REFERENCES recipes,
    node_name     TEXT COLLATE "C" NOT NULL,
    is_original   BIGINT NOT NULL DEFAULT 1,
    job_id        BIGINT REFERENCES jobs,
    sub_recipe_id BIGINT REFERENCES recipes,
    condition_id  BIGINT REFERENCES recipe_conditions,
    UNIQUE (recipe_id, node_name)
);
CREATE INDEX recipe_nodes_job ON recipe_nodes (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX recipe_nodes_sub ON recipe_nodes (sub_recipe_id) WHERE sub_recipe_id IS NOT NULL;

-- Source ancestors of products; the descendant is NULL while the run has put
-- out nothing.
CREATE TABLE ancestry (
    id            BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    ancestor_id   BIGINT NOT NULL REFERENCES versions,
    descendant_id BIGINT REFERENCES versions,
    job_id        BIGINT NOT NULL REFERENCES jobs,
    job_exe_id    BIGINT REFERENCES job_exes,
    recipe_id     BIGINT REFERENCES recipes,
    batch_id      BIGINT REFERENCES batches
);
CREATE INDEX ancestry_ancestor ON ancestry (ancestor_id, descendant_id);
CREATE INDEX ancestry_descendant ON ancestry (descendant_id, ancestor_id) WHERE descendant_id IS NOT NULL;
CREATE INDEX ancestry_job ON ancestry (job_id);

-- Data sets of other systems that runs have read or written.
CREATE TABLE datasets (
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    org_id     BIGINT NOT NULL REFERENCES organisations,
    identity   BYTEA NOT NULL, -- SHA-256 of namespace, name and version
    namespace  TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    version    TEXT COLLATE "C" NOT NULL DEFAULT '',
    facets     TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    created_at BIGINT NOT NULL,
    UNIQUE (org_id, identity)
);
CREATE TABLE job_datasets (
    job_id     BIGINT NOT NULL REFERENCES jobs,
    direction  TEXT COLLATE "C" NOT NULL CHECK (direction IN ('input', 'output')),
    dataset_id BIGINT NOT NULL REFERENCES datasets,
    facets     TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    PRIMARY KEY (job_id, direction, dataset_id)
);
CREATE INDEX job_datasets_dataset ON job_datasets (dataset_id, job_id);

-- Runs of which lineage events tell. The state is the sum of the events. No job
-- is there while no event says in which workspace; until then the run is known
-- by who sent its first event.
CREATE TABLE lineage_runs (
    id      BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    org_id  BIGINT NOT NULL REFERENCES organisations,
    run_id  TEXT COLLATE "C" NOT NULL,
    sent_by BIGINT NOT NULL REFERENCES people,
    job_id  BIGINT REFERENCES jobs,
    state   TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    UNIQUE (org_id, run_id, sent_by)
);
CREATE INDEX lineage_runs_job ON lineage_runs (job_id) WHERE job_id IS NOT NULL;

-- Lineage events as they came, so that nothing in them is lost. The hash tells
-- a repeat. Those that tell of no run have none.
CREATE TABLE lineage_events (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    org_id      BIGINT NOT NULL REFERENCES organisations,
    lineage_run BIGINT REFERENCES lineage_runs,
    sent_by     BIGINT NOT NULL REFERENCES people,
    event_type  TEXT COLLATE "C" NOT NULL,
    event_at    BIGINT NOT NULL,
    hash        BYTEA NOT NULL,
    document    TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    UNIQUE (org_id, hash)
);
CREATE INDEX lineage_events_run ON lineage_events (lineage_run, id) WHERE lineage_run IS NOT NULL;

-- Watchers and one-shot walks. Secrets in the configurations are sealed.
CREATE TABLE strikes (
    id            BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    org_id        BIGINT NOT NULL REFERENCES organisations,
    workspace_id  BIGINT NOT NULL REFERENCES workspaces,
    name          TEXT COLLATE "C" NOT NULL,
    title         TEXT COLLATE "C" NOT NULL DEFAULT '',
    description   TEXT COLLATE "C" NOT NULL DEFAULT '',
    configuration TEXT COLLATE "C" NOT NULL,
    job_id        BIGINT REFERENCES jobs,
    created_by    BIGINT REFERENCES people,
    created_at    BIGINT NOT NULL,
    modified_at   BIGINT NOT NULL,
    UNIQUE (org_id, name)
);
CREATE TABLE scans (
    id             BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    org_id         BIGINT NOT NULL REFERENCES organisations,
    workspace_id   BIGINT NOT NULL REFERENCES workspaces,
    name           TEXT COLLATE "C" NOT NULL,
    title          TEXT COLLATE "C" NOT NULL DEFAULT '',
    description    TEXT COLLATE "C" NOT NULL DEFAULT '',
    configuration  TEXT COLLATE "C" NOT NULL,
    job_id         BIGINT REFERENCES jobs,
    dry_run_job_id BIGINT REFERENCES jobs,
    file_count     BIGINT NOT NULL DEFAULT 0,
    cursor         TEXT COLLATE "C" NOT NULL DEFAULT '', -- how far the walk has come
    created_by     BIGINT REFERENCES people,
    created_at     BIGINT NOT NULL,
    modified_at    BIGINT NOT NULL,
    UNIQUE (org_id, name)
);

-- One arrival of one file. place is the hash of its path in the workspace.
CREATE TABLE ingests (
    id                BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    file_name         TEXT COLLATE "C" NOT NULL,
    strike_id         BIGINT REFERENCES strikes,
    scan_id           BIGINT REFERENCES scans,
    job_id            BIGINT REFERENCES jobs,
    status            TEXT COLLATE "C" NOT NULL CHECK (status IN ('TRANSFERRING', 'TRANSFERRED', 'DEFERRED', 'QUEUED', 'INGESTING', 'INGESTED', 'ERRORED', 'DUPLICATE')),
    reason            TEXT COLLATE "C" NOT NULL DEFAULT '', -- why ERRORED, DEFERRED or DUPLICATE
    attempts          BIGINT NOT NULL DEFAULT 0,
    bytes_transferred BIGINT,
    transfer_started  BIGINT,
    transfer_ended    BIGINT,
    media_type        TEXT COLLATE "C" NOT NULL DEFAULT '',
    file_size         BIGINT,
    tags              TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    workspace_id      BIGINT NOT NULL REFERENCES workspaces,
    file_path         TEXT COLLATE "C" NOT NULL DEFAULT '',
    place             BYTEA,
    place_modified    BIGINT,
    place_etag        TEXT COLLATE "C" NOT NULL DEFAULT '',
    new_workspace_id  BIGINT REFERENCES workspaces,
    new_file_path     TEXT COLLATE "C" NOT NULL DEFAULT '',
    moving            BIGINT NOT NULL DEFAULT 0, -- to new_file_path, or moved
    ingest_started    BIGINT,
    ingest_ended      BIGINT,
    version_row       BIGINT REFERENCES versions, -- the source file
    data_started      BIGINT,
    data_ended        BIGINT,
    run_at            BIGINT NOT NULL DEFAULT 0, -- not before; while INGESTING, when its lease ends
    holder            TEXT COLLATE "C" NOT NULL DEFAULT '', -- of the lease
    created_at        BIGINT NOT NULL,
    modified_at       BIGINT NOT NULL
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
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    ingest_id   BIGINT REFERENCES ingests,
    strike_id   BIGINT REFERENCES strikes,
    scan_id     BIGINT REFERENCES scans,
    type        TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    occurred_at BIGINT NOT NULL
);
CREATE INDEX ingest_events_ingest ON ingest_events (ingest_id) WHERE ingest_id IS NOT NULL;

-- What was there before: every version is an entry, of its file's workspace.
UPDATE versions SET modified_at = greatest(created_at, COALESCE(superseded_at, 0)),
    workspace_id = (SELECT workspace_id FROM files f WHERE f.id = versions.file_id),
    deleted_at = (SELECT deleted_at FROM files f WHERE f.id = versions.file_id),
    -- The base name: what follows the last slash.
    file_name = substr(storage_path, length(rtrim(storage_path, replace(storage_path, '/', ''))) + 1),
    media_type = CASE content_type WHEN '' THEN 'application/octet-stream' ELSE content_type END;
UPDATE versions SET name_key = COALESCE((SELECT f.name_key FROM files f WHERE f.id = versions.file_id AND f.path = versions.storage_path), lower(file_name));
UPDATE workspaces SET entries = (SELECT count(*) FROM versions v WHERE v.workspace_id = workspaces.id);

-- +goose Down
SELECT 1;
