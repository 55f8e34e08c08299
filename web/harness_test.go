package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/password"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/web"
)

func TestMain(m *testing.M) { modelstest.Main(m) }

const (
	adaEmail    = "ada@example.com"
	adaPassword = "a fine day at the sea"
	evePassword = "another person's words"
)

// testSecret is the server secret of every site, but where a test changes it.
var testSecret = bytes.Repeat([]byte{7}, 32)

// clock is the service's time, moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// logBuffer takes what the server logs.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// site is a running service on a real database with ada's account in it.
type site struct {
	*httptest.Server
	t          testing.TB
	clock      *clock
	auth       *services.Services
	portal     *web.Server
	config     services.Config
	store      *models.Store
	log        *logBuffer
	statements atomic.Int64
}

// each runs fn against a fresh service on SQLite or PostgreSQL: the tests take them in turn.
func each(t *testing.T, fn func(t *testing.T, s *site), changes ...func(*services.Config, *web.Config)) {
	t.Helper()
	modelstest.InTurnMigrated(t, func(t *testing.T, databaseURL string) { fn(t, newSite(t, databaseURL, changes...)) })
}

func newSite(t testing.TB, databaseURL string, changes ...func(*services.Config, *web.Config)) *site {
	t.Helper()
	s := newReplica(t, databaseURL, changes...)
	s.addUser(adaEmail, adaPassword)
	return s
}

// newReplica is one more service on the database, with an address and a clock of its own.
func newReplica(t testing.TB, databaseURL string, changes ...func(*services.Config, *web.Config)) *site {
	t.Helper()
	s := &site{t: t, clock: &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}, log: &logBuffer{}}
	store, err := models.Open(t.Context(), models.Config{URL: databaseURL, OnStatement: func(string) { s.statements.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if _, err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.store = store
	var inner atomic.Pointer[web.Server]
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner.Load().ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	secret := testSecret
	logger := slog.New(slog.NewTextHandler(s.log, nil))
	a := services.Config{
		Issuer: s.URL, Origin: s.URL, Audience: "https://api.example.com", SigningAlg: "ES256", AccessTTL: 15 * time.Minute,
		StatusTTL: 30 * time.Second, StatusURL: s.URL + "/statuslists/",
		DeviceLifetime: 90 * 24 * time.Hour, DeviceIdle: 30 * 24 * time.Hour, BrowserLifetime: 30 * 24 * time.Hour, BrowserIdle: 24 * time.Hour,
		RetryWindow: 10 * time.Second, MaxDevices: 100, SignupOpen: true, PasswordMin: 12, DeviceNameClaim: true, Hash: password.Params{MemoryKiB: 64, Time: 1, Threads: 1},
		Secret: secret, Now: s.clock.Now, Elapsed: func() time.Duration { return s.clock.Now().Sub(time.Unix(0, 0)) }, Logger: logger,
	}
	w := web.Config{BaseURL: s.URL, Secret: secret, Logger: logger, Languages: []string{"en"}} // with one language no page has the form for another
	for _, change := range changes {
		change(&a, &w)
	}
	s.config = a
	if strings.HasPrefix(w.BaseURL, "http://localhost:") { // for passkeys, which need a host name
		s.URL = w.BaseURL
	}
	if s.auth, err = services.New(store, a); err != nil {
		t.Fatal(err)
	}
	if err := s.auth.Keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	server, err := web.New(s.auth, w)
	if err != nil {
		t.Fatal(err)
	}
	s.portal = server
	inner.Store(server)
	return s
}

func (s *site) addUser(email, password string) {
	s.t.Helper()
	if _, err := s.auth.Operator.AddUser(s.t.Context(), email, password, models.RoleUser); err != nil {
		s.t.Fatal(err)
	}
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// json reads the body into a map of its members.
func (r reply) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(r.body), &m); err != nil {
		t.Fatalf("%d %q is not a JSON object: %v", r.status, r.body, err)
	}
	return m
}

func (r reply) text(t testing.TB, member string) string {
	t.Helper()
	text, _ := r.json(t)[member].(string)
	return text
}

// request sends one request; headers come in pairs.
func (s *site) request(method, path, body string, headers ...string) reply {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	return send(s.t, http.DefaultClient, request)
}

func send(t testing.TB, client *http.Client, request *http.Request) reply {
	t.Helper()
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(body)}
}

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

func (s *site) postJSON(path string, body any, headers ...string) reply {
	s.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.request(http.MethodPost, path, string(encoded), append(headers, "Content-Type", jsonType)...)
}

func (s *site) postForm(path string, form url.Values, headers ...string) reply {
	s.t.Helper()
	return s.request(http.MethodPost, path, form.Encode(), append(headers, "Content-Type", formType)...)
}

// phone is a signed-in app: what it stores.
type phone struct {
	access, refresh, id, name string
}

func (s *site) tryLogin(email, password, name string) reply {
	s.t.Helper()
	return s.postJSON("/api/login", map[string]string{"email": email, "password": password, "device_name": name})
}

// login signs ada in on an app.
func (s *site) login(name string) phone {
	s.t.Helper()
	r := s.tryLogin(adaEmail, adaPassword, name)
	if r.status != http.StatusOK {
		s.t.Fatalf("login as %q: %d %s", name, r.status, r.body)
	}
	return newPhone(s.t, r)
}

func newPhone(t testing.TB, r reply) phone {
	t.Helper()
	return phone{r.text(t, "access_token"), r.text(t, "refresh_token"), r.text(t, "device_id"), r.text(t, "device_name")}
}

// refresh presents a device token.
func (s *site) refresh(token string) reply {
	s.t.Helper()
	return s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// refreshed presents a device token that must be good, and returns the new tokens.
func (s *site) refreshed(token string) phone {
	s.t.Helper()
	r := s.refresh(token)
	if r.status != http.StatusOK {
		s.t.Fatalf("refresh: %d %s", r.status, r.body)
	}
	return newPhone(s.t, r)
}

// refused presents a device token that must be refused for the given reason.
func (s *site) refused(token, reason string) {
	s.t.Helper()
	r := s.refresh(token)
	if r.status != http.StatusBadRequest || r.text(s.t, "error") != "invalid_grant" || r.text(s.t, "reason") != reason {
		s.t.Errorf("refresh: %d %s, want 400 invalid_grant with reason %s", r.status, r.body, reason)
	}
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// browser is a person's browser: it keeps cookies and does not follow redirects by itself.
type browser struct {
	*site
	client *http.Client
	agent  string
	policy string            // the Referrer-Policy of the page that is shown
	links  map[string]string // for each kind of mailed link, by its path: the page of the one followed last
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

func (s *site) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, firefox, "", map[string]string{}}
}

func (b *browser) get(path string) reply {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// post sends a form as a browser without Fetch Metadata would, or any browser at a plain http host name: with an Origin,
// which is null where the page forbids a Referer (Fetch, "append a request Origin header").
// The form is for the account that is signed in, unless it says for which it was made.
func (b *browser) post(path string, form url.Values, headers ...string) reply {
	b.t.Helper()
	if account := b.account(); account != "" && !form.Has("account") {
		form = maps.Clone(form)
		if form == nil {
			form = url.Values{}
		}
		form.Set("account", account)
	}
	return b.do(http.MethodPost, path, form, headers...)
}

// account is who is signed in, as forms name them, or "".
func (b *browser) account() string {
	b.t.Helper()
	base, err := url.Parse(b.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	return web.SignedInAs(testSecret, false, b.client.Jar.Cookies(base))
}

// do sends one request. The path of a kind of mailed link stands for the page of the link followed last.
func (b *browser) do(method, path string, form url.Values, headers ...string) reply {
	b.t.Helper()
	if page, ok := b.links[path]; ok {
		path = page
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("User-Agent", b.agent)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", formType)
		request.Header.Set("Origin", b.URL)
		if b.policy == "no-referrer" {
			request.Header.Set("Origin", "null")
		}
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	r := send(b.t, b.client, request)
	if location := r.header.Get("Location"); location == "" {
		b.policy = r.header.Get("Referrer-Policy")
	} else if from, _, followed := strings.Cut(path, "?token="); followed {
		b.links[from] = location
	}
	return r
}

// signedIn is a browser that ada has signed in on.
func (s *site) signedIn() *browser {
	s.t.Helper()
	b := s.browser()
	b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}}), http.StatusSeeOther, "/devices")
	return b
}

// expect checks a status and, of a redirect, its target.
func (b *browser) expect(r reply, status int, location string) {
	b.t.Helper()
	if r.status != status || r.header.Get("Location") != location {
		b.t.Fatalf("got %d to %q, want %d to %q\n%s", r.status, r.header.Get("Location"), status, location, r.body)
	}
}

// together calls fn n times at the same moment.
func together(n int, fn func(i int)) {
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

func numbered(format string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return list
}
