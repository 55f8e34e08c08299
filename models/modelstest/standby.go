package modelstest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// StartStandby starts a hot standby of c that belongs to t alone, and returns when it streams. From then on c acknowledges a commit
// only once the standby has flushed it.
func (c *Cluster) StartStandby(t testing.TB) *Cluster {
	t.Helper()
	s := &Cluster{install: c.install, account: c.account, password: c.password, settings: c.settings}
	t.Cleanup(func() {
		if s.dir == nil {
			return
		}
		if err := s.remove(); err != nil {
			t.Errorf("remove the standby: %v", err)
		}
	})
	var err error
	if s.dir, err = newDirectory(s.account); err == nil {
		err = s.copyOf(c)
	}
	if err == nil {
		err = s.follow(c)
	}
	if err == nil {
		err = s.firstStart()
	}
	if err == nil {
		err = c.waitsForStandby()
	}
	if err != nil {
		t.Fatal(fmt.Errorf("start a standby: %w", err))
	}
	return s
}

// copyOf copies the data directory of a running server.
func (c *Cluster) copyOf(from *Cluster) error {
	cmd := c.command(filepath.Join(filepath.Dir(c.install.postgres), "pg_basebackup"), syscall.SIGKILL,
		"-h", "127.0.0.1", "-p", fmt.Sprint(from.port), "-U", "postgres", "-D", c.DataDir(), "-c", "fast", "-X", "stream", "--no-sync")
	cmd.Env = append(cmd.Env, "PGPASSWORD="+from.password)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	return nil
}

// follow makes a server that is not running a standby of primary from its next start on.
func (c *Cluster) follow(primary *Cluster) error {
	signal := filepath.Join(c.DataDir(), "standby.signal")
	if err := errors.Join(os.WriteFile(signal, nil, 0o600), c.account.own(signal)); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(c.DataDir(), "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "primary_conninfo = 'host=127.0.0.1 port=%d user=postgres password=%s sslmode=disable'\nsynchronous_standby_names = ''\n",
		primary.port, primary.password)
	return errors.Join(err, f.Close())
}

// Rejoin starts a server that was stopped as a standby of the one that took over from it, and returns when it streams. From then
// on primary acknowledges a commit only once that standby has flushed it.
func (c *Cluster) Rejoin(primary *Cluster) error {
	if err := c.follow(primary); err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	return primary.waitsForStandby()
}

func (c *Cluster) waitsForStandby() error {
	return errors.Join(
		c.waitFor("SELECT count(*) > 0 FROM pg_stat_replication WHERE state = 'streaming'"),
		c.Exec("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"),
		c.waitFor("SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync'"))
}

// Asynchronous makes a primary acknowledge commits without waiting for a standby.
func (c *Cluster) Asynchronous() error {
	return errors.Join(c.Exec("ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()"),
		c.waitFor("SELECT current_setting('synchronous_standby_names') = ''"))
}

// CutOff ends the connection of a standby to its primary, as a broken network does, and returns when it is over.
func (c *Cluster) CutOff() error {
	return errors.Join(c.Exec("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"),
		c.waitFor("SELECT count(*) = 0 FROM pg_stat_wal_receiver"))
}

// Promote makes a standby a primary, and returns when it takes writes.
func (c *Cluster) Promote() error { return c.Exec("SELECT pg_promote()") }

// Demote makes every transaction read-only that begins from now on. Connections stay open.
func (c *Cluster) Demote() error {
	return errors.Join(c.Exec("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"),
		c.waitFor("SELECT current_setting('transaction_read_only') = 'on'"))
}

// Clients is how many connections the server has to the database of [Role].
func (c *Cluster) Clients() (n int, err error) {
	err = c.admin(func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", Role).Scan(&n)
	})
	return n, err
}

// Exec runs statements as the superuser, each in a transaction of its own.
func (c *Cluster) Exec(statements ...string) error {
	return c.admin(func(ctx context.Context, conn *pgx.Conn) error {
		for _, sql := range statements {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
}

func (c *Cluster) admin(fn func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("postgres", "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return fn(ctx, conn)
}

// waitFor returns when a question is answered with yes.
func (c *Cluster) waitFor(question string) error {
	return c.admin(func(ctx context.Context, conn *pgx.Conn) error {
		for yes := false; ; time.Sleep(10 * time.Millisecond) {
			if err := conn.QueryRow(ctx, question).Scan(&yes); err != nil || yes {
				return err
			}
		}
	})
}

// URLOfAll names a database of several servers that are copies of each other.
func URLOfAll(db string, all ...*Cluster) string {
	u, hosts := &url.URL{}, []string{}
	for _, c := range all {
		u, _ = url.Parse(c.URL(db))
		hosts = append(hosts, u.Host)
	}
	return strings.Replace(u.String(), u.Host, strings.Join(hosts, ","), 1)
}
