-- +goose Up
-- Of an app that signed in through a browser: the scopes that were granted (RFC 6749 §3.3), with spaces between, and the browser's
-- User-Agent. Both are empty for other devices, and for those that the previous release writes.
ALTER TABLE devices ADD COLUMN scope text NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN through_agent text NOT NULL DEFAULT '';

-- In which browsers an account has let a client sign in. Without it the client gets no answer without a page (prompt=none).
CREATE TABLE consents (
    user_id   uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id text        NOT NULL,
    browser   bytea       NOT NULL, -- a hash of the browser's mark
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (user_id, client_id, browser)
);
CREATE INDEX consents_last_at ON consents (last_at);

-- Whether the owner has opened a link that was mailed to the account's present address (email_verified of OpenID Connect Core §5.1).
-- False for an address that an earlier release wrote: where email_since is set, a link led to it, and models.User.Verified says so.
ALTER TABLE users ADD COLUMN email_verified boolean NOT NULL DEFAULT false;
