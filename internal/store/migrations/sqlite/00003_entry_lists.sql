-- +goose Up
-- The orders in which entries are listed. Each filter has an index in the
-- default order, which also has the workspace, so that what a caller may see is
-- counted and paged from the index alone.

CREATE INDEX entries_modified ON versions (modified_at, id, workspace_id);
CREATE INDEX entries_created ON versions (created_at, id, workspace_id);
CREATE INDEX entries_name ON versions (name_key, id, workspace_id);
CREATE INDEX entries_workspace ON versions (workspace_id, modified_at, id);
CREATE INDEX entries_type ON versions (file_type, modified_at, id, workspace_id);
CREATE INDEX entries_media ON versions (media_type, modified_at, id, workspace_id);
CREATE INDEX entries_class ON versions (source_sensor_class, modified_at, id, workspace_id, data_started, data_ended)
    WHERE source_sensor_class IS NOT NULL;
CREATE INDEX entries_sensor ON versions (source_sensor, modified_at, id, workspace_id, data_started, data_ended)
    WHERE source_sensor IS NOT NULL;
CREATE INDEX entries_collection ON versions (source_collection, modified_at, id, workspace_id, data_started, data_ended)
    WHERE source_collection IS NOT NULL;
CREATE INDEX entries_task ON versions (source_task, modified_at, id, workspace_id, data_started, data_ended)
    WHERE source_task IS NOT NULL;
CREATE INDEX entries_job ON versions (job_id, modified_at, id, workspace_id)
    WHERE job_id IS NOT NULL;
CREATE INDEX entries_job_type ON versions (job_type_id, modified_at, id, workspace_id)
    WHERE job_type_id IS NOT NULL;
CREATE INDEX entries_output ON versions (job_output, modified_at, id, workspace_id)
    WHERE job_output IS NOT NULL;
CREATE INDEX entries_recipe ON versions (recipe_id, modified_at, id, workspace_id)
    WHERE recipe_id IS NOT NULL;
CREATE INDEX entries_recipe_type ON versions (recipe_type_id, modified_at, id, workspace_id)
    WHERE recipe_type_id IS NOT NULL;
CREATE INDEX entries_node ON versions (recipe_node, modified_at, id, workspace_id)
    WHERE recipe_node IS NOT NULL;
CREATE INDEX entries_batch ON versions (batch_id, modified_at, id, workspace_id)
    WHERE batch_id IS NOT NULL;
CREATE INDEX entries_job_type_created ON versions (job_type_id, created_at, id, workspace_id)
    WHERE job_type_id IS NOT NULL;
CREATE INDEX entries_data ON versions (data_started, data_ended, modified_at, id, workspace_id)
    WHERE data_started IS NOT NULL;
CREATE INDEX entries_source ON versions (source_started, source_ended, modified_at, id, workspace_id)
    WHERE source_started IS NOT NULL;
CREATE INDEX entries_data_ended ON versions (data_ended, modified_at, id, workspace_id)
    WHERE data_ended IS NOT NULL;
CREATE INDEX entries_source_ended ON versions (source_ended, modified_at, id, workspace_id)
    WHERE source_ended IS NOT NULL;
-- Windows that end before they begin, so that of all others one end bounds both.
CREATE INDEX entries_data_reversed ON versions (data_started, data_ended, modified_at, id, workspace_id)
    WHERE data_started > data_ended;
CREATE INDEX entries_source_reversed ON versions (source_started, source_ended, modified_at, id, workspace_id)
    WHERE source_started > source_ended;

-- Names are searched by three characters each, up to an entry: those after it
-- are added some hundred at a time, as an index of texts takes one at a time
-- badly.
CREATE VIRTUAL TABLE entry_names USING fts5 (name, content = '', contentless_delete = 1, detail = none,
    tokenize = 'trigram case_sensitive 1');
CREATE TABLE entry_names_done (upto INTEGER NOT NULL);
INSERT INTO entry_names (rowid, name) SELECT id, name_key FROM versions;
INSERT INTO entry_names_done (upto) SELECT COALESCE(max(id), 0) FROM versions;
-- +goose StatementBegin
CREATE TRIGGER entry_names_changed AFTER UPDATE OF name_key ON versions
WHEN old.name_key <> new.name_key AND old.id <= (SELECT upto FROM entry_names_done) BEGIN
    DELETE FROM entry_names WHERE rowid = old.id;
    INSERT INTO entry_names (rowid, name) VALUES (new.id, new.name_key);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entry_names_removed AFTER DELETE ON versions
WHEN old.id <= (SELECT upto FROM entry_names_done) BEGIN
    DELETE FROM entry_names WHERE rowid = old.id;
END;
-- +goose StatementEnd

-- How many entries were modified in each span of 2^33 microseconds, some two
-- hours: where the n-th of all entries is, is found without counting to it.
CREATE TABLE entry_spans (
    span    INTEGER PRIMARY KEY,
    entries INTEGER NOT NULL
);
INSERT INTO entry_spans (span, entries) SELECT modified_at >> 33, count(*) FROM versions GROUP BY 1;
-- +goose StatementBegin
CREATE TRIGGER entry_spans_added AFTER INSERT ON versions BEGIN
    INSERT INTO entry_spans (span, entries) VALUES (new.modified_at >> 33, 1) ON CONFLICT (span) DO UPDATE SET entries = entries + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entry_spans_moved AFTER UPDATE OF modified_at ON versions WHEN old.modified_at >> 33 <> new.modified_at >> 33 BEGIN
    UPDATE entry_spans SET entries = entries - 1 WHERE span = old.modified_at >> 33;
    INSERT INTO entry_spans (span, entries) VALUES (new.modified_at >> 33, 1) ON CONFLICT (span) DO UPDATE SET entries = entries + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entry_spans_removed AFTER DELETE ON versions BEGIN
    UPDATE entry_spans SET entries = entries - 1 WHERE span = old.modified_at >> 33;
END;
-- +goose StatementEnd

-- What a bulk load puts off; made at its end, or when the store is next opened.
CREATE TABLE deferred_indexes (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL UNIQUE,
    statement TEXT NOT NULL
);

-- +goose Down
SELECT 1;
