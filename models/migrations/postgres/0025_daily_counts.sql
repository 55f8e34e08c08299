-- +goose Up
-- How many events of a kind there were on a UTC day (days since 1970-01-01), so that the support desk need not count a month again and again.
CREATE TABLE daily_counts (
    day  bigint NOT NULL,
    kind text NOT NULL,
    n    bigint NOT NULL,
    PRIMARY KEY (day, kind)
);
CREATE TABLE counted_days (
    day        bigint NOT NULL PRIMARY KEY,
    begun_at   timestamptz NOT NULL, -- when a process last began to count the day
    counted_at timestamptz -- the counts are those of this moment; NULL: there are none yet
);
