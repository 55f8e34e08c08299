-- +goose Up
-- The events of one device, newest first, for the page that tells its story.
CREATE INDEX events_of_device ON events (user_id, device_id, at, id) WHERE device_id IS NOT NULL;
