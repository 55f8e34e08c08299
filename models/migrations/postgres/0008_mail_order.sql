-- +goose Up
-- Which mails go first: 0 alarms, 1 what a person waits for, 2 sign-ups.
ALTER TABLE mails ADD COLUMN priority bigint NOT NULL DEFAULT 0;
CREATE INDEX mails_in_order ON mails (priority, next_at, id);

-- The latest sign-ins of an account that its owner was mailed about, so that many within an hour become one summary.
CREATE TABLE sign_in_mails (
    user_id uuid        PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    last_at timestamptz NOT NULL,
    at2     timestamptz, -- the one before
    at3     timestamptz, -- the one before that
    since   timestamptz, -- the first sign-in of the summaries; NULL: the latest was mailed alone
    mail_id uuid         -- the latest summary
);
CREATE INDEX sign_in_mails_last_at ON sign_in_mails (last_at);
