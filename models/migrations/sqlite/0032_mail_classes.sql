-- +goose Up
-- What the operator tells the people whose devices an incident ended. Our words stand around it in the mail.
CREATE TABLE incident_texts (
    incident_id text      NOT NULL PRIMARY KEY,
    words       text      NOT NULL, -- plain text; empty: the mail has our words only
    at          timestamp NOT NULL  -- when the incident was dealt with: its mails are sent for 7 days from then on
);
-- The accounts that an incident signed out and that are to be told. A row stays until the incident's 7 days are over, so that no account
-- is told twice. It refers to no other table: the account may be deleted by then.
CREATE TABLE incident_notices (
    incident_id text      NOT NULL,
    user_id     text      NOT NULL,
    devices     integer   NOT NULL DEFAULT 0, -- of the account, that the incident ended
    queued_at   timestamp NOT NULL,
    next_at     timestamp, -- when its mail may be written; NULL: the mail was written
    tries       integer   NOT NULL DEFAULT 0, -- how often the mail server put the mail off
    PRIMARY KEY (incident_id, user_id)
);
CREATE INDEX incident_notices_due ON incident_notices (next_at, incident_id, user_id) WHERE next_at IS NOT NULL;
CREATE INDEX incident_notices_of_user ON incident_notices (user_id);
-- When the next mail of a priority may be sent, for all replicas together. Without a row: now.
CREATE TABLE mail_pace (
    priority integer NOT NULL PRIMARY KEY,
    free_at  integer NOT NULL -- microseconds since 1970
);
