package models_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// migratedTo makes a database as an older release left it.
func migratedTo(t *testing.T, url string, version int64) *models.Store {
	t.Helper()
	s := open(t, models.Config{URL: url})
	dialect := goose.DialectSQLite3
	if s.Dialect() == "postgres" {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, s.Pools()[0], os.DirFS("migrations/"+s.Dialect()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	return s
}

// An account that changed its address a → b → c → d before the upgrade, and one that never did.
func TestAddressesFromBeforeKeepTheirOrder(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := migratedTo(t, url, 4)
		run := func(q string, args ...any) {
			t.Helper()
			if _, err := s.Pools()[0].ExecContext(t.Context(), q, args...); err != nil {
				t.Fatal(err)
			}
		}
		moved, still := models.NewID(noon), models.NewID(noon.Add(time.Second))
		for id, key := range map[string]string{moved.String(): "d", still.String(): "still"} {
			run("INSERT INTO users (id, email, email_key, password_hash, password_changed_at, role, created_at, updated_at) VALUES ($1, $2, $2, 'hash-1', $3, 'user', $3, $3)", id, key, noon)
		}
		at := noon.Add(100 * day)
		// The last change was made by a replica whose clock was behind.
		for i, change := range []time.Time{at, at.Add(3 * day), at.Add(3*day - time.Minute)} {
			run("INSERT INTO events (user_id, id, at, kind, actor) VALUES ($1, $2, $3, 'email_changed', 'owner')", moved, models.NewID(change), change)
			key := string(rune('a' + i))
			run("INSERT INTO former_addresses (hash, user_id, email, email_key, seq, created_at, expires_at) VALUES ($1, $2, $3, $3, $4, $5, $6)", hashOf(key), moved, key, i+1, change, change.Add(holdFor))
		}
		for name, c := range map[string]time.Time{"to a": at.Add(-day), "to b": at.Add(day), "to d": at.Add(3*day + time.Hour)} {
			run("INSERT INTO one_time_tokens (hash, user_id, purpose, subject, box, created_at, expires_at) VALUES ($1, $2, 'alarm', $3, $4, $5, $6)", hashOf(name), moved, "all "+name, []byte{}, c, c.Add(holdFor))
		}
		run("INSERT INTO one_time_tokens (hash, user_id, purpose, subject, box, created_at, expires_at) VALUES ($1, $2, 'alarm', 'all', $3, $4, $5)", hashOf("to still"), still, []byte{}, noon.Add(time.Hour), noon.Add(holdFor))

		if n, err := s.Migrate(t.Context()); err != nil || n == 0 {
			t.Fatal(n, err)
		}
		for name, want := range map[string]string{"to a": "a", "to b": "b", "to d": "d", "to still": "still"} {
			if link, err := s.FindOneTime(t.Context(), "alarm", hashOf(name), noon); err != nil || link.MailedTo != want {
				t.Errorf("the alarm %s went to %q, %v", name, link.MailedTo, err)
			}
		}
		now := at.Add(4 * day)
		u := user(t, s, models.User{ID: moved})
		ways, err := s.WaysBack(t.Context(), u, now)
		if got := fmt.Sprint(ways); err != nil || len(ways) != 3 || ways[0].Later || ways[1].Later || ways[2].Later {
			t.Errorf("the ways back are %s, %v", got, err)
		}
		if _, err := s.ChangePassword(t.Context(), models.PasswordChange{UserID: moved, Proof: models.Proof{Verified: password}, Hash: password, At: now, Event: event(models.EventPasswordChanged, moved, now)}); err != nil {
			t.Fatal(err)
		}
		if f, err := s.UndoEmailChange(t.Context(), undo("b", now)); err != nil || f.EmailKey != "b" {
			t.Fatal(f, err)
		}
		if _, err := s.UndoEmailChange(t.Context(), undo("c", now)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("the later address: %v", err)
		}
		if _, err := s.UndoEmailChange(t.Context(), undo("a", now)); err != nil {
			t.Errorf("the first address: %v", err)
		}
	})
}

// Rows that the previous release writes beside the new schema: it sets neither since nor used_at.
func TestTheReleaseBeforeWritesBesideTheNewSchema(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		x := newTheft(t, s)
		owner := x.u.EmailKey
		insert := "INSERT INTO former_addresses (hash, user_id, email, email_key, seq, created_at, expires_at) VALUES ($1, $2, $3, $3, $4, $5, $6)"
		for i, address := range []string{owner, "evil1@example.org"} {
			if _, err := s.Pools()[0].ExecContext(t.Context(), insert, hashOf(address), x.u.ID, address, i+1, noon, noon.Add(holdFor)); err != nil {
				t.Fatal(err)
			}
			x.links[address] = []string{address}
		}
		exec(t, s, "UPDATE users SET email = 'evil2@example.org', email_key = 'evil2@example.org' WHERE id = '"+x.u.ID.String()+"'")
		x.u = user(t, s, x.u)
		for _, act := range x.acts() {
			act()
		}
		x.wait(6 * day)
		x.move("evil3@example.org")
		x.wait(6 * day)
		if !x.back(owner) || x.back("evil1@example.org") || x.back("evil2@example.org") {
			t.Errorf("the address is %s", x.u.EmailKey)
		}
	})
}

// The release before inserts and reads accounts and devices without the columns of second factors.
func TestTheReleaseBeforeSecondFactorsWorksBesideTheNewSchema(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := migratedTo(t, url, 10)
		before := func(name string) (models.User, models.Device) {
			t.Helper()
			u, d := models.User{ID: models.NewID(noon)}, models.Device{ID: models.NewID(noon)}
			d.UserID = u.ID
			exec(t, s, `INSERT INTO users (id, email, email_key, password_hash, password_changed_at, role, created_at, updated_at)
				VALUES (?, ?, ?, ?, ?, 'user', ?, ?)`, u.ID.String(), name, name, password, noon, noon, noon)
			exec(t, s, `INSERT INTO devices (user_id, id, kind, name, client_id, created_at, last_seen_at, expires_at, secret_hash, generation, base, floor, rotated_at)
				VALUES (?, ?, 'app', ?, 'app-1', ?, ?, ?, ?, 1, 0, 1, ?)`, u.ID.String(), d.ID.String(), name, noon, noon, noon.Add(lifetime), secretOf(d.ID), noon)
			return u, d
		}
		u, d := before("upgraded")
		if n, err := s.Migrate(t.Context()); err != nil || n == 0 {
			t.Fatal(n, err)
		}
		beside, its := before("beside")
		for _, of := range []struct {
			u models.User
			d models.Device
		}{{u, d}, {beside, its}} {
			if got := user(t, s, of.u); got.SecondFactor || got.FactorsVersion != 0 {
				t.Errorf("%+v", got)
			}
			if r := rotate(t, s, present(of.d, 1, noon)); r.Outcome != models.Rotated || !r.Device.Proved().Equal(noon) || r.Device.ProvedBy != "" {
				t.Errorf("%+v", r)
			}
			if got := device(t, s, of.d); got.SignedInBy != "" || got.ProvedAt != nil || got.FormerHash != nil {
				t.Errorf("%+v", got)
			}
			add(t, s, signIn(of.u.ID, models.KindBrowser, "browser", noon))
			addFactors(t, s, of.u, noon, authenticatorApp())
			exec(t, s, "DELETE FROM devices WHERE user_id = ?", of.u.ID.String())
			exec(t, s, "DELETE FROM users WHERE id = ?", of.u.ID.String())
			if n := rows(t, s, "factors", "user_id", of.u.ID.String()); n != 0 {
				t.Errorf("%d factors of an account that is gone", n)
			}
		}
	})
}
