-- +goose Up
-- How many events of a kind there were on a UTC day (days since 1970-01-01), so that the support desk need not count a month again and again.
CREATE TABLE daily_counts (
    day  integer NOT NULL,
    kind text NOT NULL,
    n    integer NOT NULL,
    PRIMARY KEY (day, kind)
);
CREATE TABLE counted_days (
    day        integer NOT NULL PRIMARY KEY,
    begun_at   timestamp NOT NULL, -- when a process last began to count the day
    counted_at timestamp -- the counts are those of this moment; NULL: there are none yet
);
