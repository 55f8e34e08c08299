package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// openAt opens the store of a database that has a schema.
func openAt(t *testing.T, url string) *models.Store {
	t.Helper()
	store, err := models.Open(t.Context(), models.Config{URL: url, Conns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// execAt runs a statement on a database.
func execAt(t *testing.T, url, statement string, args ...any) {
	t.Helper()
	store := openAt(t, url)
	if _, err := store.Pools()[0].ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

func onSQLite(url string) bool { return strings.HasPrefix(url, "sqlite:") }

func TestDoctorComparesTheSchemaAndChangesNothing(t *testing.T) {
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	modelstest.EachURL(t, func(t *testing.T, url string) {
		r := askDoctor(t, url)
		r.want(t, "database", levelWarning, "LATCHKEY_DATABASE names another")
		for _, check := range []string{"keys", "outbox", "logout", "webhooks"} {
			r.want(t, check, levelSkipped)
		}
		if onSQLite(url) {
			if _, err := os.Stat(strings.TrimPrefix(url, "sqlite:")); err == nil {
				t.Error("the doctor made a database")
			}
		}
		must(t, url, "", "migrate")
		r = askDoctor(t, url)
		r.want(t, "database", levelOK, "its schema is current", map[bool]string{true: "SQLite 3.", false: "PostgreSQL 1"}[onSQLite(url)])
		r.want(t, "keys", levelOK, "none yet")

		execAt(t, url, "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
		before := contents(t, url)
		askDoctor(t, url).want(t, "database", levelWarning, "older", "1 migration", "latchkey migrate")
		if contents(t, url) != before {
			t.Error("the doctor changed the file")
		}
		execAt(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
		askDoctor(t, url).want(t, "database", levelProblem, "9999, newer")
	})
}

// contents is a checksum of the file of an SQLite database, and "" of PostgreSQL.
func contents(t *testing.T, url string) string {
	t.Helper()
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok {
		return ""
	}
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	return string(sum[:])
}

func TestDoctorTellsADatabaseThatCannotBeUsed(t *testing.T) {
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	modelstest.EachURL(t, func(t *testing.T, url string) {
		store := openAt(t, url)
		if _, err := store.Pools()[0].ExecContext(t.Context(), "CREATE TABLE devices (id integer)"); err != nil {
			t.Fatal(err)
		}
		_ = store.Close()
		askDoctor(t, url).want(t, "database", levelProblem, "devices", "LATCHKEY_DATABASE")
	})
	t.Run("nothing listens", func(t *testing.T) {
		r := askDoctor(t, "postgres://latchkey:hunter2hunter2@127.0.0.1:1/latchkey")
		r.want(t, "database", levelProblem, "refused", "Start the database")
		r.want(t, "clock", levelSkipped)
	})
	t.Run("no URL", func(t *testing.T) {
		askDoctor(t, "mysql://latchkey:hunter2hunter2@db/latchkey").want(t, "database", levelProblem, "sqlite:PATH or a postgres:// URL")
	})
	t.Run("read-only", func(t *testing.T) {
		url := modelstest.MigratedPostgres(t)
		execAt(t, url, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
		askDoctor(t, url).want(t, "database", levelProblem, "read-only", "primary")
	})
}

func TestDoctorJudgesTheFileOfTheDatabase(t *testing.T) {
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	url := modelstest.MigratedSQLite(t)
	path := strings.TrimPrefix(url, "sqlite:")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	askDoctor(t, url).want(t, "database", levelOK) // its folder is private
	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	askDoctor(t, url).want(t, "database", levelWarning, "may read or change "+path, "chmod")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the doctor changed the mode: %v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(path + "-wal")
	askDoctor(t, url).want(t, "database", levelProblem, path)
}

// What a command that root ran has made, the server may not write.
func TestDoctorTellsFilesThatItsUserMayNotWrite(t *testing.T) {
	dir, err := os.MkdirTemp("", "latchkey-locked-") // t.TempDir's parent is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700); _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "latchkey.db")
	must(t, "sqlite:"+file, "", "migrate")
	for path, mode := range map[string]os.FileMode{file: 0o444, dir: 0o555} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	o := launchAs(t, dir, unprivileged(), on("sqlite:"+file), "doctor", "--json").end(t, time.Minute)
	readReport(t, o).want(t, "database", levelProblem, "may not write "+file+", "+dir, "chown")
}

// The function stands before PostgreSQL's own in the search path.
func TestDoctorComparesTheClocks(t *testing.T) {
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	url := modelstest.MigratedPostgres(t)
	askDoctor(t, url).want(t, "clock", levelOK, "agree within ")
	for _, c := range []struct{ ahead, level, says string }{
		{"3.5 seconds", levelWarning, "clock is 3."}, {"-20.5 seconds", levelProblem, "s behind"}, {"350 milliseconds", levelOK, "agree within 3"},
	} {
		execAt(t, url, "CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.clock_timestamp() + interval '"+c.ahead+"' $$")
		askDoctor(t, url+"&search_path=public,pg_catalog").want(t, "clock", c.level, c.says)
	}
}

func TestDoctorFindsWhatIsLate(t *testing.T) {
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		store, now := openAt(t, url), time.Now()
		mail := func(written, due time.Time) {
			t.Helper()
			err := store.AddMail(t.Context(), models.MailWithLinks{Mail: &models.OutgoingMail{ID: models.NewID(written), Kind: "test", Recipient: ada,
				Sealed: []byte{1}, CreatedAt: written, NextAt: due, Priority: models.MailRest}})
			if err != nil {
				t.Fatal(err)
			}
		}
		mail(now.Add(-time.Minute), now)                // on its way
		mail(now.Add(-time.Hour), now.Add(time.Minute)) // written for later
		hook := models.Webhook{ID: "wh_one", URL: "https://hooks.example.com/" + "hunter2hunter2", Kinds: models.AllKinds, Secret: []byte{1}, CreatedAt: now}
		if err := store.AddWebhook(t.Context(), hook); err != nil {
			t.Fatal(err)
		}
		for _, c := range []models.Client{{ID: "shop", Name: "Shop", CreatedAt: now, BackchannelLogoutURI: "https://shop.example.com/out"}, {ID: "untold", Name: "Untold", CreatedAt: now}} {
			if err := store.AddClient(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		notice := func(client string, at time.Time) {
			t.Helper()
			execAt(t, url, "INSERT INTO logout_notices (user_id, device_id, client_id, created_at, next_at, tries) VALUES ($1, $2, $3, $4, $5, 1)",
				uuid.New(), uuid.New(), client, at, now.Add(time.Minute))
		}
		notice("shop", now.Add(-9*time.Minute))
		notice("untold", now.Add(-time.Hour)) // is not told any more: the sweep deletes it
		r := askDoctor(t, url)
		r.want(t, "outbox", levelOK)
		r.want(t, "logout", levelOK)
		r.want(t, "webhooks", levelOK, "1 webhook")

		mail(now.Add(-20*time.Minute), now.Add(-20*time.Minute))
		late := models.WebhookMessage{HookID: hook.ID, UserID: uuid.New(), EventID: uuid.New(), Kind: models.EventAccountDeleted, At: now.Add(-11 * time.Minute), NextAt: now}
		execAt(t, url, "INSERT INTO webhook_messages (hook_id, user_id, event_id, kind, at, next_at) VALUES ($1, $2, $3, $4, $5, $6)",
			late.HookID, late.UserID, late.EventID, late.Kind, late.At, late.NextAt)
		execAt(t, url, "UPDATE webhooks SET disabled_at = $1", now)
		notice("shop", now.Add(-12*time.Minute))
		notice("shop", now.Add(-11*time.Minute))
		r = askDoctor(t, url)
		r.want(t, "logout", levelWarning, "client shop", "2 sign-outs", now.Add(-12*time.Minute).UTC().Format(time.RFC3339), "latchkey client show shop")
		r.want(t, "outbox", levelWarning, "1 mail late", "latchkey serve")
		r.want(t, "webhooks", levelWarning, "1 message", "for 11m")
		r.want(t, "webhooks", levelWarning, "wh_one is off", "latchkey webhook rotate wh_one")
	})
}

func TestDoctorOpensTheKeys(t *testing.T) {
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	modelstest.EachURL(t, func(t *testing.T, url string) {
		must(t, url, "", "migrate")
		must(t, url, "", "keys", "list")
		askDoctor(t, url).want(t, "keys", levelOK, "2 keys, all opened", "ES256")
		rows := rowsOf(t, url)

		t.Run("another secret", func(t *testing.T) {
			t.Setenv("LATCHKEY_SECRET", secretOf("b"))
			askDoctor(t, url).want(t, "keys", levelProblem, "sealed under another secret", "LATCHKEY_SECRET_PREVIOUS")
			t.Setenv("LATCHKEY_SECRET_PREVIOUS", secretOf("a"))
			askDoctor(t, url).want(t, "keys", levelWarning, "2 keys still sealed under a previous secret")
		})
		if rowsOf(t, url) != rows {
			t.Error("the doctor wrote keys")
		}
		execAt(t, url, "UPDATE signing_keys SET signs_from = $1", time.Now().Add(-time.Hour).UTC())
		askDoctor(t, url).want(t, "keys", levelWarning, "was not made")
		execAt(t, url, "UPDATE signing_keys SET signs_from = $1", time.Now().Add(time.Hour).UTC())
		askDoctor(t, url).want(t, "keys", levelProblem, "turn only from", "NTP")
	})
}

// rowsOf is what is stored of the signing keys.
func rowsOf(t *testing.T, url string) (all string) {
	t.Helper()
	store := openAt(t, url)
	keys, err := store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		all += k.KID + string(k.Sealed)
	}
	return all
}

func TestDoctorJudgesTheSecret(t *testing.T) {
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	run := func(t *testing.T, url string, settings ...string) report {
		t.Helper()
		return readReport(t, launch(t, append(settings, "LATCHKEY_DATABASE="+url, "LATCHKEY_ADDR=127.0.0.1:1"), "doctor", "--json").end(t, time.Minute))
	}
	url := modelstest.SQLite(t)
	file := filepath.Join(folderOf(url), "secret")
	run(t, url).want(t, "secret", levelOK, "none yet")
	if _, err := os.Stat(file); err == nil {
		t.Fatal("the doctor made a secret")
	}
	if o := launch(t, []string{"LATCHKEY_DATABASE=" + url}, "migrate").end(t, time.Minute); o.code != 0 {
		t.Fatal(o.stderr)
	}
	if o := launch(t, []string{"LATCHKEY_DATABASE=" + url}, "keys", "list").end(t, time.Minute); o.code != 0 {
		t.Fatal(o.stderr)
	}
	run(t, url).want(t, "secret", levelOK, "32 bytes")
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	run(t, url).want(t, "secret", levelOK) // its folder is private
	if err := os.Chmod(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	for mode, level := range map[os.FileMode]string{0o640: levelWarning, 0o604: levelWarning, 0o660: levelProblem, 0o602: levelProblem} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		run(t, url).want(t, "secret", level, file, "chmod 600")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	r := run(t, url)
	r.want(t, "secret", levelProblem, file, "bring back the one")
	r.want(t, "keys", levelSkipped)
	run(t, url, "LATCHKEY_SECRET=short").want(t, "secret", levelProblem, "LATCHKEY_SECRET")
	run(t, url, "LATCHKEY_SECRET="+secretOf("a"), "LATCHKEY_SECRET_FILE=/nowhere").want(t, "secret", levelProblem, "both set")
	run(t, "postgres://latchkey@127.0.0.1:1/latchkey").want(t, "secret", levelProblem, "must be set with PostgreSQL")
	run(t, url, "LATCHKEY_SECRET="+strings.Repeat("abcd", 16)).want(t, "secret", levelProblem, "not random")
	url = modelstest.SQLite(t)
	addUser(t, url, ada)
	run(t, url, "LATCHKEY_SECRET="+strings.Repeat("abcd", 16)).want(t, "secret", levelWarning, "not random")
}
