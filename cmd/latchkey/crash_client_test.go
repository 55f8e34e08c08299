package main

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// crashClient is an honest app: it stores an answer before it uses it, presents the same token again after anything
// but an answer for good, and takes invalid_grant for "signed out".
type crashClient struct {
	site  *crashSite
	id    string
	email string

	mu       sync.Mutex
	token    string // what is stored
	access   string
	troubled bool // the stored token was answered with a 5xx, or not at all
	out      bool
	last     time.Time     // when new tokens came
	gap      time.Duration // the longest time without
}

// crashSignIn signs a device in; nil when done was closed before an answer came.
func (s *crashSite) crashSignIn(done <-chan struct{}, name string) *crashClient {
	email := s.emails[s.tally.signIns.Load()%int64(len(s.emails))]
	body, _ := json.Marshal(map[string]string{"email": email, "password": crashPassword, "device_name": name})
	r, ok := s.persist(done, s.apps, http.MethodPost, "/api/login", string(body), "Content-Type", "application/json")
	if !ok {
		return nil
	}
	if r.status != http.StatusOK {
		s.t.Errorf("sign in: %d %s", r.status, r.body)
		return nil
	}
	s.tally.signIns.Add(1)
	return &crashClient{site: s, email: email, id: r.field("device_id"), token: r.field("refresh_token"), access: r.field("access_token")}
}

// stored is the token on the client's disk.
func (c *crashClient) stored() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token
}

// generation reads a device token's generation, as only a test may.
func (c *crashClient) generation() int64 { return crashGeneration(c.stored()) }

func crashGeneration(token string) int64 {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "lk1."))
	if err != nil || len(raw) < 41 {
		return -1
	}
	return new(big.Int).SetBytes(raw[33:41]).Int64() // key id, user, device, generation
}

// refresh presents the stored token once and tells whether new ones came.
func (c *crashClient) refresh() bool {
	s, presented := c.site, c.stored()
	r, err := s.ask(s.apps, http.MethodPost, "/oauth/token", refreshForm(presented))
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.troubled = true
		return false
	case r.status >= 500 || r.status == http.StatusTooManyRequests:
		c.troubled = true
		return false
	case r.status != http.StatusOK:
		c.out = true
		s.tally.signedOut.Add(1)
		if c.troubled {
			s.tally.consumed.Add(1)
		}
		s.t.Errorf("device %s, generation %d, is signed out (its token saw an error: %v): %d %s", c.id, crashGeneration(presented), c.troubled, r.status, r.body)
		return false
	}
	token := r.field("refresh_token")
	if r.field("device_id") != c.id || crashGeneration(token) <= crashGeneration(presented) {
		s.t.Errorf("device %s, generation %d, is answered with device %s, generation %d", c.id, crashGeneration(presented), r.field("device_id"), crashGeneration(token))
	}
	now := time.Now()
	if !c.last.IsZero() {
		c.gap = max(c.gap, now.Sub(c.last))
	}
	c.token, c.access, c.troubled, c.last = token, r.field("access_token"), false, now
	s.tally.refreshes.Add(1)
	return true
}

// live refreshes until done is closed or it is signed out, with a pause of up to the given length after each.
func (c *crashClient) live(done <-chan struct{}, pause time.Duration) {
	for n := 0; ; n++ {
		wait := rand.N(pause)
		if !c.refresh() {
			wait += 3 * time.Millisecond
		} else if n%16 == 0 {
			c.whoami()
		}
		if c.signedOut() {
			return
		}
		select {
		case <-done:
			return
		case <-time.After(wait):
		}
	}
}

func (c *crashClient) signedOut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out
}

// whoami uses the access token: keys outlive crashes too. Only a refusal counts.
func (c *crashClient) whoami() {
	r, err := c.site.ask(c.site.apps, http.MethodGet, "/api/whoami", "", "Authorization", "Bearer "+c.access)
	if err != nil || r.status >= 500 {
		return
	}
	if r.status != http.StatusOK || r.field("device_id") != c.id {
		c.site.t.Errorf("the access token of %s: %d %s", c.id, r.status, r.body)
	}
	c.site.tally.whoamis.Add(1)
}

// goesOn refreshes until new tokens come, twice over.
func (c *crashClient) goesOn() {
	c.site.t.Helper()
	for range 2 {
		for began := time.Now(); !c.refresh(); time.Sleep(10 * time.Millisecond) {
			if c.signedOut() {
				return
			}
			if time.Since(began) > 20*time.Second {
				c.site.t.Errorf("device %s cannot refresh", c.id)
				return
			}
		}
	}
}

// load signs n clients in and lets them and a revoker work until the returned function is called, which then
// makes sure that every client goes on and every acknowledged revocation holds.
func (s *crashSite) load(n int, pause time.Duration) (stop func()) {
	s.t.Helper()
	for range n {
		if c := s.crashSignIn(nil, "phone"); c != nil {
			s.clients = append(s.clients, c)
		}
	}
	if s.crashPortal(nil); len(s.clients) != n || s.t.Failed() {
		s.t.Fatal("the clients cannot sign in")
	}
	s.revokedNow(3) // one of each way before the first trouble
	done := make(chan struct{})
	var work sync.WaitGroup
	for _, c := range s.clients {
		work.Go(func() { c.live(done, pause) })
	}
	work.Go(func() { s.revoking(done) })
	return func() {
		s.t.Helper()
		close(done)
		work.Wait()
		for _, c := range s.clients {
			if !c.signedOut() && !s.t.Failed() {
				c.goesOn()
			}
		}
		s.holds(1 << 20)
	}
}
