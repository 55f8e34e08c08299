-- +goose Up
-- In SQLite a primary key may hold nulls unless it is said otherwise.
CREATE TABLE users (
    id                  text        NOT NULL PRIMARY KEY,
    email               text        NOT NULL,
    email_key           text        NOT NULL UNIQUE, -- folded: addresses are unique without regard to case
    password_hash       text        NOT NULL,
    password_changed_at timestamp NOT NULL,
    role                text        NOT NULL CHECK (role IN ('user', 'support')),
    created_at          timestamp NOT NULL,
    updated_at          timestamp NOT NULL,
    disabled_at         timestamp,
    alerts_seen_at      timestamp -- warnings up to here were dismissed by the owner
);

-- No index on a column that a refresh writes: a refresh writes the row and nothing else.
CREATE TABLE devices (
    user_id       text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id            text        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('app', 'browser')),
    name          text        NOT NULL,
    name_key      text        NOT NULL DEFAULT '', -- folded, for the support desk's search
    client_id     text        NOT NULL DEFAULT '',
    user_agent    text        NOT NULL DEFAULT '',
    created_at    timestamp NOT NULL,
    created_ip    text        NOT NULL DEFAULT '',
    last_seen_at  timestamp NOT NULL,
    last_ip       text        NOT NULL DEFAULT '',
    expires_at    timestamp NOT NULL,
    secret_hash   blob NOT NULL,
    generation    integer NOT NULL,
    base          integer NOT NULL,
    floor         integer NOT NULL,
    repeats       integer NOT NULL DEFAULT 0,
    rotated_at    timestamp NOT NULL,
    max_refreshes integer NOT NULL DEFAULT 0,
    jkt           text        NOT NULL DEFAULT '',
    status_index  integer,
    revoked_at    timestamp,
    revoked_by    text        NOT NULL DEFAULT '',
    revoke_reason text        NOT NULL DEFAULT '',
    PRIMARY KEY (user_id, id)
);
CREATE INDEX devices_id ON devices (id);
CREATE UNIQUE INDEX devices_name ON devices (user_id, name) WHERE revoked_at IS NULL;
CREATE INDEX devices_by_name ON devices (name_key, id);
CREATE INDEX devices_by_created_ip ON devices (created_ip, id);
CREATE INDEX devices_expires_at ON devices (expires_at);
CREATE INDEX devices_revoked_at ON devices (revoked_at) WHERE revoked_at IS NOT NULL;

-- user_id is the nil UUID where no account is concerned (a sign-in to an address that nobody has).
CREATE TABLE events (
    user_id     text        NOT NULL,
    id          text        NOT NULL,
    at          timestamp NOT NULL,
    kind        text        NOT NULL,
    device_id   text,
    device_name text        NOT NULL DEFAULT '',
    actor       text        NOT NULL,
    actor_id    text,
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
    kid        text        NOT NULL PRIMARY KEY,
    alg        text        NOT NULL,
    seq        integer NOT NULL,
    created_at timestamp NOT NULL,
    signs_from timestamp NOT NULL,
    sealed     blob NOT NULL,
    UNIQUE (alg, seq)
);

-- Failed sign-ins, counted by keyed hashes of account and network: no address of either stands here.
CREATE TABLE attempts (
    key          blob       NOT NULL PRIMARY KEY,
    window_start timestamp NOT NULL,
    count        integer NOT NULL
);
CREATE INDEX attempts_window_start ON attempts (window_start);

-- Networks and browsers that signed in to an account, as keyed hashes.
CREATE TABLE known_places (
    user_id text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place   blob NOT NULL,
    last_at timestamp NOT NULL,
    PRIMARY KEY (user_id, place)
);

CREATE INDEX known_places_last_at ON known_places (last_at);

CREATE TABLE clients (
    id         text        NOT NULL PRIMARY KEY,
    name       text        NOT NULL,
    created_at timestamp NOT NULL
);

-- Places in the status lists. One is never given twice while an access token of its device may live.
CREATE TABLE status_indexes (
    idx        integer   NOT NULL PRIMARY KEY,
    expires_at timestamp NOT NULL
);
CREATE INDEX status_indexes_expires_at ON status_indexes (expires_at);
