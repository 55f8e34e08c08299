package models_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestTheConditionOfADatabase(t *testing.T) {
	t.Parallel()
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := open(t, models.Config{URL: url, Conns: 2})
		c, err := s.Condition(t.Context())
		if err != nil || c.Applied != 0 || c.Known == 0 || c.Pending == 0 || c.Version == "" || c.Pooled || c.ReadOnly {
			t.Errorf("without a schema: %+v, %v", c, err)
		}
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, err = s.Condition(t.Context())
		if err != nil || c.Applied != c.Known || c.Pending != 0 || c.Ahead.Abs() > time.Second {
			t.Errorf("migrated: %+v, %v", c, err)
		}
		if (s.Dialect() == "postgres") != (c.Most > 2) {
			t.Errorf("%d connections are allowed", c.Most)
		}
		if s.Dialect() == "postgres" {
			exec(t, s, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 7', current_database()); END $$")
			if most, err := s.MostConns(t.Context()); err != nil || most != 7 {
				t.Errorf("%d connections are allowed, want 7; %v", most, err)
			}
		}
	})
}

func TestTheConditionTellsAPooler(t *testing.T) {
	t.Parallel()
	w, _ := layPooler(t, modelstest.Postgres(t))
	s := migrated(t, models.Config{URL: w.url, Conns: 4})
	if c, err := s.Condition(t.Context()); err != nil || !c.Pooled || c.Pending != 0 || c.Most != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// Who only looks changes neither the file nor its mode nor its journal.
func TestALookAtAnSQLiteFileChangesNothing(t *testing.T) {
	t.Parallel()
	absent := modelstest.SQLite(t)
	if s, err := models.Open(t.Context(), models.Config{URL: absent, Look: true}); !errors.Is(err, models.ErrNoDatabase) {
		t.Errorf("%v, %v", s, err)
	}
	url := modelstest.MigratedSQLite(t)
	path := strings.TrimPrefix(url, "sqlite:")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	journal(t, url, "DELETE") // as a copy may have it
	s := open(t, models.Config{URL: url, Look: true})
	var mode string
	if err := s.Pools()[0].QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&mode); err != nil || mode != "delete" {
		t.Errorf("the journal is %q, %v", mode, err)
	}
	if _, err := s.CountUsers(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.CheckWrite(t.Context(), []byte{1}, noon); err == nil {
		t.Error("a write succeeds")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
	if f, err := models.DescribeSQLite(url); err != nil || len(f.Shared) != 0 {
		t.Errorf("in a private folder: %+v, %v", f, err)
	}
	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := models.DescribeSQLite(url)
	if err != nil || f.Size == 0 || f.Free <= 0 || len(f.Shared) == 0 || f.Shared[0] != path || len(f.Locked) != 0 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := models.DescribeSQLite("postgres://db/x"); !errors.Is(err, models.ErrNotSQLite) {
		t.Error(err)
	}
}

// journal sets the mode of a file's journal.
func journal(t *testing.T, url, mode string) {
	t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), "PRAGMA journal_mode = "+mode)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestLateMailsAreThoseThatWereDue(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		add := func(written, due time.Time) {
			t.Helper()
			err := s.AddMail(t.Context(), models.MailWithLinks{Mail: &models.OutgoingMail{ID: models.NewID(written), Kind: "test", Recipient: "a@example.com",
				Sealed: []byte{1}, CreatedAt: written, NextAt: due, Priority: models.MailRest}})
			if err != nil {
				t.Fatal(err)
			}
		}
		want := func(n int64, oldest time.Time) {
			t.Helper()
			got, err := s.LateMails(t.Context(), noon, 2)
			if err != nil || got.Waiting != n || !got.Oldest.Equal(oldest) {
				t.Errorf("%+v, %v", got, err)
			}
		}
		add(noon.Add(time.Minute), noon.Add(time.Minute))
		want(0, time.Time{})
		add(noon.Add(-2*time.Hour), noon.Add(time.Hour)) // for later
		want(0, time.Time{})
		if _, err := s.ClaimMail(t.Context(), models.MailRest, noon.Add(time.Hour), noon.Add(2*time.Hour)); err != nil { // tried, the one of noon
			t.Fatal(err)
		}
		want(0, time.Time{})
		add(noon.Add(-time.Hour), noon.Add(-time.Minute))
		want(1, noon.Add(-time.Hour))
		if _, err := s.ClaimMail(t.Context(), models.MailRest, noon, noon.Add(time.Hour)); err != nil { // tried, and due again later
			t.Fatal(err)
		}
		want(1, noon.Add(-time.Hour))
		add(noon.Add(-time.Minute), noon.Add(-time.Minute))
		add(noon.Add(-time.Second), noon.Add(-time.Second))
		want(2, noon.Add(-time.Hour)) // up to the limit
	})
}
