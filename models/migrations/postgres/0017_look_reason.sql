-- +goose Up
-- Of a look by support: why, in the words of the staff member who looked; empty: no reason was given. It stands in both events of the
-- look. The previous release neither writes nor shows it.
ALTER TABLE events ADD COLUMN reason text NOT NULL DEFAULT '';
