package modelstest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// lazyDatabase is a template, made by the first caller.
type lazyDatabase struct {
	once sync.Once
	name string
	err  error
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
