package modelstest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PgBouncerEnv is the environment variable that names a PgBouncer of version 1.21 or newer, for tests of transaction mode. Debian 12
// has an older one.
const PgBouncerEnv = "LATCHKEY_TEST_PGBOUNCER"

// PgBouncer is a pooler in front of the database "latchkey" of a [Cluster].
type PgBouncer struct {
	dir  *directory
	port int
	url  string
	proc *process
}

// FindPgBouncer returns the path of the installed PgBouncer. Without one t is skipped, or fails when CI is set.
func FindPgBouncer(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("pgbouncer is missing, and CI is set (Debian: apt-get install pgbouncer)")
	}
	t.Skip("pgbouncer is not installed")
	return ""
}

// FindNewPgBouncer returns the path of a PgBouncer that keeps prepared statements in transaction mode: the one that [PgBouncerEnv]
// names, or else the installed one if it is new enough. Without one t is skipped.
func FindNewPgBouncer(t testing.TB) string {
	t.Helper()
	path := os.Getenv(PgBouncerEnv)
	if path == "" {
		path = FindPgBouncer(t)
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatalf("%s --version: %v", path, err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(out), "PgBouncer %d.%d", &major, &minor); err != nil {
		t.Fatalf("%s calls itself %q", path, out)
	}
	if major == 1 && minor < 21 {
		t.Skipf("PgBouncer 1.%d keeps no prepared statements; %s may name a newer one", minor, PgBouncerEnv)
	}
	return path
}

// StartPgBouncer runs a program of PgBouncer in front of a cluster, with the configuration that OPERATIONS.md shows and changes to it:
// name, value, name, value; an empty value removes a line. It is stopped after the test.
func StartPgBouncer(t testing.TB, program string, c *Cluster, changes ...string) *PgBouncer {
	t.Helper()
	sample := pgBouncerSample(t)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	p := &PgBouncer{port: port}
	t.Cleanup(func() {
		if err := p.remove(); err != nil {
			t.Errorf("remove PgBouncer: %v", err)
		}
	})
	if p.dir, err = newDirectory(c.account); err != nil {
		t.Fatal(err)
	}
	changes = append([]string{
		"latchkey", fmt.Sprintf("host=127.0.0.1 port=%d dbname=latchkey", c.port), "listen_addr", "127.0.0.1", "listen_port", fmt.Sprint(port),
		"auth_file", filepath.Join(p.dir.path, "userlist.txt"), "logfile", p.logFile(), "unix_socket_dir", "",
	}, changes...)
	for name, body := range map[string]string{
		"pgbouncer.ini": changed(sample, changes), "userlist.txt": fmt.Sprintf("%q %q\n", Role, c.password),
	} {
		path := filepath.Join(p.dir.path, name)
		if err := errors.Join(os.WriteFile(path, []byte(body), 0o600), c.account.own(path)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, filepath.Join(p.dir.path, "pgbouncer.ini"))
	cmd.Dir, cmd.SysProcAttr = p.dir.path, sysProcAttr(c.account, syscall.SIGKILL)
	if p.proc, err = startProcess(cmd); err != nil {
		t.Fatal(err)
	}
	own, err := url.Parse(c.URL("latchkey"))
	if err != nil {
		t.Fatal(err)
	}
	own.Host = p.Address()
	p.url = own.String()
	p.awaitStart(t)
	return p
}

// pgBouncerSample reads the configuration that OPERATIONS.md shows.
func pgBouncerSample(t testing.TB) string {
	t.Helper()
	for _, up := range []string{"..", "../..", "../../.."} {
		manual, err := os.ReadFile(filepath.Join(up, "OPERATIONS.md"))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(manual), "```ini\n[databases]\n")
		sample, _, found := strings.Cut(rest, "```")
		if !found {
			break
		}
		return "[databases]\n" + sample
	}
	t.Fatal("OPERATIONS.md shows no configuration of PgBouncer")
	return ""
}

// changed sets values in a configuration, or adds them at its end, which is in the section [pgbouncer].
func changed(sample string, changes []string) string {
	for i := 0; i+1 < len(changes); i += 2 {
		line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(changes[i]) + ` *=.*\n`)
		var now string
		if changes[i+1] != "" || changes[i] == "unix_socket_dir" {
			now = changes[i] + " = " + changes[i+1] + "\n"
		}
		if line.MatchString(sample) {
			sample = line.ReplaceAllLiteralString(sample, now)
		} else {
			sample += now
		}
	}
	return sample
}

func (p *PgBouncer) awaitStart(t testing.TB) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", p.Address())
		if err == nil {
			_ = conn.Close()
			return
		}
		if !p.proc.alive() || time.Since(began) > time.Minute {
			t.Fatalf("PgBouncer does not start: %s", p.Log())
		}
	}
}

// Address is where the pooler listens, as host:port.
func (p *PgBouncer) Address() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// URL names the database "latchkey" behind the pooler.
func (p *PgBouncer) URL() string { return p.url }

// Log is what the pooler has logged.
func (p *PgBouncer) Log() string {
	body, err := os.ReadFile(p.logFile())
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// Refused counts the connections whose start-up parameters the pooler has refused.
func (p *PgBouncer) Refused() int { return strings.Count(p.Log(), "unsupported startup parameter") }

func (p *PgBouncer) logFile() string { return filepath.Join(p.dir.path, "pgbouncer.log") }

func (p *PgBouncer) remove() error {
	if p.dir == nil {
		return nil
	}
	var err error
	if p.proc.alive() {
		err = p.proc.end(syscall.SIGKILL)
	}
	return errors.Join(err, p.dir.remove())
}
