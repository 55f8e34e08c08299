-- +goose Up
-- When a counter's window ends: not every window is as long as the others. NULL is a row of an earlier release, which
-- knows one length only.
ALTER TABLE attempts ADD COLUMN ends_at timestamptz;
CREATE INDEX attempts_ends_at ON attempts (ends_at);

-- One event may stand for several of its kind, so that a stranger who guesses passwords cannot fill the table.
ALTER TABLE events ADD COLUMN more bigint NOT NULL DEFAULT 0; -- how many, beside the one
CREATE INDEX events_shared ON events (kind, at) WHERE more > 0;
