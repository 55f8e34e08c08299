package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// fill writes a crowd into a migrated database. With packed, the indexes of devices and events are made afterwards, which is faster and
// leaves them smaller than rows that come one by one.
func (c crowd) fill(b testing.TB, url string, packed bool) {
	b.Helper()
	db, write, finish := openToFill(b, url)
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var later []string
	if packed {
		later = dropIndexes(b, conn, strings.HasPrefix(url, "sqlite:"))
	}
	for _, t := range c.tables() {
		began := time.Now()
		if err := write(b.Context(), conn, t); err != nil {
			b.Fatalf("fill %s: %v", t.name, err)
		}
		b.Logf("filled %s in %v", t.name, time.Since(began).Round(time.Second))
	}
	for _, statement := range append(later, finish...) {
		began := time.Now()
		if _, err := conn.ExecContext(b.Context(), statement); err != nil {
			b.Fatalf("%s: %v", statement, err)
		}
		b.Logf("%v: %s", time.Since(began).Round(time.Second), statement)
	}
}

func openToFill(b testing.TB, url string) (db *sql.DB, write func(context.Context, *sql.Conn, table) error, finish []string) {
	b.Helper()
	path, isSQLite := strings.CutPrefix(url, "sqlite:")
	driverName, dsn := "pgx", url
	if isSQLite {
		driverName, dsn = "sqlite", "file:"+path+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-2000000)&_pragma=temp_store(2)"
	}
	db, err := sql.Open(driverName, dsn)
	if err != nil {
		b.Fatal(err)
	}
	if isSQLite {
		return db, insertAll, nil // no ANALYZE: the server makes none, so its plans go without the statistics
	}
	return db, copyAll, []string{"VACUUM ANALYZE users", "VACUUM ANALYZE devices", "VACUUM ANALYZE events", "VACUUM ANALYZE status_indexes", "VACUUM ANALYZE known_places"}
}

// copyAll writes a table by COPY.
func copyAll(ctx context.Context, conn *sql.Conn, t table) error {
	next, stop := iter.Pull(t.rows)
	defer stop()
	return conn.Raw(func(dc any) error {
		pc := dc.(*stdlib.Conn).Conn()
		if _, err := pc.Exec(ctx, "SET synchronous_commit = off; SET maintenance_work_mem = '1GB'"); err != nil {
			return err
		}
		_, err := pc.CopyFrom(ctx, pgx.Identifier{t.name}, strings.Split(t.columns, ", "), pgx.CopyFromFunc(func() ([]any, error) {
			row, ok := next()
			for i, v := range row {
				if u, is := v.(uuid.UUID); is {
					row[i] = [16]byte(u)
				}
			}
			if !ok {
				return nil, nil
			}
			return row, nil
		}))
		return err
	})
}

// insertAll writes a table by a prepared statement, with values as the store writes them.
func insertAll(ctx context.Context, conn *sql.Conn, t table) error {
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", strings.Count(t.columns, ",")+1), ", ")
	insert, err := conn.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.name, t.columns, marks))
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }()
	for row := range t.rows {
		for i, v := range row {
			switch v := v.(type) {
			case time.Time:
				row[i] = v.UnixMicro()
			case driver.Valuer:
				if row[i], err = v.Value(); err != nil {
					return err
				}
			}
		}
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// dropIndexes drops the indexes of devices and events that are no constraints, and returns what makes them again.
func dropIndexes(b testing.TB, conn *sql.Conn, isSQLite bool) (later []string) {
	b.Helper()
	names := map[string]string{}
	query := `SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('devices', 'events') AND indexname NOT LIKE '%_pkey'`
	if isSQLite {
		query = `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('devices', 'events') AND sql IS NOT NULL`
	}
	rows, err := conn.QueryContext(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			b.Fatal(err)
		}
		names[name] = definition
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	for name, definition := range names {
		if _, err := conn.ExecContext(b.Context(), "DROP INDEX "+name); err != nil {
			b.Fatal(err)
		}
		later = append(later, definition)
	}
	return later
}
