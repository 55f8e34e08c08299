package modelstest

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// PatroniNode is one machine: Patroni and its PostgreSQL.
type PatroniNode struct {
	Name    string
	Server  string // where PostgreSQL listens, as host:port
	API     string // where Patroni answers health checks
	cluster *Patroni
	file    string
	proc    *process
}

// configure writes a node's configuration: the sample, with the addresses and folders of the test.
func (n *PatroniNode) configure(sample, etcd string) {
	p := n.cluster
	p.t.Helper()
	for _, pair := range [][2]string{
		{"name: db1", "name: " + n.Name}, {"10.0.0.11:8008", n.API}, {"10.0.0.11:5432", n.Server}, {"10.0.0.11:2379,10.0.0.12:2379,10.0.0.13:2379", etcd},
		{"/var/lib/postgresql/15/latchkey", n.dataDir()}, {"/var/lib/postgresql/patroni.pgpass", p.path(n.Name + ".pgpass")},
		{"/usr/lib/postgresql/15/bin", filepath.Dir(p.install.postgres)}, {"10.0.0.0/24", "127.0.0.1/32"}, {"password: …", "password: " + p.password},
	} {
		if !strings.Contains(sample, pair[0]) {
			p.t.Fatalf("the configuration of Patroni has no %q", pair[0])
		}
		sample = strings.ReplaceAll(sample, pair[0], pair[1])
	}
	n.file = p.path(n.Name + ".yml")
	if err := errors.Join(os.WriteFile(n.file, []byte(sample), 0o600), p.account.own(n.file)); err != nil {
		p.t.Fatal(err)
	}
}

func (n *PatroniNode) dataDir() string { return n.cluster.path(n.Name) }

// Start starts the node. Patroni starts its PostgreSQL.
func (n *PatroniNode) Start() { n.proc = n.cluster.run(n.Name, "patroni", n.file) }

// Kill ends Patroni and PostgreSQL with SIGKILL, as the end of their machine does. Patroni is stopped first, so that it restarts nothing.
func (n *PatroniNode) Kill() error {
	if !n.proc.alive() {
		return errors.New("the node is not running")
	}
	if err := n.proc.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	err := errors.Join(n.killServer(), killFamily(n.proc.cmd.Process.Pid))
	<-n.proc.done
	return err
}

// killServer kills PostgreSQL, which is not a child of Patroni.
func (n *PatroniNode) killServer() error {
	body, err := os.ReadFile(filepath.Join(n.dataDir(), "postmaster.pid"))
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(body), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return err
	}
	return killFamily(pid)
}

// answers reports whether the node says that it has a role: /primary, /synchronous.
func (n *PatroniNode) answers(role string) bool { return status("http://"+n.API+role) == http.StatusOK }

// status is the status of an answer, 0 without one.
func status(address string) int {
	client := http.Client{Timeout: time.Second}
	answer, err := client.Get(address)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// Leads waits until a node is the primary.
func (n *PatroniNode) Leads() {
	n.cluster.t.Helper()
	n.cluster.await(n.Name+" is the primary", func() bool { return n.answers("/primary") })
}
