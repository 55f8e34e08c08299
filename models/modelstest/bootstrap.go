package modelstest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// initdb makes the data directory. Passwords are asked for on the socket too:
// other users of the machine can reach the port. Letters beyond ASCII have a
// lower case (lc-ctype), sorting is by bytes.
func (c *Cluster) initdb() error {
	pwfile := filepath.Join(c.dir.path, "password")
	if err := os.WriteFile(pwfile, []byte(c.password+"\n"), 0o600); err != nil {
		return err
	}
	defer os.Remove(pwfile)
	if err := c.account.own(pwfile); err != nil {
		return err
	}
	out, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := c.command(c.install.initdb, syscall.SIGKILL,
		"-D", c.DataDir(), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", pwfile,
		"-E", "UTF8", "--locale=C", "--lc-ctype="+ctype, "--no-sync", "--no-instructions")
	cmd.Stdout, cmd.Stderr = out, out
	p, err := startProcess(cmd)
	if err != nil {
		return err
	}
	<-p.done
	if p.err != nil {
		return fmt.Errorf("initdb: %w\n%s", p.err, c.logTail())
	}
	return nil
}

// passFile is where a node of Citus has the password of the others.
func (c *Cluster) passFile() string { return filepath.Join(c.dir.path, "pgpass") }

// writePassFile lets the server connect to other clusters with the same password.
func (c *Cluster) writePassFile() error {
	if err := os.WriteFile(c.passFile(), []byte("*:*:*:*:"+c.password+"\n"), 0o600); err != nil {
		return err
	}
	return c.account.own(c.passFile())
}

// firstStart finds the port. Another process can take it between our look and
// the server's; then there are other ports.
func (c *Cluster) firstStart() (err error) {
	for range 10 {
		if c.port, err = freePort(); err != nil {
			return err
		}
		if err = c.Start(); err == nil || !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
	}
	return err
}

// freePort avoids the range from which the kernel numbers outgoing connections
// (32768 and up on Linux): while the server is down, a client that keeps dialling
// could be given the server's own port, connect to itself, and keep it.
func freePort() (int, error) {
	for range 100 {
		port := 15000 + rand.IntN(17000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port on 127.0.0.1 between 15000 and 32000")
}

// FreeAddress is a loopback address that was free a moment ago, for a server that stops and listens there again: see freePort.
func FreeAddress(t testing.TB) string {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// createRole makes the role that tests connect as, and its database.
func (c *Cluster) createRole() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("postgres", "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range []string{
		fmt.Sprintf("CREATE ROLE %s LOGIN CREATEDB PASSWORD '%s'", Role, c.password),
		fmt.Sprintf("CREATE DATABASE %s OWNER %s TEMPLATE template0", Role, Role),
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// waitReady returns once the server lets a client in, or when it has ended.
func (c *Cluster) waitReady(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		select {
		case <-c.proc.done:
			return errors.Join(errors.New("the server ended while it started"), c.proc.err)
		default:
		}
		conn, err := pgx.Connect(ctx, c.url("postgres", "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the server did not answer within %v: %w", limit, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// command prepares a program of the installation, run in the cluster's directory
// as its account, without the PG… variables of the process that runs the tests.
func (c *Cluster) command(path string, onDeath syscall.Signal, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = c.dir.path
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "PGPASSFILE=" + c.passFile()}
	cmd.SysProcAttr = sysProcAttr(c.account, onDeath)
	return cmd
}
