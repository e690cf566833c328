-- +goose Up
-- Who looks at a purge asks for what could not be removed, again and again.
CREATE INDEX purge_items_failed ON purge_items (purge_id) WHERE kind = 0 AND state = 0 AND error <> '';

-- +goose Down
SELECT 1;
