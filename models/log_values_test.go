package models_test

import (
	"strings"
	"sync"
	"testing"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// gorm's Scan formats statements with its own recorder, which ignores the logger. They must not contain what people typed.
func TestNoStatementIsWrittenOutWithItsValues(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		var statements []string
		s := migrated(t, models.Config{URL: url, OnStatement: func(sql string) {
			mu.Lock()
			defer mu.Unlock()
			statements = append(statements, sql)
		}})
		const typed = "hunter2-typed-in-the-wrong-field"
		if _, err := s.SignInFacts(t.Context(), models.SignInQuestion{EmailKey: typed, ClientID: typed, Keys: [][]byte{[]byte(typed)}, At: noon}); err != nil { // by Scan
			t.Fatal(err)
		}
		if _, err := s.UserByEmail(t.Context(), typed); err == nil { // by Take
			t.Fatal("found")
		}
		mu.Lock()
		defer mu.Unlock()
		if len(statements) < 2 {
			t.Fatalf("%d statements were seen", len(statements))
		}
		for _, sql := range statements {
			if strings.Contains(sql, typed) {
				t.Errorf("a value is in the statement: %s", sql)
			}
		}
	})
}
