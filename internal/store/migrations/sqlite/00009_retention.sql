-- +goose Up
-- The server purges deleted files whose time is over, and nothing made from them.
-- SQLite changes no condition of a column: the column is made anew.
ALTER TABLE purges ADD COLUMN reach TEXT NOT NULL DEFAULT 'lineage' CHECK (reach IN ('lineage', 'recipe', 'deleted'));
UPDATE purges SET reach = scope;
ALTER TABLE purges DROP COLUMN scope;
ALTER TABLE purges RENAME COLUMN reach TO scope;

-- +goose Down
SELECT 1;
