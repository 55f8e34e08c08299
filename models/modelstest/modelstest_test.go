package modelstest

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"latchkey/models"
)

func TestMain(m *testing.M) { Main(m) }

func TestEachHandsOutAMigratedStore(t *testing.T) {
	var ran []string
	Each(t, func(t *testing.T, s *models.Store) {
		ran = append(ran, t.Name())
		applied, err := s.Migrate(t.Context())
		if err != nil || applied != 0 {
			t.Errorf("Migrate applied %d, %v; the store should be up to date", applied, err)
		}
	})
	want := t.Name() + "/sqlite " + t.Name() + "/postgres"
	if got := strings.Join(ran, " "); got != want && !errors.Is(shared.err, errNoPostgres) {
		t.Errorf("ran %q, want %q", got, want)
	}
}

func TestEachURLHandsOutAnEmptyDatabase(t *testing.T) {
	for range 2 { // the second must not see what the first did
		EachURL(t, func(t *testing.T, url string) {
			s := open(t, url)
			if applied, err := s.Migrate(t.Context()); err != nil || applied == 0 {
				t.Errorf("Migrate applied %d, %v; there should have been nothing yet", applied, err)
			}
		})
	}
}

func TestDatabasesAreIndependent(t *testing.T) {
	a, b := connect(t, Postgres(t)), connect(t, Postgres(t))
	if _, err := a.Exec(t.Context(), "CREATE SCHEMA s; CREATE TABLE s.only_here (n int); CREATE TABLE too (n int)"); err != nil {
		t.Fatalf("the role may not create a schema: %v", err)
	}
	if tables(t, a) != 2 || tables(t, b) != 0 {
		t.Errorf("a has %d tables and b has %d, want 2 and 0", tables(t, a), tables(t, b))
	}
}

func TestTheMigratedTemplateStaysClean(t *testing.T) {
	a := connect(t, MigratedPostgres(t))
	if _, err := a.Exec(t.Context(), "CREATE TABLE mine (n int)"); err != nil {
		t.Fatal(err)
	}
	b := connect(t, MigratedPostgres(t))
	if tables(t, a) != tables(t, b)+1 {
		t.Errorf("a has %d tables and b has %d, want one more in a", tables(t, a), tables(t, b))
	}
}

func TestADatabaseIsDroppedAfterItsTest(t *testing.T) {
	var name string
	t.Run("inner", func(t *testing.T) {
		url := Postgres(t)
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		name = conn.Config().Database // and the connection stays open
	})
	admin := connect(t, shared.admin.String())
	var n int
	if err := admin.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = $1", name).Scan(&n); err != nil || n != 0 {
		t.Errorf("%s is still there (%v)", name, err)
	}
}

func TestTheRoleIsNoSuperuser(t *testing.T) {
	var super string
	if err := connect(t, Postgres(t)).QueryRow(t.Context(), "SHOW is_superuser").Scan(&super); err != nil {
		t.Fatal(err)
	}
	if shared.cluster != nil && super != "off" {
		t.Error("tests run as a superuser and would not notice a missing privilege")
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	return conn
}

func tables(t *testing.T, conn *pgx.Conn) (n int) {
	t.Helper()
	err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAPackageWithoutMainIsToldSo(t *testing.T) {
	if err := new(server).start(); err == nil || !strings.Contains(err.Error(), "TestMain") {
		t.Errorf("start without Main: %v", err)
	}
}
