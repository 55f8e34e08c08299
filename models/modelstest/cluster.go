package modelstest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Role owns the database of the same name in every cluster. It may create
// databases and is no superuser, as in production.
const Role = "latchkey"

// Cluster is one PostgreSQL server with a data directory of its own. Its port
// and its password stay the same across Stop and Start.
type Cluster struct {
	install  install
	account  account
	dir      *directory
	port     int
	password string
	settings map[string]string

	mu   sync.Mutex
	proc *process // nil before the first start; its done is closed when it is down
}

// Option changes a setting of a cluster that [StartCluster] makes.
type Option func(settings map[string]string)

// Set gives a setting of postgresql.conf, for example Set("max_connections", "20").
func Set(name, value string) Option {
	return func(settings map[string]string) { settings[name] = value }
}

// Durable keeps PostgreSQL's own promise, for tests whose point is what survives
// on disk: a commit is flushed before it is acknowledged.
func Durable(settings map[string]string) {
	settings["fsync"], settings["full_page_writes"] = "on", "on"
}

// quick is what a cluster runs with otherwise. Without fsync and full pages a commit survives
// the death of the server (it was handed to the kernel), not that of the machine;
// synchronous_commit stays on, or even the first would not hold.
func quick() map[string]string {
	return map[string]string{
		"fsync":            "off",
		"full_page_writes": "off",
		"max_connections":  "200",
		"shared_buffers":   "64MB",
		"jit":              "off",
		"timezone":         "UTC",
	}
}

// StartCluster starts a server that belongs to t alone and is removed after it,
// for tests that stop it under a running program. Without PostgreSQL on this
// machine t is skipped, or fails when CI is set; [ServerEnv] does not help here.
func StartCluster(t testing.TB, options ...Option) *Cluster {
	t.Helper()
	c, err := newCluster(options)
	if errors.Is(err, errNoPostgres) {
		unavailable(t, err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.remove(); err != nil {
			t.Errorf("remove the cluster: %v", err)
		}
	})
	return c
}

// newCluster makes and starts a server. errNoPostgres: it cannot be run here.
func newCluster(options []Option) (*Cluster, error) { return newClusterWith(rand.Text(), options) }

// newClusterWith is newCluster with a password that other clusters have, too.
func newClusterWith(password string, options []Option) (_ *Cluster, err error) {
	c := &Cluster{password: password, settings: quick()}
	for _, o := range options {
		o(c.settings)
	}
	if c.install, err = findInstall(); err != nil {
		return nil, err
	}
	if c.account, err = serverAccount(); err != nil {
		return nil, err
	}
	if c.dir, err = newDirectory(c.account); err != nil {
		return nil, err
	}
	if err = c.initdb(); err == nil {
		err = c.writePassFile()
	}
	if err == nil {
		err = c.firstStart()
	}
	if err == nil {
		err = c.createRole()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL for the tests: %w", err), c.remove())
	}
	return c, nil
}

// URL names a database of the cluster, reached as [Role]. The database
// "latchkey" exists from the start; the role may create others.
func (c *Cluster) URL(db string) string { return c.url(Role, db) }

func (c *Cluster) url(role, db string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, c.password),
		Host: fmt.Sprintf("127.0.0.1:%d", c.port), Path: "/" + db, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Start starts a stopped server on its old port and returns when it answers,
// after any recovery. An error when it runs already.
func (c *Cluster) Start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc.alive() {
		return errors.New("the cluster is running already")
	}
	return c.start()
}

// Stop ends the server and returns when it is gone. Mode "fast" ends the
// sessions and writes a checkpoint; "immediate" is a crash: no checkpoint, and
// the next Start recovers from the log. An error when it is not running.
func (c *Cluster) Stop(mode string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	sig, ok := map[string]syscall.Signal{"fast": syscall.SIGINT, "immediate": syscall.SIGQUIT}[mode]
	if !ok {
		return fmt.Errorf("stop mode %q is neither fast nor immediate", mode)
	}
	if !c.proc.alive() {
		return errors.New("the cluster is not running")
	}
	return c.proc.end(sig)
}

// Alive reports whether the server's process runs.
func (c *Cluster) Alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proc.alive()
}

// remove ends the server, whatever its state, and deletes its directory.
func (c *Cluster) remove() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.proc.alive() {
		err = c.proc.end(syscall.SIGQUIT) // nothing is kept, so nothing needs a checkpoint
	}
	return errors.Join(err, c.dir.remove())
}

// start runs the server and waits for its first answer. Held: mu.
func (c *Cluster) start() error {
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	settings := maps.Clone(c.settings)
	settings["listen_addresses"] = "127.0.0.1"
	settings["port"] = fmt.Sprint(c.port)
	settings["unix_socket_directories"] = c.dir.path
	args := []string{"-D", c.DataDir()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	cmd := c.command(c.install.postgres, syscall.SIGQUIT, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if c.proc, err = startProcess(cmd); err != nil {
		return err
	}
	if err := c.waitReady(time.Minute); err != nil {
		if c.proc.alive() {
			err = errors.Join(err, c.proc.end(syscall.SIGQUIT))
		}
		return fmt.Errorf("%w\n%s", err, c.logTail())
	}
	return nil
}

// DataDir is the data directory of the server.
func (c *Cluster) DataDir() string { return filepath.Join(c.dir.path, "data") }
func (c *Cluster) logFile() string { return filepath.Join(c.dir.path, "log") }

// logTail is the end of the server's log, the part that tells why it ended.
func (c *Cluster) logTail() string {
	body, _ := os.ReadFile(c.logFile())
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
