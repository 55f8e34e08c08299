-- +goose Up
-- The account was made with a password that no one knows, and waits for its owner to choose one. It does while this is
-- password_changed_at: a release that does not know the column ends the wait with any change of the password.
ALTER TABLE users ADD COLUMN invited_at timestamptz;

-- The password was made by a command and printed: its owner must choose another before anything else. It is so while this is
-- password_changed_at.
ALTER TABLE users ADD COLUMN generated_at timestamptz;
