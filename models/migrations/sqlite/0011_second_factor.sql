-- +goose Up
ALTER TABLE users ADD COLUMN second_factor boolean NOT NULL DEFAULT false; -- the account has a passkey or an authenticator app
ALTER TABLE users ADD COLUMN factors_version integer NOT NULL DEFAULT 0; -- counts the changes of its factors

ALTER TABLE devices ADD COLUMN signed_in_by text NOT NULL DEFAULT ''; -- how it signed in; empty in a row of an earlier release
ALTER TABLE devices ADD COLUMN proved_by text NOT NULL DEFAULT ''; -- how its owner was verified last: at the sign-in or a confirmation
ALTER TABLE devices ADD COLUMN proved_at timestamp; -- when that was; NULL: at created_at
ALTER TABLE devices ADD COLUMN former_hash blob; -- of a browser's secret before the latest confirmation
ALTER TABLE devices ADD COLUMN former_until timestamp; -- the former secret's end; NULL while the new one was not used

-- Passkeys, authenticator apps and recovery codes. No secret is in clear: an app's is sealed, a recovery code is a hash.
CREATE TABLE factors (
    user_id    text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id         text        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('passkey', 'totp', 'recovery_code')),
    name       text        NOT NULL DEFAULT '',
    credential blob        NOT NULL, -- a passkey's credential id, a recovery code's hash; empty for an app
    data       blob        NOT NULL, -- a passkey's record (JSON), an app's sealed secret; empty for a recovery code
    created_at timestamp   NOT NULL,
    since      timestamp   NOT NULL, -- its age counts from here; a recovery code is as old as the factor that confirmed it
    used_at    timestamp,
    last_step  integer     NOT NULL DEFAULT 0, -- the time step of the last code (RFC 6238)
    wrong      integer     NOT NULL DEFAULT 0, -- wrong codes in a row
    sign_count integer     NOT NULL DEFAULT 0,
    synced     boolean     NOT NULL DEFAULT false,
    backed_up  boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (user_id, id),
    UNIQUE (user_id, kind, credential) -- so there is one app of an account
);

-- Sign-ins that wait for their second step, and used challenges. The secret of each is with the client; here is its SHA-256.
CREATE TABLE challenges (
    hash       blob        NOT NULL PRIMARY KEY,
    user_id    text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    text        NOT NULL,
    data       blob        NOT NULL, -- sealed by the caller; empty when there is nothing to keep
    attempts   integer     NOT NULL DEFAULT 0,
    created_at timestamp   NOT NULL,
    expires_at timestamp   NOT NULL,
    used_at    timestamp,
    answer     blob        NOT NULL, -- hash of the answer that used it
    device_id  text                    -- that the use signed in or confirmed
);
CREATE INDEX challenges_of_user ON challenges (user_id);
CREATE INDEX challenges_expires_at ON challenges (expires_at);

-- Browsers that skip the second step. The secret is in the browser's cookie; here is its SHA-256.
CREATE TABLE trusted_browsers (
    user_id    text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id         text        NOT NULL,
    hash       blob        NOT NULL,
    name       text        NOT NULL DEFAULT '',
    created_at timestamp   NOT NULL,
    created_ip text        NOT NULL DEFAULT '',
    used_at    timestamp,
    used_ip    text        NOT NULL DEFAULT '',
    expires_at timestamp   NOT NULL,
    PRIMARY KEY (user_id, id),
    UNIQUE (user_id, hash)
);
CREATE INDEX trusted_browsers_expires_at ON trusted_browsers (expires_at);
