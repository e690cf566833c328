-- +goose Up
-- The plan of a purge tells of other versions with the same bytes.
CREATE INDEX versions_sha256 ON versions (sha256) WHERE sha256 IS NOT NULL;

-- +goose Down
SELECT 1;
