package main

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
)

// sizes are the bytes of a database's tables without indexes, of the indexes, and which table an index is of.
type sizes struct {
	tables, indexes map[string]int64
	of              map[string]string
}

const (
	postgresSizes = `SELECT c.relname, t.relname, pg_relation_size(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
		JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = 'public'
		UNION ALL SELECT c.relname, '', pg_table_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'`
	sqliteSizes = `SELECT s.name, CASE m.type WHEN 'index' THEN m.tbl_name ELSE '' END, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY s.name`
)

func measureSizes(b testing.TB, db *sql.DB, isSQLite bool) sizes {
	b.Helper()
	statement := postgresSizes
	if isSQLite {
		statement = sqliteSizes
	}
	s := sizes{map[string]int64{}, map[string]int64{}, map[string]string{}}
	rows, err := db.QueryContext(b.Context(), statement)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, table string
		var n int64
		if err := rows.Scan(&name, &table, &n); err != nil {
			b.Fatal(err)
		}
		if table == "" {
			s.tables[name] = n
		} else {
			s.indexes[name], s.of[name] = n, table
		}
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return s
}

// with is the size of a table with its indexes.
func (s sizes) with(table string) int64 {
	sum := s.tables[table]
	for name, n := range s.indexes {
		if s.of[name] == table {
			sum += n
		}
	}
	return sum
}

// rows says what a row of a crowd takes on the disk.
func (s sizes) rows(c crowd) [][2]string {
	pair := func(table string, n int) string {
		return fmt.Sprintf("%.0f, %.0f", float64(s.tables[table])/float64(n), float64(s.with(table))/float64(n))
	}
	all := int64(0)
	for table := range s.tables {
		all += s.with(table)
	}
	return [][2]string{
		{"bytes of a device without and with its indexes", pair("devices", c.devices)},
		{"bytes of an event without and with its indexes", pair("events", c.events())},
		{"bytes of an account, an entry of the status lists, a known origin, with indexes", fmt.Sprintf("%.0f, %.0f, %.0f",
			float64(s.with("users"))/float64(c.accounts()), float64(s.with("status_indexes"))/float64(c.others()), float64(s.with("known_places"))/float64(c.others()))},
		{"the database, GB", fmt.Sprintf("%.2f", float64(all)/1e9)},
	}
}

// indexLines names the indexes of the large tables, the largest first, with their bytes for each row of their table.
func (s sizes) indexLines(c crowd, scans map[string]int64) (lines []string) {
	n := map[string]int{"devices": c.devices, "events": c.devices * c.each, "users": c.accounts(), "status_indexes": c.others(), "known_places": c.others()}
	names := make([]string, 0, len(s.indexes))
	for name := range s.indexes {
		if n[s.of[name]] > 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return int(s.indexes[b] - s.indexes[a]) })
	for _, name := range names {
		line := fmt.Sprintf("| `%s` of %s | %.1f MB | %.1f |", name, s.of[name], float64(s.indexes[name])/1e6, float64(s.indexes[name])/float64(n[s.of[name]]))
		if scans != nil {
			line += fmt.Sprintf(" %d |", scans[name])
		}
		lines = append(lines, line)
	}
	return lines
}

// scansOf is how often PostgreSQL has used each index since the statistics were reset.
func scansOf(b testing.TB, db *sql.DB) map[string]int64 {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), `SELECT indexrelname, idx_scan FROM pg_stat_user_indexes`)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	scans := map[string]int64{}
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			b.Fatal(err)
		}
		scans[name] = n
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return scans
}
