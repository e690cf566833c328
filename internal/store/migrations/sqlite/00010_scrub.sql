-- +goose Up
-- All bytes in the own store are read again and again, in rounds.
CREATE TABLE scrubs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    began_at     INTEGER NOT NULL,
    ended_at     INTEGER,
    version_row  INTEGER NOT NULL DEFAULT 0, -- at which it goes on
    offset_bytes INTEGER NOT NULL DEFAULT 0, -- of that version, up to which it was read
    versions     INTEGER NOT NULL DEFAULT 0,
    bytes        INTEGER NOT NULL DEFAULT 0,
    damaged      INTEGER NOT NULL DEFAULT 0,
    unread       INTEGER NOT NULL DEFAULT 0,
    look_again   INTEGER NOT NULL DEFAULT 0  -- at what was damaged before
);
CREATE UNIQUE INDEX scrubs_open ON scrubs (COALESCE(ended_at, 0)) WHERE ended_at IS NULL;
CREATE INDEX versions_damaged ON versions (id) WHERE place IS NULL AND state IN ('missing', 'changed outside');

-- +goose Down
SELECT 1;
