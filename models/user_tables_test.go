package models_test

import (
	"slices"
	"testing"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// tablesOfUsers are the tables that have a user_id or refer to users, as the database says.
func tablesOfUsers(t *testing.T, s *models.Store) (list []string) {
	t.Helper()
	query := `SELECT t.name FROM sqlite_master t WHERE t.type = 'table' AND (EXISTS (SELECT 1 FROM pragma_table_info(t.name) c WHERE c.name = 'user_id')
		OR EXISTS (SELECT 1 FROM pragma_foreign_key_list(t.name) f WHERE f."table" = 'users'))`
	if s.Dialect() == "postgres" {
		query = `SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = 'user_id'
			UNION SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confrelid = 'users'::regclass`
	}
	rows, err := s.Pools()[0].QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		list = append(list, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(slices.Values(list))
}

func TestEveryTableOfUsersStandsInTheList(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		var listed []string
		for _, table := range models.UserTables {
			listed = append(listed, table.Name)
			if table.Deleted < models.RowsDeleted || table.Deleted > models.RowsUntilSent {
				t.Errorf("nothing is said about the rows of %s when their account is deleted", table.Name)
			}
		}
		if modelstest.OnCitus() { // a deletion frees them by their own keys
			listed = append(listed, "addresses", "external_ids")
		}
		slices.Sort(listed)
		if got := tablesOfUsers(t, s); !slices.Equal(got, listed) {
			t.Errorf("models.UserTables has\n%q, the schema has\n%q", listed, got)
		}

		if modelstest.OnCitus() {
			return // a table that refers to users would have to lie beside it
		}
		// The same question finds a table that a migration would add.
		exec(t, s, "CREATE TABLE a_new_one (user_id text NOT NULL)")
		exec(t, s, "CREATE TABLE another (owner "+map[bool]string{true: "uuid", false: "text"}[s.Dialect() == "postgres"]+" REFERENCES users (id))")
		if got := tablesOfUsers(t, s); !slices.Contains(got, "a_new_one") || !slices.Contains(got, "another") {
			t.Errorf("new tables are overlooked: %q", got)
		}
	})
}
