package modelstest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestAClusterKeepsItsPortAndItsDataAcrossRestarts(t *testing.T) {
	c := StartCluster(t, Durable)
	url := c.URL("latchkey")
	conn := connect(t, url)
	if got := show(t, conn, "fsync"); got != "on" {
		t.Errorf("fsync = %s with Durable", got)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept (mode text)"); err != nil {
		t.Fatal(err)
	}
	for i, mode := range []string{"fast", "immediate"} {
		if _, err := connect(t, url).Exec(t.Context(), "INSERT INTO kept VALUES ($1)", mode); err != nil {
			t.Fatal(err)
		}
		if err := c.Stop(mode); err != nil {
			t.Fatal(err)
		}
		if _, err := pgx.Connect(t.Context(), url); err == nil {
			t.Errorf("%s: a stopped server answers", mode)
		}
		if err := c.Stop(mode); err == nil {
			t.Errorf("%s: a second Stop has no complaint", mode)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err == nil {
			t.Errorf("%s: a second Start has no complaint", mode)
		}
		if c.URL("latchkey") != url {
			t.Errorf("%s: the URL changed to %s", mode, c.URL("latchkey"))
		}
		var rows int
		if err := connect(t, url).QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&rows); err != nil || rows != i+1 {
			t.Errorf("%s: %d rows after the restart, want %d (%v)", mode, rows, i+1, err)
		}
	}
	if err := c.Stop("gently"); err == nil {
		t.Error("an unknown mode has no complaint")
	}
}

func TestAClusterTakesSettings(t *testing.T) {
	conn := connect(t, StartCluster(t, Set("max_connections", "17")).URL("latchkey"))
	for name, want := range map[string]string{"max_connections": "17", "fsync": "off", "synchronous_commit": "on", "listen_addresses": "127.0.0.1"} {
		if got := show(t, conn, name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}

func TestAClusterIsNotRunByRootAndIsPrivate(t *testing.T) {
	c := StartCluster(t)
	if runtime.GOOS == "linux" {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.proc.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(status)) {
			if f := strings.Fields(line); f[0] == "Uid:" || f[0] == "Gid:" || f[0] == "Groups:" {
				for _, id := range f[1:] {
					if id == "0" {
						t.Errorf("the server has root's rights: %s", strings.TrimSpace(line))
					}
				}
			}
		}
	}
	for _, dir := range []string{c.dir.path, c.DataDir()} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v; want 0700", dir, info.Mode().Perm(), err)
		}
	}
	if _, err := pgx.Connect(t.Context(), strings.Replace(c.URL("latchkey"), c.password, "wrong", 1)); err == nil {
		t.Error("a wrong password is let in")
	}
	if _, err := os.Stat(filepath.Join(c.dir.path, "password")); !os.IsNotExist(err) {
		t.Errorf("the password file is still there (%v)", err)
	}
}

func TestAClusterIsRemovedAfterItsTest(t *testing.T) {
	var c *Cluster
	t.Run("inner", func(t *testing.T) { c = StartCluster(t) })
	if c == nil {
		t.SkipNow()
	}
	if c.proc.alive() {
		t.Error("the server is still running")
	}
	if _, err := os.Stat(c.dir.path); !os.IsNotExist(err) {
		t.Errorf("%s is still there (%v)", c.dir.path, err)
	}
}

func show(t *testing.T, conn *pgx.Conn, setting string) (value string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SHOW "+setting).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
