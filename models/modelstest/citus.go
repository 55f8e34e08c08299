package modelstest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// CitusEnv is the environment variable that runs the tests on Citus. It is "installed", or names a coordinator by the URL of a superuser whose
// credentials open its workers, too.
const CitusEnv = "LATCHKEY_TEST_CITUS"

// OnCitus reports whether [Each] and its siblings run on Citus, and not on SQLite and PostgreSQL.
func OnCitus() bool { return os.Getenv(CitusEnv) != "" }

// Citus is a coordinator and its workers, each with databases of the same names.
type Citus struct {
	Nodes []*Cluster // the coordinator first; empty on a Citus that we did not start
	admin []*url.URL // of a superuser, in the same order
	role  func(database string) string

	template    lazyDatabase // with the extension and the nodes, without a schema
	distributed lazyDatabase // with today's schema in its layout
}

type lazyDatabase struct {
	once sync.Once
	name string
	err  error
}

// StartCitus starts a coordinator and two workers that belong to t alone. Without Citus on this machine t is skipped, or fails when CI is set.
func StartCitus(t testing.TB) *Citus {
	t.Helper()
	c, err := startCitus()
	if errors.Is(err, errNoPostgres) {
		unavailable(t, err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Errorf("remove Citus: %v", err)
		}
	})
	return c
}

// citusShards is how many shards the tables of a test have: enough that several are on each worker.
const citusShards = "4"

func startCitus() (_ *Citus, err error) {
	in, err := findInstall()
	if err != nil {
		return nil, err
	}
	if !in.has("citus") {
		return nil, fmt.Errorf("%w: the extension citus is not installed", errNoPostgres)
	}
	c, password := &Citus{}, rand.Text()
	for range 3 {
		node, err := newClusterWith(password, []Option{
			Set("shared_preload_libraries", "citus"), Set("citus.node_conninfo", "sslmode=disable"), Set("citus.shard_count", citusShards),
			Set("citus.enable_statistics_collection", "off"), Set("citus.explain_all_tasks", "on"), Set("max_connections", "300"),
			Set("citus.max_shared_pool_size", "-1"), Set("citus.log_remote_commands", "off"),
		})
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		u, err := url.Parse(node.url("postgres", "postgres"))
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.Nodes, c.admin = append(c.Nodes, node), append(c.admin, u)
	}
	c.role = c.Nodes[0].URL
	return c, nil
}

// has reports whether the files of an extension are there.
func (in install) has(extension string) bool {
	for _, dir := range []string{
		filepath.Join(filepath.Dir(filepath.Dir(in.postgres)), "share", "extension"),
		filepath.Join("/usr/share/postgresql", filepath.Base(filepath.Dir(filepath.Dir(in.postgres))), "extension"),
	} {
		if _, err := os.Stat(filepath.Join(dir, extension+".control")); err == nil {
			return true
		}
	}
	return false
}

// namedCitus finds the nodes of a Citus that runs.
func namedCitus(raw string) (*Citus, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, fmt.Errorf("%s is neither installed nor a postgres:// URL", CitusEnv)
	}
	c := &Citus{role: func(database string) string { return withDatabase(u, database) }}
	err = onDatabase(u.String(), func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "SELECT nodename, nodeport FROM pg_dist_node WHERE isactive ORDER BY groupid")
		if err != nil {
			return fmt.Errorf("the nodes of Citus: %w", err)
		}
		var host string
		var port int
		_, err = pgx.ForEachRow(rows, []any{&host, &port}, func() error {
			node := *u
			node.Host = fmt.Sprintf("%s:%d", host, port)
			c.admin = append(c.admin, &node)
			return nil
		})
		return err
	})
	if err == nil && len(c.admin) < 2 {
		err = errors.New("Citus without its coordinator in the metadata, or without a worker")
	}
	return c, err
}

// Database returns the URL of a fresh database with Citus, without a schema.
func (c *Citus) Database(t testing.TB) string {
	t.Helper()
	return c.fresh(t, c.empty)
}

// Distributed is [Citus.Database] with today's schema in the layout of Citus.
func (c *Citus) Distributed(t testing.TB) string {
	t.Helper()
	return c.fresh(t, c.migrated)
}

// At returns the URL of a database of ours as another node has it; 0 is the coordinator.
func (c *Citus) At(node int, database string) string {
	u, err := url.Parse(database)
	if err != nil {
		return ""
	}
	u.Host = c.admin[node].Host
	return u.String()
}

func (c *Citus) fresh(t testing.TB, template func() (string, error)) string {
	t.Helper()
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	name := databaseName()
	if err := c.copy(from, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.drop(name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return c.role(name)
}

// empty names the template with the extension, made by the first caller.
func (c *Citus) empty() (string, error) {
	l := &c.template
	l.once.Do(func() {
		l.name = databaseName()
		l.err = c.connectNodes(l.name)
	})
	return l.name, l.err
}

// connectNodes makes a database on each node and joins them.
func (c *Citus) connectNodes(name string) error {
	u, err := url.Parse(c.role(name))
	if err != nil {
		return err
	}
	for _, node := range c.admin {
		if err := execOn(node.String(), "CREATE DATABASE "+name+" OWNER "+u.User.Username()+" TEMPLATE template0"); err != nil {
			return err
		}
		if err := execOn(withDatabase(node, name), "CREATE EXTENSION citus"); err != nil {
			return err
		}
	}
	for i, node := range c.admin {
		add := "SELECT citus_add_node($1, $2)"
		if i == 0 {
			add = "SELECT citus_set_coordinator_host($1, $2)"
		}
		if err := execOn(withDatabase(c.admin[0], name), add, node.Hostname(), portOf(node)); err != nil {
			return err
		}
	}
	return nil
}

// migrated names the template with the schema, made by the first caller.
func (c *Citus) migrated() (string, error) {
	l := &c.distributed
	l.once.Do(func() {
		var from string
		if from, l.err = c.empty(); l.err != nil {
			return
		}
		l.name = databaseName()
		if l.err = c.copy(from, l.name); l.err == nil {
			l.err = migrate(c.role(l.name), true)
		}
	})
	return l.name, l.err
}

// copy makes a database like another one on each node. The maintenance daemon of Citus is in the template, unless it is ended.
func (c *Citus) copy(from, name string) error {
	owner, err := url.Parse(c.role(name))
	if err != nil {
		return err
	}
	create := "CREATE DATABASE " + name + " OWNER " + owner.User.Username() + " TEMPLATE " + from + " STRATEGY FILE_COPY"
	return c.onNodes(func(node string) (err error) {
		for range 50 {
			if err = execOn(node, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", from); err != nil {
				return err
			}
			if err = execOn(node, create); err == nil {
				return nil
			}
		}
		return err
	})
}

func (c *Citus) drop(name string) error {
	return c.onNodes(func(node string) (err error) {
		for range 50 {
			if err = execOn(node, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err == nil {
				return nil
			}
			time.Sleep(100 * time.Millisecond)
		}
		return err
	})
}

// onNodes calls fn with the URL of each node, all at once.
func (c *Citus) onNodes(fn func(node string) error) error {
	errs := make([]error, len(c.admin))
	var all sync.WaitGroup
	for i, node := range c.admin {
		all.Go(func() { errs[i] = fn(node.String()) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// close removes what we started, or what we made on a Citus that we did not start.
func (c *Citus) close() (err error) {
	for _, node := range c.Nodes {
		err = errors.Join(err, node.remove())
	}
	if len(c.Nodes) > 0 {
		return err
	}
	for _, l := range []*lazyDatabase{&c.template, &c.distributed} {
		if l.name != "" {
			err = errors.Join(err, c.drop(l.name))
		}
	}
	return err
}

// sharedCitus is the Citus that the tests of one process share.
var sharedCitus struct {
	once  sync.Once
	citus *Citus
	err   error
}

// SharedCitus returns the Citus that CitusEnv names.
func SharedCitus(t testing.TB) *Citus {
	t.Helper()
	s := &sharedCitus
	s.once.Do(func() {
		if raw := os.Getenv(CitusEnv); raw == "installed" {
			s.citus, s.err = startCitus()
		} else {
			s.citus, s.err = namedCitus(raw)
		}
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.citus
}

func withDatabase(u *url.URL, name string) string {
	other := *u
	other.Path, other.RawPath = "/"+name, ""
	return other.String()
}

func portOf(u *url.URL) int {
	var port int
	if _, err := fmt.Sscan(u.Port(), &port); err != nil {
		return 5432
	}
	return port
}

// execOn runs one statement on a connection of its own.
func execOn(database, sql string, args ...any) error {
	return onDatabase(database, func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, sql, args...); err != nil {
			return fmt.Errorf("%s: %w", strings.SplitN(sql, "\n", 2)[0], err)
		}
		return nil
	})
}

func onDatabase(database string, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return fmt.Errorf("connect to a node of Citus: %w", err)
	}
	defer conn.Close(ctx)
	return fn(ctx, conn)
}
