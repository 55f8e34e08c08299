package models

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// ErrNotCitus says that the tables cannot be distributed over the database. Its text tells what is missing.
var ErrNotCitus = errors.New("the tables cannot be distributed")

// placement is where Citus keeps a table.
type placement struct {
	table string
	by    string // the column whose hash chooses the shard; empty: see everywhere
	with  string // a table whose shards lie beside those of this one; "none": no table
	// everywhere is a copy on each node. Otherwise a table without a column is on the coordinator, and in the metadata of Citus, so that
	// every node answers for it.
	everywhere bool
}

// A new table gets its line here; a test compares the list with the schema. placements are in the order in which Citus takes the tables: first what others refer to. A statement about one account touches one
// shard, because all that a sign-in or a refresh reads of an account lies beside its row of users.
var placements = []placement{
	{table: "clients", everywhere: true}, {table: "signing_keys", everywhere: true},
	{table: "users", by: "id", with: "none"},
	{table: "devices", by: "user_id", with: "users"}, {table: "events", by: "user_id", with: "users"}, {table: "known_places", by: "user_id", with: "users"},
	{table: "consents", by: "user_id", with: "users"}, {table: "sign_in_mails", by: "user_id", with: "users"}, {table: "factors", by: "user_id", with: "users"},
	{table: "trusted_browsers", by: "user_id", with: "users"},
	{table: "addresses", by: "email_key", with: "none"}, {table: "external_ids", by: "external_id", with: "none"},
	{table: "attempts"}, {table: "status_indexes"}, {table: "one_time_tokens"}, {table: "mails"}, {table: "former_addresses"}, {table: "deleted_accounts"},
	{table: "challenges"}, {table: "logout_notices"}, {table: "device_codes"}, {table: "creations"}, {table: "webhooks"}, {table: "webhook_messages"},
	{table: "daily_counts"}, {table: "counted_days"}, {table: "incidents"}, {table: "incident_texts"}, {table: "incident_notices"}, {table: "mail_pace"}, {table: "goose_db_version"},
}

// beforeDistribution changes what Citus cannot have: a unique index without the column that chooses the shard, and a reference from a
// table of the coordinator. Two tables take the place of the unique indexes: see claimAddress.
var beforeDistribution = []string{
	"LOCK TABLE users, devices, events, former_addresses, status_indexes IN ACCESS EXCLUSIVE MODE",
	"ALTER TABLE challenges DROP CONSTRAINT challenges_user_id_fkey",
	"ALTER TABLE former_addresses DROP CONSTRAINT former_addresses_user_id_fkey",
	"ALTER TABLE users DROP CONSTRAINT users_email_key_key",
	"CREATE INDEX users_email_key ON users (email_key)",
	"DROP INDEX users_external_id",
	"CREATE INDEX users_external_id ON users (external_id) WHERE external_id <> ''",
	`CREATE TABLE addresses (email_key text COLLATE "C" PRIMARY KEY, user_id uuid NOT NULL, held_until timestamptz)`,
	"CREATE INDEX addresses_held_until ON addresses (held_until) WHERE held_until IS NOT NULL",
	"CREATE TABLE external_ids (external_id text PRIMARY KEY, user_id uuid NOT NULL)",
	"INSERT INTO addresses (email_key, user_id) SELECT email_key, id FROM users",
	`INSERT INTO addresses (email_key, user_id, held_until) SELECT DISTINCT ON (email_key) email_key, user_id, expires_at
		FROM former_addresses WHERE used_at IS NULL ORDER BY email_key, expires_at DESC ON CONFLICT DO NOTHING`,
	"INSERT INTO external_ids (external_id, user_id) SELECT external_id, id FROM users WHERE external_id <> ''",
	`UPDATE events SET user_id = ('00000000-0000-0000-0000-00000000' || right(id::text, 4))::uuid WHERE user_id = '00000000-0000-0000-0000-000000000000'`, // see noAccountOf
	`UPDATE status_indexes SET revoked_at = devices.revoked_at FROM devices
		WHERE devices.status_index = status_indexes.idx AND devices.revoked_at IS NOT NULL AND devices.expires_at > now()`,
}

// Distribute lays the tables out over the nodes of Citus, in one transaction, and returns what it did: a line for each table that it
// moved, none when all lie where they should. The schema must be up to date. It returns ErrNotCitus for a database that is not the
// coordinator of a Citus.
func (s *Store) Distribute(ctx context.Context) (did []string, err error) {
	if err := s.refuseOthers(ctx); err != nil {
		return nil, err
	}
	err = s.w.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(7022344802737087860)").Error; err != nil {
			return err
		}
		// Tables that refer to one another cannot be changed on several connections at once.
		if err := tx.Exec("SET LOCAL citus.multi_shard_modify_mode = 'sequential'").Error; err != nil {
			return err
		}
		var there []string
		if err := tx.Raw("SELECT logicalrelid::regclass::text FROM pg_dist_partition").Scan(&there).Error; err != nil {
			return err
		}
		if !slices.Contains(there, "users") {
			if err := s.refuseServers(tx); err != nil {
				return err
			}
			for _, statement := range beforeDistribution {
				if err := tx.Exec(statement).Error; err != nil {
					return err
				}
			}
		}
		for _, p := range placements {
			if slices.Contains(there, p.table) {
				continue
			}
			if err := p.apply(tx); err != nil {
				return fmt.Errorf("%s: %w", p.table, err)
			}
			did = append(did, p.String())
		}
		return nil
	})
	if errors.Is(err, ErrNotCitus) {
		return nil, err
	}
	if err != nil {
		return nil, wrapErr("distribute the tables", err)
	}
	s.setLayout(true)
	return did, nil
}

// refuseServers returns ErrNotCitus while another process of ours has a connection: a server that began before the distribution would give
// accounts addresses without claiming them.
func (s *Store) refuseServers(tx *gorm.DB) error {
	var sessions int
	err := tx.Raw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = current_setting('application_name')").Scan(&sessions).Error
	for _, pool := range s.PoolStats() {
		sessions -= pool.OpenConnections
	}
	if err == nil && sessions > 0 {
		return fmt.Errorf("%w: other processes use the database; stop every server first", ErrNotCitus)
	}
	return err
}

// placeNewTables lays out on Citus the tables that a migration has made.
func (s *Store) placeNewTables(ctx context.Context) error {
	citus, err := s.onCitus(ctx)
	if err != nil || !citus {
		return err
	}
	_, err = s.Distribute(ctx)
	return err
}

func (p placement) apply(tx *gorm.DB) error {
	switch {
	case p.everywhere:
		return tx.Exec("SELECT create_reference_table(?::text)", p.table).Error
	case p.by != "":
		return tx.Exec("SELECT create_distributed_table(?::text, ?, colocate_with => ?)", p.table, p.by, p.with).Error
	}
	if err := tx.Exec("SELECT citus_add_local_table_to_metadata(?::text)", p.table).Error; err != nil || p.table != "goose_db_version" {
		return err
	}
	// Citus puts another table in the place of this one, and its ids would begin at 1 again.
	return tx.Exec("SELECT setval(pg_get_serial_sequence('goose_db_version', 'id'), (SELECT max(id) FROM goose_db_version))").Error
}

// String says where the table is.
func (p placement) String() string {
	switch {
	case p.everywhere:
		return p.table + ": a copy on each node"
	case p.by != "":
		return p.table + ": over the nodes, by " + p.by
	}
	return p.table + ": on the coordinator, for all nodes"
}

// refuseOthers returns ErrNotCitus unless the database is a coordinator that can take the tables.
func (s *Store) refuseOthers(ctx context.Context) error {
	if s.dialect != "postgres" {
		return fmt.Errorf("%w: an SQLite database is one file", ErrNotCitus)
	}
	if !s.current(ctx) {
		return fmt.Errorf("%w: its schema is not up to date", ErrNotCitus)
	}
	var extension bool
	if err := s.read(ctx).Raw("SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')").Row().Scan(&extension); err != nil {
		return wrapErr("look for Citus", err)
	}
	if !extension {
		return fmt.Errorf("%w: the database has no extension citus", ErrNotCitus)
	}
	var coordinator, listed bool
	var workers int
	err := s.read(ctx).Raw(`SELECT citus_is_coordinator(), EXISTS (SELECT 1 FROM pg_dist_node WHERE groupid = 0),
		(SELECT count(*) FROM pg_dist_node WHERE groupid <> 0 AND isactive AND shouldhaveshards)`).Row().Scan(&coordinator, &listed, &workers)
	switch {
	case err != nil:
		return wrapErr("look for Citus", err)
	case !coordinator:
		return fmt.Errorf("%w: this node is not the coordinator", ErrNotCitus)
	case !listed:
		return fmt.Errorf("%w: the coordinator is not in the metadata; a superuser calls citus_set_coordinator_host there first", ErrNotCitus)
	case workers == 0:
		return fmt.Errorf("%w: Citus has no worker", ErrNotCitus)
	}
	return nil
}
