package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	crashEmail    = "grace@example.com"
	crashPassword = "the harbour at half past six"
)

// crashSoak asks for the long form. It is read here, since TestMain forgets such variables.
var crashSoak = os.Getenv("LATCHKEY_SOAK") != ""

// crashCount is how often something is done in a usual, a short and a long run.
func crashCount(usual, short, soak int) int {
	switch {
	case crashSoak:
		return soak
	case testing.Short():
		return short
	}
	return usual
}

// crashTally is what was done and what came of it.
type crashTally struct {
	crashes, refreshes, signIns, whoamis atomic.Int64
	lost, unavailable                    atomic.Int64 // no answer at all, or a proxy's own, and "try again"
	ahead                                atomic.Int64 // committed, and the client did not know
	revocations                          atomic.Int64 // acknowledged
	signedOut, consumed, undone          atomic.Int64 // must stay 0
}

func (c *crashTally) String() string {
	return fmt.Sprintf("%d crashes, %d refreshes, %d sign-ins, %d access tokens verified, %d requests without an answer, %d answered 503, "+
		"%d found committed without the client's knowing; %d revocations acknowledged, %d undone; %d clients signed out, %d tokens consumed by an error",
		c.crashes.Load(), c.refreshes.Load(), c.signIns.Load(), c.whoamis.Load(), c.lost.Load(), c.unavailable.Load(),
		c.ahead.Load(), c.revocations.Load(), c.undone.Load(), c.signedOut.Load(), c.consumed.Load())
}

// crashSite is the built program on a database of its own, killed and started at will, with its clients.
type crashSite struct {
	t        *testing.T
	direct   string // the database
	settings []string
	child    *child
	at       atomic.Pointer[string] // the listener's address, another one after each start
	via      atomic.Pointer[string] // where clients connect instead, when it is set
	apps     *http.Client
	browser  *http.Client
	proxied  bool          // a proxy answers, too, when no server answers it
	lossy    bool          // what was acknowledged may be undone: the test counts it
	calm     time.Duration // between two revocations
	tally    crashTally

	account func() string // of the browser's forms
	emails  []string      // of the accounts that apps sign in to in turn: each may sign in only so often

	mu           sync.Mutex
	clients      []*crashClient
	acknowledged []string // tokens of devices whose revocation was acknowledged
}

// newCrashSite makes the account and starts the program. It connects to the database at through, where a proxy may
// be; everything else goes to direct.
func newCrashSite(t *testing.T, direct, through string, more ...string) *crashSite {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	// One connection for each request: what is lost is one answer.
	transport := &http.Transport{DisableKeepAlives: true}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s := &crashSite{t: t, direct: direct, emails: []string{crashEmail},
		apps:    &http.Client{Transport: transport, Timeout: 20 * time.Second},
		browser: &http.Client{Transport: transport, Timeout: 20 * time.Second, Jar: jar, CheckRedirect: stay},
	}
	s.account = sync.OnceValue(func() string {
		return accountIn(t, s.mustAsk(s.browser, http.MethodGet, "/devices", "", []int{http.StatusOK}))
	})
	// The port changes with each start, so the issuer is named. The short window lets some retries repeat, some fork.
	s.settings = on(through, append(more, "LATCHKEY_ISSUER=https://id.example.com", "LATCHKEY_MAX_DEVICES=10000", "LATCHKEY_RETRY_WINDOW=30ms")...)
	program, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	make := exec.Command(program.path, "migrate")
	make.Env = s.settings
	if out, err := make.CombinedOutput(); err != nil {
		s.t.Fatalf("make the tables: %v\n%s", err, out)
	}
	launchWithInput(t, on(direct), crashPassword, "user", "add", crashEmail, "--password-stdin")
	s.start()
	return s
}

var crashAddress = regexp.MustCompile(`msg=serving .*address=(\S+)`)

// start starts the program and returns when it serves.
func (s *crashSite) start() {
	s.t.Helper()
	s.child = launch(s.t, s.settings, "serve")
	s.child.url(s.t)
	s.at.Store(&crashAddress.FindStringSubmatch(s.child.stderr.String())[1])
}

// kill ends the program as a power cut would, as far as a process can tell.
func (s *crashSite) kill() {
	s.t.Helper()
	if err := s.child.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-s.child.ended
	s.tally.crashes.Add(1)
}

// stop ends the program in order.
func (s *crashSite) stop() {
	s.t.Helper()
	if err := s.child.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	s.child.end(s.t, time.Minute)
}

// ask sends one request and reads the answer to its end. An error means that no answer came.
func (s *crashSite) ask(client *http.Client, method, path, body string, headers ...string) (reply, error) {
	address := s.at.Load()
	if via := s.via.Load(); via != nil {
		address = via
	}
	return s.askAt(*address, client, method, path, body, headers...)
}

// askAt is ask at another address.
func (s *crashSite) askAt(address string, client *http.Client, method, path, body string, headers ...string) (reply, error) {
	request, err := http.NewRequest(method, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("Content-Type", formType)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := client.Do(request)
	if err != nil {
		s.tally.lost.Add(1)
		return reply{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.tally.lost.Add(1)
		return reply{}, err
	}
	r := reply{answer.StatusCode, answer.Header, string(text)}
	if s.proxied && r.status >= 502 && strings.HasPrefix(r.body, "<html><body><h1>") {
		s.tally.lost.Add(1)
		return reply{}, fmt.Errorf("the proxy answers %d", r.status)
	}
	if r.status >= 500 {
		s.tally.unavailable.Add(1)
		s.checkUnavailable(path, r)
	}
	return r, nil
}

// checkUnavailable: a database in trouble is "try again later", never a mistake of ours and never "sign in again".
func (s *crashSite) checkUnavailable(path string, r reply) {
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" ||
		strings.HasPrefix(path, "/oauth/") && r.field("error") != "temporarily_unavailable" {
		s.t.Errorf("%s: %d, Retry-After %q: %s", path, r.status, r.header.Get("Retry-After"), r.body)
	}
}

// persist repeats a request until it is answered for good, or until done is closed (nil: for ten seconds or more).
func (s *crashSite) persist(done <-chan struct{}, client *http.Client, method, path, body string, headers ...string) (reply, bool) {
	for began := time.Now(); ; {
		r, err := s.ask(client, method, path, body, headers...)
		if err == nil && r.status < 500 && r.status != http.StatusTooManyRequests {
			return r, true
		}
		select {
		case <-done:
			return r, false
		case <-time.After(5*time.Millisecond + rand.N(20*time.Millisecond)):
		}
		if done == nil && time.Since(began) > 30*time.Second {
			s.t.Errorf("%s %s: no answer for good within %s; the last is %d %s, %v", method, path, time.Since(began), r.status, r.body, err)
			return r, false
		}
	}
}

// mustAsk is persist where the answer has to come and to be of one of the given statuses.
func (s *crashSite) mustAsk(client *http.Client, method, path, body string, statuses []int, headers ...string) reply {
	s.t.Helper()
	r, ok := s.persist(nil, client, method, path, body, headers...)
	if ok && !slices.Contains(statuses, r.status) {
		s.t.Errorf("%s %s: %d %s, want %v", method, path, r.status, r.body, statuses)
	}
	return r
}
