-- +goose Up
-- The limits of a client's own, within those of the settings. NULL: it has none. The previous release does not apply them.
ALTER TABLE clients ADD COLUMN device_lifetime bigint; -- seconds
ALTER TABLE clients ADD COLUMN device_idle bigint; -- seconds
ALTER TABLE clients ADD COLUMN max_devices bigint; -- live devices of one account
ALTER TABLE clients ADD COLUMN on_limit text; -- what a sign-in past max_devices does: 'replace-oldest'; NULL: it is refused
