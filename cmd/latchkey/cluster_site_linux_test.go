package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// clusterHeading is where OPERATIONS.md shows the configuration of HAProxy in front of replicas.
const clusterHeading = "### HAProxy in front of the replicas"

// clusterSite is two replicas on one database behind HAProxy, and their clients.
type clusterSite struct {
	*crashSite
	replicas [2]*clusterReplica
}

// clusterReplica is a replica that can be stopped and started.
type clusterReplica struct {
	site     *clusterSite
	program  string
	settings []string
	address  string
	child    *child
	logs     string // of its former runs
}

// newClusterSite starts two replicas and HAProxy, which is set up as OPERATIONS.md shows it.
func newClusterSite(t *testing.T, direct, through string) *clusterSite {
	t.Helper()
	haproxy, proxy := tool(t, "haproxy"), modelstest.FreeAddress(t)
	one, two := modelstest.FreeAddress(t), modelstest.FreeAddress(t)
	s := newCrashSite(t, direct, through, "LATCHKEY_ADDR="+one, "LATCHKEY_BASE_URL=http://"+proxy, "LATCHKEY_TRUSTED_PROXIES=127.0.0.1/32", "LATCHKEY_DRAIN=3s")
	s.proxied, s.calm = true, 200*time.Millisecond
	for _, email := range []string{"hopper@example.com", "lovelace@example.com", "hamilton@example.com"} {
		launchWithInput(t, on(direct), crashPassword, "user", "add", email, "--password-stdin")
		s.emails = append(s.emails, email)
	}
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	c := &clusterSite{crashSite: s}
	c.replicas[0] = &clusterReplica{site: c, program: program.path, settings: s.settings, address: one, child: s.child}
	c.replicas[1] = &clusterReplica{site: c, program: program.path, settings: append(slices.Clone(s.settings), "LATCHKEY_ADDR="+two), address: two}
	c.replicas[1].start()

	blocks := manualBlocks(t, clusterHeading, "haproxy")
	if len(blocks) != 1 {
		t.Fatalf("%d blocks", len(blocks))
	}
	runHAProxy(t, haproxy, proxy, replaced(t, blocks[0], ":443 ssl crt /etc/haproxy/id.example.com.pem", proxy, "10.0.0.21:8080", one, "10.0.0.22:8080", two))
	s.via.Store(&proxy)
	eventually(t, time.Minute, "HAProxy finds a replica", func() bool {
		r, err := s.ask(s.apps, http.MethodGet, "/readyz", "")
		return err == nil && r.status == http.StatusOK
	})
	return c
}

func runHAProxy(t *testing.T, program, address, configuration string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	runProxy(t, address, program, "-db", "-f", file)
}

// start starts a replica and returns when it serves.
func (r *clusterReplica) start() {
	t := r.site.t
	t.Helper()
	r.child = launchProgram(t, r.program, t.TempDir(), nil, r.settings, "serve")
	r.child.url(t)
}

// end ends a replica with a signal.
func (r *clusterReplica) end(sig syscall.Signal) {
	t := r.site.t
	t.Helper()
	if err := r.child.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	o := r.child.end(t, time.Minute)
	r.logs += o.stderr
	if sig == syscall.SIGTERM && o.code != 0 {
		t.Errorf("a replica ends with %d:\n%s", o.code, o.stderr)
	}
	o.isNoCrash(t)
}

// undone counts the revocations that a replica does not refuse.
func (r *clusterReplica) undone(tokens []string) (n int64) {
	t, s := r.site.t, r.site.crashSite
	t.Helper()
	for _, token := range tokens {
		var answer reply
		eventually(t, 30*time.Second, "the replica answers", func() (ok bool) {
			var err error
			answer, err = s.askAt(r.address, s.apps, http.MethodPost, "/oauth/token", refreshForm(token))
			return err == nil && answer.status < http.StatusInternalServerError
		})
		switch {
		case answer.status == http.StatusOK:
			n++
		case answer.status != http.StatusBadRequest || answer.field("reason") != "revoked" && !s.lossy:
			t.Errorf("a revoked device: %d %s", answer.status, answer.body)
		}
	}
	return n
}

var clusterAgain = regexp.MustCompile(`the database had lost revocations.*devices=(\d+)`)

// again counts the devices that a replica has revoked again.
func (r *clusterReplica) again() (n int64) {
	for _, found := range clusterAgain.FindAllStringSubmatch(r.logs+r.child.stderr.String(), -1) {
		devices, _ := strconv.ParseInt(found[1], 10, 64)
		n += devices
	}
	return n
}
