-- +goose Up
-- Addresses that accounts had, each with the hash of the link that takes it back. Until that ends nobody else may have
-- the address: seq says in which order an account left them.
CREATE TABLE former_addresses (
    hash       bytea       PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email      text        NOT NULL,
    email_key  text        COLLATE "C" NOT NULL, -- folded, as in users
    seq        bigint      NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    UNIQUE (user_id, seq)
);
CREATE INDEX former_addresses_by_email ON former_addresses (email_key);
CREATE INDEX former_addresses_expires_at ON former_addresses (expires_at);
