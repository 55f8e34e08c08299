-- +goose Up
-- The language that the owner chose for pages and mails, as a tag of BCP 47; empty: none was chosen.
ALTER TABLE users ADD COLUMN language text NOT NULL DEFAULT '';
