-- +goose Up
-- Where the people of a client come back to, and which of its pages call the API: lists with spaces between, in order.
ALTER TABLE clients ADD COLUMN redirect_uris text NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN post_logout_uris text NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN origins text NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN backchannel_logout_uri text NOT NULL DEFAULT '';
-- The SHA-256 of the secret of a confidential client; a public client has none.
ALTER TABLE clients ADD COLUMN secret_hash blob;
ALTER TABLE clients ADD COLUMN device_grant boolean NOT NULL DEFAULT false;
ALTER TABLE clients ADD COLUMN sso boolean NOT NULL DEFAULT false;
-- With spaces between, in order; empty: own_devices:read and own_devices:write, the scopes of a first-party app.
ALTER TABLE clients ADD COLUMN scopes text NOT NULL DEFAULT '';
