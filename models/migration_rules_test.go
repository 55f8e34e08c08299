package models_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The previous release runs beside the schema of the present one, and a server that starts must not wait long: a migration may add, and what it adds is
// empty. The first eight migrations came before that rule.
const firstJudged = "0009"

// heavy are the steps of the release after v0.2.0 that read a whole table. OPERATIONS.md says how long they take. No step may be added.
var heavy = []string{
	"0015 CREATE INDEX events_of_device ON events (user_id, device_id, at, id) WHERE device_id IS NOT NULL",
	"0022 CREATE INDEX users_updated_at ON users (updated_at, id)",
}

var (
	comments    = regexp.MustCompile(`(?m)--.*$`)
	createTable = regexp.MustCompile(`(?i)^CREATE TABLE (\w+) \(`)
	createIndex = regexp.MustCompile(`(?i)^CREATE (?:UNIQUE )?INDEX \w+ ON (\w+) \(.*?\)(?: WHERE (.+))?$`)
	addColumn   = regexp.MustCompile(`(?i)^ALTER TABLE (\w+) ADD COLUMN (\w+) \w+( NOT NULL)?(?: DEFAULT (.+))?$`)
	constant    = regexp.MustCompile(`(?i)^(?:'[^']*'|-?\d+|true|false)$`)
)

// statements are those of a migration, each on one line.
func statements(text string) (list []string) {
	for _, statement := range strings.Split(comments.ReplaceAllString(text, ""), ";") {
		if statement = strings.Join(strings.Fields(statement), " "); statement != "" {
			list = append(list, statement)
		}
	}
	return list
}

// schemaChanges are what the migrations since a release make: they may do anything with it, because no older program knows it.
type schemaChanges struct {
	tables  []string
	columns []string // table.column
}

// judge returns why a statement must not be in a migration, or "".
func (c *schemaChanges) judge(statement string) string {
	if made := createTable.FindStringSubmatch(statement); made != nil {
		c.tables = append(c.tables, made[1])
		return ""
	}
	if made := addColumn.FindStringSubmatch(statement); made != nil {
		table, column, required, value := made[1], made[2], made[3] != "", made[4]
		switch {
		case required && value == "":
			return "the previous release writes rows without the column"
		case value != "" && !constant.MatchString(value):
			return "each row gets a value of its own, or the column a condition"
		}
		c.columns = append(c.columns, table+"."+column)
		return ""
	}
	if made := createIndex.FindStringSubmatch(statement); made != nil {
		if slices.Contains(c.tables, made[1]) {
			return ""
		}
		for _, column := range c.columns {
			if table, name, _ := strings.Cut(column, "."); table == made[1] && regexp.MustCompile(`^`+name+` (?:<> ''|IS NOT NULL)$`).MatchString(made[2]) {
				return "" // no row has it yet
			}
		}
		return "all rows of a table are read, and nothing is written while they are: make it partial, on a new column"
	}
	return "only CREATE TABLE, ADD COLUMN and CREATE INDEX are known to be harmless to a program that runs"
}

func TestMigrationsHarmNoProgramThatRuns(t *testing.T) {
	kinds := map[string][]string{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		var c schemaChanges
		var met []string
		for _, name := range migrationFiles(t, dialect) {
			number, _, _ := strings.Cut(name, "_")
			if number < firstJudged {
				continue
			}
			text, err := os.ReadFile("migrations/" + dialect + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range statements(string(text)) {
				kinds[dialect] = append(kinds[dialect], number+" "+strings.Join(strings.Fields(statement)[:3], " "))
				why := c.judge(statement)
				if known := number + " " + statement; slices.Contains(heavy, known) {
					met = append(met, known)
				} else if why != "" {
					t.Errorf("%s/%s: %s\n\t%s", dialect, name, statement, why)
				}
			}
		}
		if !slices.Equal(met, heavy) {
			t.Errorf("%s: of the heavy steps there are %q", dialect, met)
		}
	}
	if sqlite, postgres := fmt.Sprint(kinds["sqlite"]), fmt.Sprint(kinds["postgres"]); sqlite != postgres {
		t.Errorf("the databases differ:\n%s\n%s", sqlite, postgres)
	}
}

func TestTheJudgeOfMigrationsKnowsWhatBreaks(t *testing.T) {
	for statement, harmless := range map[string]bool{
		"CREATE TABLE made (id text NOT NULL CHECK (id <> ''))":                        true,
		"CREATE UNIQUE INDEX made_id ON made (id)":                                     true,
		"ALTER TABLE users ADD COLUMN fresh text NOT NULL DEFAULT ''":                  true,
		"ALTER TABLE users ADD COLUMN fresh_at timestamptz":                            true,
		"ALTER TABLE users ADD COLUMN counted bigint NOT NULL DEFAULT 0":               true,
		"CREATE INDEX users_fresh ON users (fresh) WHERE fresh <> ''":                  true,
		"CREATE INDEX users_fresh_at ON users (fresh_at) WHERE fresh_at IS NOT NULL":   true,
		"ALTER TABLE users ADD COLUMN bare text NOT NULL":                              false,
		"ALTER TABLE users ADD COLUMN at timestamptz NOT NULL DEFAULT now()":           false,
		"ALTER TABLE users ADD COLUMN at timestamp DEFAULT CURRENT_TIMESTAMP":          false,
		"ALTER TABLE users ADD COLUMN id2 uuid DEFAULT gen_random_uuid()":              false,
		"ALTER TABLE users ADD COLUMN kind text NOT NULL DEFAULT '' CHECK (kind = '')": false,
		"ALTER TABLE users ADD COLUMN other uuid REFERENCES users (id)":                false,
		"ALTER TABLE users ADD COLUMN one text UNIQUE":                                 false,
		"ALTER TABLE users ADD COLUMN n bigint GENERATED ALWAYS AS (1) STORED":         false,
		"ALTER TABLE users DROP COLUMN role":                                           false,
		"ALTER TABLE users RENAME COLUMN role TO rank":                                 false,
		"ALTER TABLE users RENAME TO people":                                           false,
		"ALTER TABLE users ALTER COLUMN role TYPE varchar(20)":                         false,
		"ALTER TABLE users ALTER COLUMN disabled_at SET NOT NULL":                      false,
		"ALTER TABLE users ADD CONSTRAINT short CHECK (length(email) < 99)":            false,
		"ALTER TABLE users ADD COLUMN a text, DROP COLUMN role":                        false,
		"CREATE INDEX devices_name ON devices (name)":                                  false,
		"CREATE UNIQUE INDEX devices_one ON devices (user_id) WHERE kind = 'app'":      false,
		"CREATE INDEX users_role ON users (role) WHERE role IS NOT NULL":               false,
		"DROP TABLE attempts":                                   false,
		"DROP INDEX events_by_kind":                             false,
		"UPDATE devices SET name = ''":                          false,
		"DELETE FROM events":                                    false,
		"INSERT INTO clients VALUES ('a', 'b', now())":          false,
		"CREATE TRIGGER t AFTER INSERT ON users BEGIN SELECT 1": false,
	} {
		c := schemaChanges{tables: []string{"made"}, columns: []string{"users.fresh", "users.fresh_at"}}
		if why := c.judge(statement); (why == "") != harmless {
			t.Errorf("%s: %q", statement, why)
		}
	}
}
