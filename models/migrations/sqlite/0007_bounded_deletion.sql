-- +goose Up
-- Accounts that are gone while some events may still lead to the person: work that is done in short transactions. The addresses
-- that the account had are sealed; a row goes with the last of that work.
CREATE TABLE deleted_accounts (
    user_id    text      NOT NULL PRIMARY KEY,
    box        blob      NOT NULL,
    created_at timestamp NOT NULL
);
