-- +goose Up
-- Codes of televisions and command lines, which a person approves in a browser elsewhere (RFC 8628). A row belongs to no account: an approval
-- is a row of challenges with the same hash.
CREATE TABLE device_codes (
    hash       blob        NOT NULL PRIMARY KEY, -- SHA-256 of the device code
    user_code  blob        NOT NULL UNIQUE, -- a keyed hash of the code that people type
    network    blob        NOT NULL, -- a keyed hash; empty: not known
    client_id  text        NOT NULL,
    data       blob        NOT NULL, -- sealed: the request
    created_at timestamp   NOT NULL,
    expires_at timestamp   NOT NULL,
    answer     text        NOT NULL DEFAULT '', -- approved or denied; empty: none yet
    pause      integer     NOT NULL, -- between two polls, in microseconds
    polled     integer     NOT NULL DEFAULT 0, -- the latest poll, in microseconds since 1970
    early      boolean     NOT NULL DEFAULT false -- that poll came too early
);
CREATE INDEX device_codes_waiting ON device_codes (network, expires_at) WHERE answer = '';
CREATE INDEX device_codes_expires_at ON device_codes (expires_at);
