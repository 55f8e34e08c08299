package models_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestOnlyACoordinatorOfCitusIsDistributed(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		if modelstest.OnCitus() {
			return
		}
		u := addUser(t, s)
		if did, err := s.Distribute(t.Context()); !errors.Is(err, models.ErrNotCitus) || len(did) != 0 {
			t.Errorf("%q, %v", did, err)
		}
		if _, err := s.UserByEmail(t.Context(), u.EmailKey); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
	needCitus(t)
	s := open(t, models.Config{URL: modelstest.SharedCitus(t).Database(t)})
	if _, err := s.Distribute(t.Context()); !errors.Is(err, models.ErrNotCitus) {
		t.Errorf("without a schema: %v", err)
	}
}

// Accounts that were there before have the same rights to their addresses afterwards, and so do those who left one.
func TestDistributionOverCitusKeepsWhatIsThere(t *testing.T) {
	needCitus(t)
	url := modelstest.SharedCitus(t).Database(t)
	s := migrated(t, models.Config{URL: url})
	u, left := addUser(t, s), addUser(t, s)
	phone, out := add(t, s, inPlace(signIn(u.ID, models.KindApp, "phone", noon), 1)), add(t, s, inPlace(signIn(u.ID, models.KindApp, "out", noon), 2))
	exec(t, s, "UPDATE devices SET expires_at = now() + interval '1 day'")
	exec(t, s, "UPDATE status_indexes SET expires_at = now() + interval '1 day'")
	if _, _, err := s.RevokeDevice(t.Context(), keyOf(out), event(models.EventDeviceRevoked, u.ID, noon.Add(time.Minute))); err != nil {
		t.Fatal(err)
	}
	id := "backend-1"
	if err := s.ChangeBackendFields(t.Context(), u.ID, models.BackendChange{ExternalID: &id}, event(models.EventDetailsChanged, u.ID, noon)); err != nil {
		t.Fatal(err)
	}
	moved(t, s, left, "elsewhere@example.org", noon)

	server := open(t, models.Config{URL: url})
	if _, err := server.UserByEmail(t.Context(), u.EmailKey); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Distribute(t.Context()); !errors.Is(err, models.ErrNotCitus) {
		t.Errorf("while a server runs: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	did, err := s.Distribute(t.Context())
	for range 100 {
		if !errors.Is(err, models.ErrNotCitus) { // its connections end a moment later
			break
		}
		time.Sleep(50 * time.Millisecond)
		did, err = s.Distribute(t.Context())
	}
	if err != nil || !slices.Contains(did, "users: over the nodes, by id") || !slices.Contains(did, "clients: a copy on each node") {
		t.Fatalf("%q, %v", did, err)
	}
	if again, err := s.Distribute(t.Context()); err != nil || len(again) != 0 {
		t.Errorf("once more: %q, %v", again, err)
	}
	for name, s := range map[string]*models.Store{"the same program": s, "another one": open(t, models.Config{URL: url})} {
		if found, err := s.UserByEmail(t.Context(), u.EmailKey); err != nil || found.ID != u.ID {
			t.Errorf("%s: %v, %v", name, found.ID, err)
		}
		if found, err := s.UserByExternalID(t.Context(), id); err != nil || found.ID != u.ID {
			t.Errorf("%s: by external id: %v, %v", name, found.ID, err)
		}
		for _, taken := range []struct {
			email, external string
			want            error
		}{{u.EmailKey, "", models.ErrDuplicate}, {left.EmailKey, "", models.ErrHeld}, {name + "@example.org", id, models.ErrExternalID}} {
			other := models.User{ID: models.NewID(noon), Email: taken.email, EmailKey: taken.email, ExternalID: taken.external, PasswordHash: password, Role: models.RoleUser, CreatedAt: noon}
			if err := s.AddUser(t.Context(), other, event(models.EventAccountCreated, other.ID, noon)); !errors.Is(err, taken.want) {
				t.Errorf("%s: %+v: %v", name, taken, err)
			}
		}
		if list, err := revokedPlaces(t, s, noon); err != nil || !slices.Equal(list, []int64{2}) {
			t.Errorf("%s: places %v, %v", name, list, err)
		}
	}
	if got := rotate(t, s, present(phone, 1, noon)); got.Outcome != models.Rotated {
		t.Errorf("a refresh: %+v", got)
	}
}

// A statement that Citus does not support is our mistake: to try again does not help.
func TestAStatementThatIsNotSupportedIsNotUnavailable(t *testing.T) {
	needCitus(t)
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		_, err := s.Pools()[0].ExecContext(t.Context(), "UPDATE events SET user_id = $1 WHERE user_id = $2", uuid.Nil, u.ID)
		if err = models.WrapErr("move events", err); errors.Is(err, models.ErrUnavailable) || err == nil || !strings.Contains(err.Error(), "0A000") {
			t.Errorf("%v", err)
		}
	})
}

func TestEveryTableHasItsPlaceOnCitus(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
		if s.Dialect() == "postgres" {
			query = "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(current_schema()) AND relkind = 'r' AND relname NOT LIKE 'citus%'"
		}
		rows, err := s.Pools()[0].QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		var there int
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			there++
			if shard := regexp.MustCompile(`_\d{6,}$`); !slices.Contains(models.PlacedTables(), shard.ReplaceAllString(name, "")) {
				t.Errorf("%s has no line in placements (distribute.go)", name)
			}
		}
		if err := rows.Err(); err != nil || there < len(models.PlacedTables())-2 { // only Citus has addresses and external_ids
			t.Errorf("%d tables, %v", there, err)
		}
	})
}

// What a migration of a later release does in its transaction: columns and indexes of tables that lie on all nodes, and a row that says so. A
// table that it makes gets its place.
func TestALaterMigrationRunsOnCitus(t *testing.T) {
	needCitus(t)
	s := open(t, models.Config{URL: modelstest.SharedCitus(t).Distributed(t)})
	u := addUser(t, s)
	tx, err := s.Pools()[0].BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"ALTER TABLE users ADD COLUMN later timestamptz", "CREATE INDEX users_later ON users (later) WHERE later IS NOT NULL", "UPDATE users SET later = created_at",
		"ALTER TABLE clients ADD COLUMN later text NOT NULL DEFAULT ''", "ALTER TABLE mails ADD COLUMN later text NOT NULL DEFAULT ''",
		"DROP TABLE webhook_messages", "CREATE TABLE webhook_messages (hook_id text NOT NULL, user_id uuid NOT NULL, event_id uuid NOT NULL, PRIMARY KEY (hook_id, user_id, event_id))",
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, true), (9001, true)", "DELETE FROM goose_db_version WHERE version_id >= 9000",
	} {
		if _, err := tx.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	did, err := s.Distribute(t.Context())
	if err != nil || !slices.Equal(did, []string{"webhook_messages: on the coordinator, for all nodes"}) {
		t.Errorf("%q, %v", did, err)
	}
	if got := user(t, s, u); got.EmailKey != u.EmailKey || count(t, s, "SELECT count(*) FROM users WHERE later IS NOT NULL") != 1 {
		t.Errorf("%+v", got)
	}
	addUser(t, s)
}
