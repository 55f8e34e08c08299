-- +goose Up
-- What latchkey incident revoke does or did: which devices it signs out, and how far it has got.
CREATE TABLE incidents (
    id            text        NOT NULL PRIMARY KEY,
    state         text        NOT NULL CHECK (state IN ('preview', 'running', 'paused', 'done')),
    filter        text        NOT NULL, -- a JSON object
    require_reset boolean     NOT NULL,
    counts        text        NOT NULL, -- of the preview, a JSON object
    created_at    timestamp NOT NULL, -- the preview
    created_by    text        NOT NULL,
    confirmed_by  text        NOT NULL DEFAULT '',
    started_at    timestamp, -- only devices from before this are signed out
    over_seconds  integer     NOT NULL DEFAULT 0, -- the work is spread over so long; 0: it is not
    after_user    text        NOT NULL, -- all devices up to this one were looked at
    after_device  text        NOT NULL,
    last_user     text        NOT NULL, -- the last account of which a device was signed out
    seen          integer     NOT NULL DEFAULT 0, -- devices that were looked at
    devices       integer     NOT NULL DEFAULT 0, -- that were signed out
    accounts      integer     NOT NULL DEFAULT 0, -- of these
    batches       integer     NOT NULL DEFAULT 0,
    slowest       integer     NOT NULL DEFAULT 0, -- batch, in microseconds
    worker        text        NOT NULL DEFAULT '', -- the process that works on it
    worked_until  timestamp, -- until then no other process does
    finished_at   timestamp
);
-- One at a time.
CREATE UNIQUE INDEX incidents_running ON incidents (state) WHERE state = 'running';
