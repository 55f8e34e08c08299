package modelstest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ServerEnv is the environment variable that names a ready server.
const ServerEnv = "LATCHKEY_TEST_POSTGRES"

// Postgres returns the URL of a fresh PostgreSQL database without a schema. It
// belongs to the URL's role, which is no superuser and may create a schema in
// it. It is dropped after the test, even while clients are connected.
func Postgres(t testing.TB) string {
	t.Helper()
	return fresh(t, func() (string, error) { return "template0", nil })
}

// MigratedPostgres is [Postgres] with today's schema, copied from a template.
func MigratedPostgres(t testing.TB) string {
	t.Helper()
	return fresh(t, shared.migrated)
}

func fresh(t testing.TB, template func() (string, error)) string {
	t.Helper()
	if err := shared.start(); errors.Is(err, errNoPostgres) {
		unavailable(t, err)
	} else if err != nil {
		t.Fatal(err)
	}
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	name := databaseName()
	if err := shared.copy(from, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shared.drop(name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return shared.url(name)
}

func databaseName() string { return "latchkey_test_" + strings.ToLower(rand.Text()) }

// server is the PostgreSQL that the tests of one process share. It is the one
// global of this package: package testing has no other place that outlives a
// test and is not there when no test asks.
type server struct {
	main bool // Main runs, so close will be called

	once    sync.Once
	err     error
	cluster *Cluster // nil when LATCHKEY_TEST_POSTGRES names the server
	admin   *url.URL

	templateOnce sync.Once
	template     string
	templateErr  error
}

var shared server

// start makes the server usable, once. It returns errNoPostgres when this machine has none.
func (s *server) start() error {
	s.once.Do(func() {
		if !s.main {
			s.err = errors.New("this package needs: func TestMain(m *testing.M) { modelstest.Main(m) }")
			return
		}
		raw := os.Getenv(ServerEnv)
		if raw == "" {
			if s.cluster, s.err = newCluster(nil); s.err != nil {
				return
			}
			raw = s.cluster.URL("postgres")
		}
		u, err := url.Parse(raw)
		if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
			s.err = fmt.Errorf("%s is not a postgres:// URL", ServerEnv) // err would repeat the password
			return
		}
		s.admin = u
	})
	return s.err
}

func (s *server) url(database string) string {
	u := *s.admin
	u.Path, u.RawPath = "/"+database, ""
	return u.String()
}

// migrated names the template database, made by the first caller.
func (s *server) migrated() (string, error) {
	s.templateOnce.Do(func() {
		name := databaseName()
		if s.templateErr = s.exec("CREATE DATABASE " + name + " TEMPLATE template0"); s.templateErr != nil {
			return
		}
		s.template = name
		s.templateErr = migrate(s.url(name), false)
	})
	return s.template, s.templateErr
}

// copy makes a database like another one. Copying its files takes half as long as writing it to the log; PostgreSQL before 15 can do the
// first only, and does not know the word.
func (s *server) copy(from, name string) error {
	create := fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, from)
	err := s.exec(create + " STRATEGY FILE_COPY")
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == "42601" {
		return s.exec(create)
	}
	return err
}

// exec runs one statement on a connection of its own: a pool that lived as long
// as the process would show up in every test that looks for leaked goroutines.
func (s *server) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

func (s *server) drop(database string) (err error) {
	// An autovacuum worker in the database is a superuser's process, which FORCE refuses to end; it ends by itself, after minutes where a large table was changed.
	for began := time.Now(); time.Since(began) < 5*time.Minute; time.Sleep(100 * time.Millisecond) {
		if err = s.exec("DROP DATABASE IF EXISTS " + database + " WITH (FORCE)"); err == nil {
			return nil
		}
	}
	return err
}

// close removes our cluster or, on a server that we did not start, the template
// database. All other databases are gone by then.
func (s *server) close() error {
	if c := sharedCitus.citus; c != nil {
		if err := c.close(); err != nil {
			return err
		}
	}
	if s.cluster != nil {
		return s.cluster.remove()
	}
	if s.template != "" {
		return s.drop(s.template)
	}
	return nil
}
