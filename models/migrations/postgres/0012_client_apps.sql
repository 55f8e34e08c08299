-- +goose Up
-- The native apps of a client, with spaces between, in order: TEAM.bundle for iOS; package=SHA-256 of the certificate for Android.
ALTER TABLE clients ADD COLUMN ios_apps text NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN android_apps text NOT NULL DEFAULT '';
