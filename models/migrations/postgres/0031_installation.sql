-- +goose Up
-- A keyed hash of what an app calls its installation on one phone, from the sign-in on. NULL: the app named none.
ALTER TABLE devices ADD COLUMN installation bytea;
