-- +goose Up
-- What must not be removed, what must not be relied on, and how long what was
-- deleted is kept. Times and UUIDs as in the foundation.

-- Holds on a version, on a file (version_row NULL), or on a workspace (file_id
-- NULL too). They outlast what they were on, once they are lifted.
CREATE TABLE holds (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces,
    file_id      INTEGER,
    file_uuid    TEXT,
    version_row  INTEGER,
    direction    TEXT NOT NULL DEFAULT '' CHECK (direction IN ('', 'up', 'down', 'both')), -- in which a version's lineage is held too
    reason       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   INTEGER REFERENCES people,
    until_at     INTEGER,
    lifted_at    INTEGER,
    lifted_by    INTEGER REFERENCES people
);
CREATE INDEX holds_workspace ON holds (workspace_id, id);
CREATE INDEX holds_file ON holds (file_id) WHERE lifted_at IS NULL AND file_id IS NOT NULL;
CREATE INDEX holds_lineage ON holds (version_row) WHERE lifted_at IS NULL AND direction <> '';

-- What the lineage holds reach while a purge's set is looked at; empty otherwise.
-- Kinds are 0 version, 1 run, 2 data set.
CREATE TABLE hold_reach (
    purge_id INTEGER NOT NULL REFERENCES purges,
    kind     INTEGER NOT NULL,
    item_id  INTEGER NOT NULL,
    depth    INTEGER NOT NULL,
    hold_id  INTEGER NOT NULL,
    PRIMARY KEY (purge_id, kind, item_id)
) WITHOUT ROWID;
CREATE INDEX hold_reach_depth ON hold_reach (purge_id, depth, kind);

-- Versions that must not be relied on. What comes from them is not marked: it
-- is found by lineage.
CREATE TABLE distrust (
    version_row INTEGER NOT NULL PRIMARY KEY REFERENCES versions ON DELETE CASCADE,
    reason      TEXT NOT NULL,
    marked_at   INTEGER NOT NULL,
    marked_by   INTEGER REFERENCES people
);

-- How many seconds deleted files are kept; NULL is for ever.
ALTER TABLE workspaces ADD COLUMN retention INTEGER;

-- +goose Down
SELECT 1;
