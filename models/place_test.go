package models_test

import (
	"path/filepath"
	"testing"

	"latchkey/models"
)

func TestPlaceNamesTheDatabaseWithoutItsPassword(t *testing.T) {
	t.Parallel()
	whole, err := filepath.Abs("data/latchkey.db")
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"sqlite:data/latchkey.db": "SQLite database " + whole,
		"sqlite:/srv/latchkey.db": "SQLite database /srv/latchkey.db",
		"postgres://ada:hunter2@db1:5432,db2:5433/people?sslmode=prefer": "PostgreSQL database people at db1:5432, db2:5433",
		"postgres://ada:hunter2@db1/people?sslmode=disable":              "PostgreSQL database people at db1:5432",
		"postgres://ada:hunter2@db1:hunter2/people":                      "database",
	} {
		if got := models.Place(url); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
}
