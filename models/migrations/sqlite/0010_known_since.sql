-- +goose Up
-- Since when an account knows an origin; NULL, which an older release writes: since it was seen last.
ALTER TABLE known_places ADD COLUMN first_at timestamp;
