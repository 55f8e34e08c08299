-- +goose Up
-- What latchkey incident revoke does or did: which devices it signs out, and how far it has got.
CREATE TABLE incidents (
    id            uuid        PRIMARY KEY,
    state         text        NOT NULL CHECK (state IN ('preview', 'running', 'paused', 'done')),
    filter        text        NOT NULL, -- a JSON object
    require_reset boolean     NOT NULL,
    counts        text        NOT NULL, -- of the preview, a JSON object
    created_at    timestamptz NOT NULL, -- the preview
    created_by    text        NOT NULL,
    confirmed_by  text        NOT NULL DEFAULT '',
    started_at    timestamptz, -- only devices from before this are signed out
    over_seconds  bigint      NOT NULL DEFAULT 0, -- the work is spread over so long; 0: it is not
    after_user    uuid        NOT NULL, -- all devices up to this one were looked at
    after_device  uuid        NOT NULL,
    last_user     uuid        NOT NULL, -- the last account of which a device was signed out
    seen          bigint      NOT NULL DEFAULT 0, -- devices that were looked at
    devices       bigint      NOT NULL DEFAULT 0, -- that were signed out
    accounts      bigint      NOT NULL DEFAULT 0, -- of these
    batches       bigint      NOT NULL DEFAULT 0,
    slowest       bigint      NOT NULL DEFAULT 0, -- batch, in microseconds
    worker        text        NOT NULL DEFAULT '', -- the process that works on it
    worked_until  timestamptz, -- until then no other process does
    finished_at   timestamptz
);
-- One at a time.
CREATE UNIQUE INDEX incidents_running ON incidents (state) WHERE state = 'running';
