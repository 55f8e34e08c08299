-- +goose Up
-- The operator's systems that are told of events (https://www.standardwebhooks.com).
CREATE TABLE webhooks (
    id            text NOT NULL PRIMARY KEY,
    url           text NOT NULL,
    kinds         text NOT NULL, -- of events, with spaces between; *: all of them
    secret        bytea NOT NULL, -- sealed
    former_secret bytea, -- sealed: signs as well until former_until
    former_until  timestamptz,
    created_at    timestamptz NOT NULL,
    read_to       timestamptz NOT NULL, -- events up to a little before this have their messages
    disabled_at   timestamptz -- it answered that it is gone
);
-- What a system is to be told, and was told a moment ago: the row keeps the event from being told twice. A message has no copy of its event.
CREATE TABLE webhook_messages (
    hook_id  text NOT NULL,
    user_id  uuid NOT NULL,
    event_id uuid NOT NULL,
    kind     text NOT NULL,
    at       timestamptz NOT NULL,
    next_at  timestamptz NOT NULL, -- when it may be sent next
    tries    bigint NOT NULL DEFAULT 0,
    done_at  timestamptz, -- it was taken or given up
    PRIMARY KEY (hook_id, user_id, event_id)
);
CREATE INDEX webhook_messages_due ON webhook_messages (hook_id, next_at) WHERE done_at IS NULL;
CREATE INDEX webhook_messages_of_user ON webhook_messages (hook_id, user_id, at, event_id) WHERE done_at IS NULL;
CREATE INDEX webhook_messages_done ON webhook_messages (done_at) WHERE done_at IS NOT NULL;
