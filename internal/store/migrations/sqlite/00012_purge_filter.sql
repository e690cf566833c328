-- +goose Up
-- What a purge was asked for by a filter, as it was given: JSON, with names, which
-- are erased when the purge has ended. The SHA-256 stays.
ALTER TABLE purges ADD COLUMN filter TEXT;
ALTER TABLE purges ADD COLUMN filter_sha256 BLOB;

-- +goose Down
SELECT 1;
