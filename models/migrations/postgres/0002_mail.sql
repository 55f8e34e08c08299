-- +goose Up
-- A password that is locked opens nothing until it is reset by mail.
ALTER TABLE users ADD COLUMN locked_at timestamptz;

-- Links that were mailed. The secret of each is in the mail alone; here is its SHA-256.
CREATE TABLE one_time_tokens (
    hash       bytea       PRIMARY KEY,
    user_id    uuid        NOT NULL, -- the nil UUID where there is no account (yet)
    purpose    text        NOT NULL,
    subject    text        NOT NULL DEFAULT '', -- what it is about: a device, an address
    box        bytea       NOT NULL, -- sealed by the caller; empty when there is nothing to keep
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX one_time_tokens_of_user ON one_time_tokens (user_id, purpose, subject);
CREATE INDEX one_time_tokens_expires_at ON one_time_tokens (expires_at);

-- Mails that wait to be sent. What they say, links included, is sealed; a row goes once its mail was taken.
CREATE TABLE mails (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL,
    kind       text        NOT NULL,
    recipient  text        NOT NULL,
    box        bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    next_at    timestamptz NOT NULL, -- when it may be tried; in the future while somebody is at it
    tries      bigint      NOT NULL DEFAULT 0
);
CREATE INDEX mails_next_at ON mails (next_at);
