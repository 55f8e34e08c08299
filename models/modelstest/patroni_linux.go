package modelstest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Patroni is an etcd and two nodes of Patroni, which keeps one of their PostgreSQL servers as the primary and the other as its standby.
type Patroni struct {
	t        testing.TB
	install  install
	account  account
	dir      *directory
	password string
	etcd     *process
	Nodes    [2]*PatroniNode
}

// StartPatroni starts two nodes by the configuration that OPERATIONS.md shows for one, and returns when the second is a synchronous standby.
// They are removed after the test. Without patroni and etcd t is skipped, or fails when CI is set.
func StartPatroni(t testing.TB, sample string) *Patroni {
	t.Helper()
	for _, program := range []string{"patroni", "patronictl", "etcd"} {
		if _, err := exec.LookPath(program); err != nil {
			endWithout(t, fmt.Errorf("%w (Debian: apt-get install patroni etcd-server)", err))
		}
	}
	p := &Patroni{t: t, password: rand.Text()}
	t.Cleanup(p.remove)
	var err error
	if p.install, err = findInstall(); err == nil {
		p.account, err = serverAccount()
	}
	if err == nil {
		p.dir, err = newDirectory(p.account)
	}
	if err != nil {
		t.Fatal(err)
	}
	etcd := p.startEtcd()
	for i := range p.Nodes {
		n := &PatroniNode{Name: fmt.Sprintf("db%d", i+1), Server: FreeAddress(t), API: FreeAddress(t), cluster: p}
		p.Nodes[i] = n
		n.configure(sample, etcd)
		n.Start()
		p.await(n.Name+" has its role", func() bool { return n.answers("/primary") || i > 0 && n.answers("/synchronous") })
	}
	p.createRole()
	return p
}

// run starts a program as the account of the servers. It logs into a file of its name.
func (p *Patroni) run(name, program string, args ...string) *process {
	p.t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		p.t.Fatal(err)
	}
	log, err := os.OpenFile(p.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	proc, err := startProcess(p.command(log, path, args...))
	if err != nil {
		p.t.Fatal(err)
	}
	return proc
}

func (p *Patroni) command(log *os.File, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.SysProcAttr = p.dir.path, sysProcAttr(p.account, syscall.SIGKILL)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir.path, "LC_ALL=C.UTF-8", "TZ=UTC"}
	if log != nil {
		cmd.Stdout, cmd.Stderr = log, log
	}
	return cmd
}

func (p *Patroni) path(name string) string { return filepath.Join(p.dir.path, name) }

// startEtcd starts one etcd, which is enough on one machine, and returns its address.
func (p *Patroni) startEtcd() string {
	clients, peers := FreeAddress(p.t), "http://"+FreeAddress(p.t)
	p.etcd = p.run("etcd", "etcd", "--name=one", "--data-dir="+p.path("etcd"), "--listen-client-urls=http://"+clients, "--advertise-client-urls=http://"+clients,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=one="+peers)
	p.await("etcd answers", func() bool { return status("http://"+clients+"/health") == http.StatusOK })
	return clients
}

// Roles waits until one node is the primary and the other its synchronous standby, and returns them.
func (p *Patroni) Roles() (primary, standby *PatroniNode) {
	p.t.Helper()
	one, two := p.Nodes[0], p.Nodes[1]
	p.await("a primary and a synchronous standby", func() bool {
		return one.answers("/primary") && two.answers("/synchronous") || two.answers("/primary") && one.answers("/synchronous")
	})
	if one.answers("/primary") {
		return one, two
	}
	return two, one
}

// Switchover makes the standby the primary, by patronictl.
func (p *Patroni) Switchover(from, to *PatroniNode) error {
	path, err := exec.LookPath("patronictl")
	if err != nil {
		return err
	}
	out, err := p.command(nil, path, "-c", from.file, "switchover", "latchkey", "--leader", from.Name, "--candidate", to.Name, "--force").CombinedOutput()
	if err != nil {
		return fmt.Errorf("patronictl: %w\n%s", err, out)
	}
	return nil
}

// URL names the database "latchkey" at an address, where a proxy may be.
func (p *Patroni) URL(address string) string { return p.url(Role, Role, address) }

func (p *Patroni) url(role, database, address string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, p.password), Host: address, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

func (p *Patroni) createRole() {
	p.t.Helper()
	primary, _ := p.Roles()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.url("postgres", "postgres", primary.Server))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, sql := range []string{fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", Role, p.password), fmt.Sprintf("CREATE DATABASE %s OWNER %s", Role, Role)} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			p.t.Fatal(err)
		}
	}
}

// await waits for a condition, and shows what the programs said when it does not come.
func (p *Patroni) await(what string, ok func() bool) {
	p.t.Helper()
	for began := time.Now(); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) < 2*time.Minute {
			continue
		}
		logs, _ := filepath.Glob(p.path("*.log"))
		for _, log := range logs {
			body, _ := os.ReadFile(log)
			p.t.Logf("%s: %s", log, body[max(0, len(body)-3000):])
		}
		p.t.Fatalf("not within two minutes: %s", what)
	}
}

func (p *Patroni) remove() {
	if p.dir == nil {
		return
	}
	for _, n := range p.Nodes {
		if n != nil && n.proc.alive() {
			if err := n.Kill(); err != nil {
				p.t.Errorf("end %s: %v", n.Name, err)
			}
		}
	}
	if p.etcd.alive() {
		if err := p.etcd.end(syscall.SIGKILL); err != nil {
			p.t.Errorf("end etcd: %v", err)
		}
	}
	if err := p.dir.remove(); err != nil {
		p.t.Errorf("remove Patroni: %v", err)
	}
}
