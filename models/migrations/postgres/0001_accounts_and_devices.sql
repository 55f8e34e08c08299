-- +goose Up
CREATE TABLE users (
    id                  uuid        PRIMARY KEY,
    email               text        NOT NULL,
    -- Folded: addresses are unique without regard to case. In order of bytes, so that a prefix is a range of the index.
    email_key           text        COLLATE "C" NOT NULL UNIQUE,
    password_hash       text        NOT NULL,
    password_changed_at timestamptz NOT NULL,
    role                text        NOT NULL CHECK (role IN ('user', 'support')),
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    disabled_at         timestamptz,
    alerts_seen_at      timestamptz -- warnings up to here were dismissed by the owner
);

-- fillfactor 70 and no index on a column that a refresh writes: refreshes stay HOT updates.
CREATE TABLE devices (
    user_id       uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id            uuid        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('app', 'browser')),
    name          text        NOT NULL,
    name_key      text        COLLATE "C" NOT NULL DEFAULT '', -- folded, for the support desk's search
    client_id     text        NOT NULL DEFAULT '',
    user_agent    text        NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL,
    created_ip    text        NOT NULL DEFAULT '',
    last_seen_at  timestamptz NOT NULL,
    last_ip       text        NOT NULL DEFAULT '',
    expires_at    timestamptz NOT NULL,
    secret_hash   bytea       NOT NULL,
    generation    bigint      NOT NULL,
    base          bigint      NOT NULL,
    floor         bigint      NOT NULL,
    repeats       bigint      NOT NULL DEFAULT 0,
    rotated_at    timestamptz NOT NULL,
    max_refreshes bigint      NOT NULL DEFAULT 0,
    jkt           text        NOT NULL DEFAULT '',
    status_index  bigint,
    revoked_at    timestamptz,
    revoked_by    text        NOT NULL DEFAULT '',
    revoke_reason text        NOT NULL DEFAULT '',
    PRIMARY KEY (user_id, id)
) WITH (fillfactor = 70);
CREATE INDEX devices_id ON devices (id);
CREATE UNIQUE INDEX devices_name ON devices (user_id, name) WHERE revoked_at IS NULL;
CREATE INDEX devices_by_name ON devices (name_key, id);
CREATE INDEX devices_by_created_ip ON devices (created_ip, id);
CREATE INDEX devices_expires_at ON devices (expires_at);
CREATE INDEX devices_revoked_at ON devices (revoked_at) WHERE revoked_at IS NOT NULL;

-- user_id is the nil UUID where no account is concerned (a sign-in to an address that nobody has).
CREATE TABLE events (
    user_id     uuid        NOT NULL,
    id          uuid        NOT NULL,
    at          timestamptz NOT NULL,
    kind        text        NOT NULL,
    device_id   uuid,
    device_name text        NOT NULL DEFAULT '',
    actor       text        NOT NULL,
    actor_id    uuid,
    ip          text        NOT NULL DEFAULT '',
    user_agent  text        NOT NULL DEFAULT '',
    detail      text        NOT NULL DEFAULT '',
    PRIMARY KEY (user_id, id)
);
CREATE INDEX events_of_user ON events (user_id, at, id);
CREATE INDEX events_of_kind ON events (user_id, kind, at, id);
CREATE INDEX events_at ON events (at);
CREATE INDEX events_kind_at ON events (kind, at);

CREATE TABLE signing_keys (
    kid        text        PRIMARY KEY,
    alg        text        NOT NULL,
    seq        bigint      NOT NULL,
    created_at timestamptz NOT NULL,
    signs_from timestamptz NOT NULL,
    sealed     bytea       NOT NULL,
    UNIQUE (alg, seq)
);

-- Failed sign-ins, counted by keyed hashes of account and network: no address of either stands here.
CREATE TABLE attempts (
    key          bytea       PRIMARY KEY,
    window_start timestamptz NOT NULL,
    count        bigint      NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX attempts_window_start ON attempts (window_start);

-- Networks and browsers that signed in to an account, as keyed hashes.
CREATE TABLE known_places (
    user_id uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place   bytea       NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, place)
);

CREATE INDEX known_places_last_at ON known_places (last_at);

CREATE TABLE clients (
    id         text        PRIMARY KEY,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL
);

-- Places in the status lists. One is never given twice while an access token of its device may live.
CREATE TABLE status_indexes (
    idx        bigint      PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX status_indexes_expires_at ON status_indexes (expires_at);
