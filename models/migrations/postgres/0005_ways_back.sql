-- +goose Up
-- Since when an account has its address; null: from the start. Ways back end by this order.
ALTER TABLE users ADD COLUMN email_since timestamptz;
ALTER TABLE former_addresses ADD COLUMN since timestamptz;

-- A used link stays for ten minutes, so that a second press leads on. Its expires_at is the moment of its use.
ALTER TABLE former_addresses ADD COLUMN used_at timestamptz;
ALTER TABLE one_time_tokens ADD COLUMN used_at timestamptz;

-- The folded address that an alarm link went to; empty where that was not noted.
ALTER TABLE one_time_tokens ADD COLUMN mailed_to text COLLATE "C" NOT NULL DEFAULT '';

-- An address came when the one before it was left.
UPDATE former_addresses SET since = coalesce(
    (SELECT max(p.created_at) FROM former_addresses p WHERE p.user_id = former_addresses.user_id AND p.seq < former_addresses.seq),
    (SELECT max(e.at) FROM events e WHERE e.user_id = former_addresses.user_id AND e.kind = 'email_changed'
        AND e.at < (SELECT min(p.created_at) FROM former_addresses p WHERE p.user_id = former_addresses.user_id)),
    (SELECT u.created_at FROM users u WHERE u.id = former_addresses.user_id));
UPDATE users SET email_since = (SELECT max(e.at) FROM events e WHERE e.user_id = users.id AND e.kind = 'email_changed')
    WHERE id IN (SELECT user_id FROM events WHERE kind = 'email_changed');
-- Clocks of replicas differ: the present address came after those that were left.
UPDATE users SET email_since = (SELECT max(f.since) FROM former_addresses f WHERE f.user_id = users.id)
    WHERE id IN (SELECT f.user_id FROM former_addresses f) AND email_since < (SELECT max(f.since) FROM former_addresses f WHERE f.user_id = users.id);

-- An alarm link went to the address that was left first after it, or to the present one; otherwise that address is gone.
UPDATE one_time_tokens SET mailed_to = coalesce(
    (SELECT f.email_key FROM former_addresses f WHERE f.user_id = one_time_tokens.user_id AND f.created_at > one_time_tokens.created_at ORDER BY f.seq LIMIT 1),
    (SELECT u.email_key FROM users u WHERE u.id = one_time_tokens.user_id AND coalesce(u.email_since, u.created_at) <= one_time_tokens.created_at),
    '-') WHERE purpose = 'alarm';
