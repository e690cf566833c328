-- +goose Up
-- The server purges deleted files whose time is over, and nothing made from them.
ALTER TABLE purges DROP CONSTRAINT purges_scope_check;
ALTER TABLE purges ADD CONSTRAINT purges_scope_check CHECK (scope IN ('lineage', 'recipe', 'deleted'));

-- +goose Down
SELECT 1;
