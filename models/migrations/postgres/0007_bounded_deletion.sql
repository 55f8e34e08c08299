-- +goose Up
-- Accounts that are gone while some events may still lead to the person: work that is done in short transactions. The addresses
-- that the account had are sealed; a row goes with the last of that work.
CREATE TABLE deleted_accounts (
    user_id    uuid        PRIMARY KEY,
    box        bytea       NOT NULL,
    created_at timestamptz NOT NULL
);
