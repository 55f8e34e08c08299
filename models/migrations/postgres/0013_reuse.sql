-- +goose Up
-- The User-Agent of an app's latest refresh, and when that refresh was. Another time than last_seen_at: a replica of an earlier
-- release did a later one, and its User-Agent is unknown.
ALTER TABLE devices ADD COLUMN refresh_agent text NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN refresh_agent_at timestamptz;

-- Of device_reused: where its app signed in, and the two uses of its tokens (JSON). NULL: another kind, or by an earlier release.
ALTER TABLE events ADD COLUMN reuse text;
