package services_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// racePair is two services over one database, each with its own connections: two replicas or, on SQLite, a server and a command
// beside it. The test advances their common clock.
type racePair struct {
	services [2]*raced
	elapsed  atomic.Int64
	lag      atomic.Int64 // how far the clock of the second is behind
	owners   atomic.Int64
}

var (
	raceStart = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	raceFrom  = at("192.0.2.1")
)

func (p *racePair) now() time.Time           { return raceStart.Add(time.Duration(p.elapsed.Load())) }
func (p *racePair) advance(by time.Duration) { p.elapsed.Add(int64(by)) }
func (p *racePair) on(i int) *raced          { return p.services[i%2] }
func (p *racePair) each(fn func(s *raced))   { fn(p.services[0]); fn(p.services[1]) }

// eachPair runs fn on SQLite and on PostgreSQL. No keys are loaded yet.
func eachPair(t *testing.T, fn func(t *testing.T, p *racePair)) {
	t.Helper()
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		p := &racePair{}
		for i := range p.services {
			store, err := models.Open(t.Context(), models.Config{URL: url, Conns: 6})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			if _, err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			now := p.now
			if i == 1 {
				now = func() time.Time { return p.now().Add(-time.Duration(p.lag.Load())) }
			}
			p.services[i] = newRaced(t, store, services.Config{SigningAlg: "EdDSA", Secret: testSecret, Now: now})
		}
		fn(t, p)
	})
}

// raced is one of the two: all services, and what they were made from.
type raced struct {
	*services.Services
	store  *models.Store
	config services.Config
}

func (s *raced) now() time.Time { return s.config.Now() }

func (s *raced) live() models.Liveness { return liveness(s.config) }

// change makes the services again with other settings.
func (s *raced) change(t *testing.T, how func(*services.Config)) {
	t.Helper()
	how(&s.config)
	var err error
	if s.Services, err = services.New(s.store, s.config); err != nil {
		t.Fatal(err)
	}
}

// newRaced makes services with cheap hashes; c changes the settings.
func newRaced(t *testing.T, store *models.Store, c services.Config) *raced {
	t.Helper()
	s := &raced{store: store, config: c}
	s.change(t, func(c *services.Config) {
		c.Issuer, c.Audience, c.AccessTTL = "https://id.example.com", "https://api.example.com", 15*time.Minute
		c.DeviceLifetime, c.DeviceIdle = 90*24*time.Hour, 30*24*time.Hour
		c.BrowserLifetime, c.BrowserIdle = 30*24*time.Hour, 24*time.Hour
		c.RetryWindow, c.MaxDevices, c.PasswordMin = 10*time.Second, 1000, 12
		c.Hash, c.Workers = cheapHash, 4
	})
	return s
}

func jwks(t *testing.T, s *raced) []byte {
	t.Helper()
	set, err := s.Keys.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// raceOwner is a new account, signed in on the portal.
type raceOwner struct {
	*racePair
	t       *testing.T
	email   string
	session *browser.Session
	key     browser.Key
}

const racePassword = "the tide at a quarter to nine"

func (p *racePair) owner(t *testing.T) *raceOwner {
	t.Helper()
	o := &raceOwner{racePair: p, t: t, email: fmt.Sprintf("owner%d@example.com", p.owners.Add(1))}
	if _, err := p.on(0).Operator.AddUser(t.Context(), o.email, racePassword, models.RoleUser); err != nil {
		t.Fatal(err)
	}
	var err error
	if o.key, err = p.on(0).SignIn.LoginBrowser(t.Context(), browser.Login{Email: o.email, Password: racePassword, From: raceFrom}); err != nil {
		t.Fatal(err)
	}
	if o.session, err = p.on(1).Browsers.Authenticate(t.Context(), o.key, raceFrom); err != nil {
		t.Fatal(err)
	}
	return o
}

// login signs an app in at service i.
func (o *raceOwner) login(i int, name string) (token.Answer, error) {
	return o.on(i).SignIn.Login(o.t.Context(), signin.LoginRequest{Email: o.email, Password: racePassword, DeviceName: name, From: raceFrom})
}

func (o *raceOwner) mustLogin(i int, name string) token.Answer {
	o.t.Helper()
	answer, err := o.login(i, name)
	if err != nil {
		o.t.Fatal(err)
	}
	return answer
}

func (p *racePair) refresh(t *testing.T, i int, presented string) (token.Answer, error) {
	t.Helper()
	return p.on(i).Tokens.Refresh(t.Context(), token.RefreshRequest{Token: presented, From: raceFrom})
}

// raceLive returns the names of the owner's live devices of one kind. A duplicate name is an error.
func (o *raceOwner) raceLive(kind string) (names []string) {
	o.t.Helper()
	list, err := o.on(0).store.LiveDevices(o.t.Context(), o.session.User.ID, o.on(0).live())
	if err != nil {
		o.t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, d := range list {
		if seen[d.Name] {
			o.t.Errorf("two live devices are called %q", d.Name)
		}
		if seen[d.Name] = true; d.Kind == kind {
			names = append(names, d.Name)
		}
	}
	return names
}

// raceTogether calls fn n times at the same moment and returns when all are done.
func raceTogether(n int, fn func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			fn(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// raceRounds returns how often to run a race. SQLite syncs every commit to disk.
func raceRounds(p *racePair, usual int) int {
	if testing.Short() || p.on(0).store.Dialect() == "sqlite" {
		return max(usual/4, 2)
	}
	return usual
}

// raceKind returns the kind of an error, or -1 for nil.
func raceKind(err error) auth.Kind {
	if err == nil {
		return -1
	}
	return auth.AsError(err).Kind
}
