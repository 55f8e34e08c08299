package modelstest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

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
			Set("citus.enable_statistics_collection", "off"), Set("max_connections", "300"),
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
