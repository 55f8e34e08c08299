-- +goose Up
-- The revocation of a device whose row went with its account: its access tokens are refused until they have ended.
ALTER TABLE status_indexes ADD COLUMN revoked_at timestamptz;
CREATE INDEX status_indexes_revoked_at ON status_indexes (revoked_at) WHERE revoked_at IS NOT NULL;

-- Searches of the support desk, by what was typed: an address is taken out of them when its account is deleted.
CREATE INDEX events_searched ON events (lower(detail COLLATE "C")) WHERE kind = 'support_searched';

CREATE INDEX mails_of_user ON mails (user_id);
