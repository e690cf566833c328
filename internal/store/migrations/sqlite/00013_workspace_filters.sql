-- +goose Up
-- What callers who see few entries filter and sort by is in the index of their
-- workspaces: their rows lie far apart, and after each commit they would be read anew.
DROP INDEX entries_workspace;
CREATE INDEX entries_workspace ON versions (workspace_id, modified_at, id, created_at, file_type, job_type_id,
    recipe_type_id, batch_id, source_sensor, source_collection, data_started, data_ended, name_key);

-- +goose Down
SELECT 1;
