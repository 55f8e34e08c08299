package modelstest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Folder makes a folder beside the data directory, which goes with the cluster, and returns its path.
func (c *Cluster) Folder(name string) (string, error) {
	path := filepath.Join(c.dir.path, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", err
	}
	return path, c.account.own(path)
}

// Shell runs lines of a shell until one fails, and returns what they print. It runs them as the account of the server, with the programs of
// its installation before others on the PATH, and with the variables that make psql and its kin connect as the superuser. env comes last.
func (c *Cluster) Shell(lines string, env ...string) (string, error) {
	cmd := c.command("/bin/sh", syscall.SIGKILL, "-euc", lines)
	cmd.Env = slices.Concat(cmd.Env, []string{
		"PATH=" + filepath.Dir(c.install.postgres) + ":" + os.Getenv("PATH"), "HOME=" + c.dir.path,
		"PGHOST=127.0.0.1", fmt.Sprintf("PGPORT=%d", c.port), "PGUSER=postgres", "PGPASSWORD=" + c.password,
	}, env)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return string(out), err
}
