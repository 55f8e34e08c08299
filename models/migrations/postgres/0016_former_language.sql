-- +goose Up
-- The language that the account had before the latest change, and when that was; null: it never changed.
ALTER TABLE users ADD COLUMN former_language text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN language_changed_at timestamptz;
