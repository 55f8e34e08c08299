package models_test

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// everyAct calls methods that use every kind of statement and transaction, and returns what failed.
func everyAct(t *testing.T, s *models.Store) map[string]error {
	t.Helper()
	failed := map[string]error{}
	note := func(name string, err error) {
		if err != nil {
			failed[name] = err
		}
	}
	id := uuid.New()
	u := models.User{ID: id, Email: id.String() + "@example.org", EmailKey: id.String() + "@example.org", PasswordHash: password, Role: models.RoleUser, CreatedAt: noon}
	note("an account", s.AddUser(t.Context(), u, event(models.EventAccountCreated, u.ID, noon)))
	note("a role", s.SetRole(t.Context(), u.ID, models.RoleUser, event(models.EventRoleChanged, u.ID, noon)))
	_, err := s.IncrementCounters(t.Context(), [][]byte{[]byte(id.String())}, noon, noon)
	note("an attempt", err)
	_, err = s.SignInFacts(t.Context(), models.SignInQuestion{EmailKey: u.EmailKey, ClientID: "x", Keys: [][]byte{{1}}, At: noon, Browser: []byte{2}, Network: []byte{3}, KnownSince: noon})
	note("what a sign-in needs", err)
	n := signIn(u.ID, models.KindApp, "phone", noon)
	n.StatusIndex, n.KnownOrigins = func(try int) int64 { return int64(uuid.New().ID()) + int64(try) }, [][]byte{[]byte("home")}
	d, err := s.AddDevice(t.Context(), n)
	note("a sign-in", err)
	if err == nil {
		r, err := s.RotateDevice(t.Context(), present(d, 1, noon))
		note("a refresh", err)
		if err == nil && r.Outcome != models.Rotated {
			t.Errorf("the refresh: %+v", r)
		}
		got, err := s.Device(t.Context(), u.ID, d.ID)
		note("a look", err)
		if err == nil && (!got.ExpiresAt.Equal(d.ExpiresAt) || got.ExpiresAt.Location() != noon.Location() || !bytes.Equal(got.SecretHash, d.SecretHash) || got.Generation != 2) {
			t.Errorf("the row came back as %+v", got)
		}
		_, err = s.RenameDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, live(noon), named("tablet"), event(models.EventDeviceRenamed, u.ID, noon))
		note("a name", err)
		_, err = s.RotateDevice(t.Context(), present(d, 0, noon.Add(time.Second)))
		note("a reuse", err)
		_, _, err = s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, event(models.EventDeviceRevoked, u.ID, noon))
		note("a sign-out", err)
	}
	_, err = s.Sweep(t.Context(), models.Retention{CountersBefore: noon.AddDate(-1, 0, 0)})
	note("a sweep", err)
	return failed
}

// A server that was demoted or made read-only keeps its connections. The store replaces them by ones that can write.
func TestAConnectionThatCannotWriteIsLeftForAnother(t *testing.T) {
	t.Parallel()
	for _, conns := range []int{1, 4, 16} {
		s := migrated(t, models.Config{URL: modelstest.Postgres(t), Conns: conns})
		everyAct(t, s)
		demote(t, s)
		together(8, func(int) {
			for name, err := range everyAct(t, s) {
				t.Errorf("with %d connections: %s: %v", conns, name, err)
			}
		})
	}
}

// demote makes every connection read-only, as on a demoted server.
func demote(t *testing.T, s *models.Store) {
	t.Helper()
	for _, pool := range s.Pools() {
		var all []interface{ Close() error }
		for range pool.Stats().MaxOpenConnections {
			conn, err := pool.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.ExecContext(t.Context(), "SET default_transaction_read_only = on"); err != nil {
				t.Fatal(err)
			}
			all = append(all, conn)
		}
		for _, conn := range all {
			_ = conn.Close()
		}
	}
}

// While every server is read-only, writes fail and reads work. The store recovers by itself.
func TestADatabaseThatIsReadOnlyEverywhereIsUnavailableForWrites(t *testing.T) {
	t.Parallel()
	database := modelstest.Postgres(t)
	admin := migrated(t, models.Config{URL: database, Conns: 2})
	s := open(t, models.Config{URL: database, Conns: 8})
	u := addUser(t, s)
	set := func(value string) {
		exec(t, admin, "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = "+value+"'; END $$")
	}
	set("on")
	demote(t, s)
	for range 20 {
		if err := s.AddEvent(t.Context(), event(models.EventSignIn, u.ID, noon)); !strings.Contains(errorText(err), models.ErrUnavailable.Error()) {
			t.Errorf("a write: %v", err)
		}
		if _, err := s.UserByID(t.Context(), u.ID); err != nil {
			t.Errorf("a read: %v", err)
		}
	}
	exec(t, admin, "SET default_transaction_read_only = off")
	set("off")
	for name, err := range everyAct(t, s) {
		t.Errorf("%s afterwards: %v", name, err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// When the server closed a connection, the next statement gets 57P01. It was not run.
func TestAConnectionThatTheServerEndedFailsNothing(t *testing.T) {
	t.Parallel()
	database := modelstest.Postgres(t)
	s := migrated(t, models.Config{URL: database, Conns: 8})
	admin := open(t, models.Config{URL: database, Conns: 1})
	everyAct(t, s)
	for range 5 {
		for _, pool := range s.Pools() { // none is idle for so long that it would be asked how it is
			if err := pool.PingContext(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		count(t, admin, "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		for name, err := range everyAct(t, s) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Our statements are written for READ COMMITTED. With any default of the server, and with a pooler in between that accepts no
// connection parameters, no client is told to try again because of a concurrent request.
func TestTheIsolationLevelIsOurs(t *testing.T) {
	t.Parallel()
	database := modelstest.Postgres(t)
	admin := migrated(t, models.Config{URL: database, Conns: 2})
	behind, _ := layPooler(t, database)
	for _, level := range []string{"repeatable read", "serializable"} {
		exec(t, admin, "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_isolation = ''"+level+"'''; END $$")
		for name, url := range map[string]string{"directly": database, "behind a pooler": behind.url, "by the URL": database + "&default_transaction_isolation=" + strings.ReplaceAll(level, " ", "%20")} {
			t.Run(level+" "+name, func(t *testing.T) { meet(t, open(t, models.Config{URL: url, Conns: 16})) })
		}
	}
}

// meet runs the same act many times at once on one account.
func meet(t *testing.T, s *models.Store) {
	t.Helper()
	u := addUser(t, s)
	d := addApp(t, s, u.ID, "phone")
	together(24, func(i int) {
		var err error
		switch at := i % 4; at {
		case 0, 1:
			_, err = s.AddDevice(t.Context(), signIn(u.ID, models.KindBrowser, "browser", noon))
		case 2:
			_, err = s.RotateDevice(t.Context(), present(d, 1, noon))
		default:
			_, err = s.IncrementCounters(t.Context(), [][]byte{{1}}, noon, noon)
		}
		if err != nil {
			t.Errorf("act %d: %v", i%4, err)
		}
	})
}

// refuseParameters is PgBouncer's answer to parameters that it does not know.
func refuseParameters(startup []byte) string {
	for _, name := range []string{"default_transaction_isolation", "lock_timeout"} {
		if bytes.Contains(startup, []byte("\x00"+name+"\x00")) {
			return "unsupported startup parameter: " + name
		}
	}
	return ""
}

// A pooler that would refuse our parameters is never asked to take them.
func TestAPoolerRefusesNothing(t *testing.T) {
	t.Parallel()
	w, refused := layPooler(t, modelstest.Postgres(t))
	s := migrated(t, models.Config{URL: w.url, Conns: 8})
	for range 10 {
		for name, err := range everyAct(t, s) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := refused.Load(); n != 0 {
		t.Errorf("%d connections were refused", n)
	}
	if n := w.dials.Load(); n > 5 {
		t.Errorf("%d connections were made for one caller", n)
	}
}

// Every query mode that an operator can choose behind a pooler works, and keeps working when a table gets a new column.
func TestEveryModeOfTheDriverWorks(t *testing.T) {
	t.Parallel()
	database := modelstest.Postgres(t)
	admin := migrated(t, models.Config{URL: database, Conns: 2})
	for i, mode := range []string{
		"default_query_exec_mode=cache_statement", "default_query_exec_mode=cache_describe", "default_query_exec_mode=describe_exec",
		"default_query_exec_mode=exec", "default_query_exec_mode=simple_protocol", "statement_cache_capacity=0",
		"statement_cache_capacity=0&description_cache_capacity=0", "statement_cache_capacity=1",
	} {
		t.Run(mode, func(t *testing.T) {
			s := open(t, models.Config{URL: database + "&" + mode, Conns: 8})
			work := func() {
				for name, err := range everyAct(t, s) {
					t.Errorf("%s: %v", name, err)
				}
			}
			work()
			meet(t, s)
			exec(t, admin, fmt.Sprintf("ALTER TABLE devices ADD COLUMN later_%d text NOT NULL DEFAULT ''", i))
			together(4, func(int) { work() })
		})
	}
}

func TestAParameterThatCannotBeReadIsNamed(t *testing.T) {
	for parameter, says := range map[string]string{
		"default_query_exec_mode=extended": "default_query_exec_mode", "statement_cache_capacity=few": "statement_cache_capacity",
		"description_cache_capacity=few": "description_cache_capacity", "pool_max_conns=5": "LATCHKEY_DB_CONNS", "sslmode=perhaps": "postgres://",
	} {
		s, err := models.Open(t.Context(), models.Config{URL: "postgres://u:sesame@127.0.0.1:1/d?" + parameter})
		if err == nil {
			_ = s.Close()
			t.Errorf("%s was taken", parameter)
		} else if text := err.Error(); !strings.Contains(text, says) || strings.Contains(text, "sesame") || strings.Contains(text, "\n") {
			t.Errorf("%s: %s", parameter, text)
		}
	}
}

// Of several servers the writable one is used, whether or not the operator asked for it.
func TestOfSeveralServersTheOneThatCanWriteIsUsed(t *testing.T) {
	t.Parallel()
	good := modelstest.Postgres(t)
	migrated(t, models.Config{URL: good})
	bad := modelstest.Postgres(t)
	// Two servers with one database each. Here it is one server, and the second proxy makes it answer as a standby.
	name := func(database string) string {
		return database[strings.LastIndex(database, "/")+1 : strings.Index(database, "?")]
	}
	exec(t, migrated(t, models.Config{URL: bad, Conns: 2}), "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = on'; END $$")
	standby := layTo(t, bad, name(good), name(bad))
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	both := strings.Replace(good, u.Host, standby+","+u.Host, 1)
	for _, ask := range []string{"", "&target_session_attrs=read-write"} {
		s := open(t, models.Config{URL: both + ask, Conns: 4})
		for name, err := range everyAct(t, s) {
			t.Errorf("with %q: %s: %v", ask, name, err)
		}
	}
}

// layTo starts a proxy to one database for clients that ask for another with a name of the same length.
func layTo(t *testing.T, database, asked, given string) (host string) {
	t.Helper()
	return lay(t, database, func(startup []byte) string {
		if i := bytes.Index(startup, []byte(asked)); i >= 0 && len(asked) == len(given) {
			copy(startup[i:], given)
		}
		return ""
	}).listener.Addr().String()
}
