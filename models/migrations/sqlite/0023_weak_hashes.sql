-- +goose Up
-- When an imported password hash that is weaker than we accept goes, unless its owner signs in before: then it is replaced.
ALTER TABLE users ADD COLUMN weak_until timestamp;
CREATE INDEX users_weak_until ON users (weak_until) WHERE weak_until IS NOT NULL;
