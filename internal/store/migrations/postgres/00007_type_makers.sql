-- +goose Up
-- Who made a type says what is current of it. NULL is nobody but admins.
ALTER TABLE job_types ADD COLUMN created_by BIGINT REFERENCES people;
ALTER TABLE recipe_types ADD COLUMN created_by BIGINT REFERENCES people;

-- +goose Down
SELECT 1;
