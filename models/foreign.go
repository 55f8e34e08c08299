package models

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// ourTables are those that no version of the schema is without, and those whose names another program may well use.
const ourTables = `'users', 'devices', 'events', 'clients', 'attempts', 'mails', 'signing_keys', 'known_places', 'one_time_tokens',
	'status_indexes', 'former_addresses', 'sign_in_mails', 'deleted_accounts', 'factors', 'challenges', 'trusted_browsers', 'consents', 'logout_notices',
	'device_codes', 'creations', 'webhooks', 'webhook_messages', 'incidents', 'incident_texts', 'incident_notices'`

// foreignTable names a table of another program that is in our way. A database with the table of our migrations and with devices is
// ours. In a file of SQLite nothing else may be; in PostgreSQL only what has a name of ours, or other migrations.
var foreignTable = map[string]string{
	"sqlite": `SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'goose_db_version' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		AND (SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('goose_db_version', 'devices')) < 2 ORDER BY name LIMIT 1`,
	"postgres": `SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(current_schema()) AND relkind IN ('r', 'p', 'v', 'm', 'f')
		AND relname IN (` + ourTables + `) AND (SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace(current_schema())
		AND relkind IN ('r', 'p') AND relname IN ('goose_db_version', 'devices')) < 2 ORDER BY relname LIMIT 1`,
}

// refuseForeign returns ErrForeignDatabase when the tables of another program are in our way. It writes nothing.
func refuseForeign(ctx context.Context, db *sql.DB, dialect string) error {
	var name string
	err := db.QueryRowContext(ctx, "SELECT coalesce(("+foreignTable[dialect]+"), '')").Scan(&name)
	if err == nil && name == "" && dialect == "postgres" {
		name, err = foreignMigrations(ctx, db)
	}
	if err != nil || name == "" {
		return err
	}
	return fmt.Errorf("%w: it has a table %q and no schema of ours; name an empty database", ErrForeignDatabase, strings.ToValidUTF8(name, "?"))
}

// foreignMigrations finds a migration table with applied migrations that did not create our tables.
func foreignMigrations(ctx context.Context, db *sql.DB) (name string, err error) {
	var there bool
	err = db.QueryRowContext(ctx, "SELECT "+here("goose_db_version")+" AND NOT "+here("devices")).Scan(&there)
	if err != nil || !there {
		return "", err
	}
	// Asked once more with it: a migration may be under way, which makes both at one moment.
	err = db.QueryRowContext(ctx, `SELECT coalesce(max('goose_db_version'), '') FROM goose_db_version
		WHERE is_applied AND version_id > 0 AND NOT `+here("devices")).Scan(&name)
	return name, err
}

// here is a condition: the schema that the migrations use has a table of this name. Other schemas of the search path do not count.
func here(table string) string {
	return `EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace(current_schema()) AND relname = '` + table + `')`
}
