-- +goose Up
-- The place of a row in the order in which its account got devices and factors, independent of clocks. 0: a release that did not note it wrote the row.
ALTER TABLE devices ADD COLUMN seq bigint NOT NULL DEFAULT 0;
ALTER TABLE factors ADD COLUMN seq bigint NOT NULL DEFAULT 0;
