-- +goose Up
-- Devices that were revoked and whose client is to be told (OpenID Connect Back-Channel Logout 1.0). A row goes when the client has
-- taken the notice, or when it is given up. It refers to no other table: the account and the device may be deleted by then.
CREATE TABLE logout_notices (
    user_id    text        NOT NULL,
    device_id  text        NOT NULL,
    client_id  text        NOT NULL,
    created_at timestamp   NOT NULL,
    next_at    timestamp   NOT NULL, -- when it may be sent next
    tries      bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, device_id)
);
CREATE INDEX logout_notices_due ON logout_notices (client_id, next_at);
