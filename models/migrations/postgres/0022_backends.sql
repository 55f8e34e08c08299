-- +goose Up
-- What an operator's backend keeps with an account. The previous release neither writes nor shows it.
ALTER TABLE users ADD COLUMN external_id text NOT NULL DEFAULT ''; -- its id there; empty: it has none
ALTER TABLE users ADD COLUMN metadata text NOT NULL DEFAULT ''; -- a JSON object; empty: it has none
CREATE UNIQUE INDEX users_external_id ON users (external_id) WHERE external_id <> '';
CREATE INDEX users_updated_at ON users (updated_at, id);
-- The client through which the operator acted; empty: the command line.
ALTER TABLE events ADD COLUMN actor_client text NOT NULL DEFAULT '';
-- Accounts that clients made under a key of their own, so that a request which is sent again makes no second one.
CREATE TABLE creations (
    client_id  text        NOT NULL,
    key        bytea       NOT NULL, -- SHA-256 of the client's key
    request    bytea       NOT NULL, -- SHA-256 of what was asked for
    made       uuid        NOT NULL, -- the account, which may be gone since
    created_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, key)
);
CREATE INDEX creations_created_at ON creations (created_at);
CREATE INDEX creations_made ON creations (made);
