package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/password"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// The fixtures under testdata/upgrade are data of a server of an earlier release, with the secrets that its users and its
// operator held at that moment. Each test starts today's server on a copy and uses the secrets.
//
// To make them from the code that is checked out (only for a release whose data must go on to work):
//
//	LATCHKEY_MAKE_FIXTURE=testdata/upgrade go test ./web -run TestMakeUpgradeFixtures
const (
	upgradeFolder = "testdata/upgrade"
	upgradeBase   = "https://id.example.com"
	upgradePlain  = "http://id.example.com" // the same server without TLS: its cookies have other names
)

// fixture is what its users and its operator hold at the moment Now.
type fixture struct {
	Notice  string // that nothing of it is worth keeping secret
	Now     time.Time
	Secret  []byte                       // the server secret
	Cookies map[string]map[string]string // of browsers at https, by their names
	Plain   map[string]map[string]string // of browsers at plain http
	Tokens  map[string]string            // device tokens
	Access  map[string]string            // access tokens
	Links   map[string]string            // mailed links, each without its origin
	Pages   map[string]string            // of the links, as a browser shows them
	Key     []byte                       // PKCS #8, of the DPoP-bound device
	Nonce   string                       // for the next DPoP proof
	KIDs    []string                     // of the published signing keys
	Data    json.RawMessage              // ada's data download
	Mails   []waitingMail                // what is sent from the outbox, in this order
}

// waitingMail is what a mail must tell, however it is worded.
type waitingMail struct {
	To    string
	Facts []string // the values of its lines, such as the device and the address in the network
	Link  string   // without its origin; empty: no link
	Until string   // when the link ends

	ByOperator, Again bool // it speaks of an administrator; of a further change
	Opens             bool // the link shows its page
}

// upgraded is a server on the data of a fixture.
type upgraded struct {
	fixture
	t     testing.TB
	store *models.Store
	clock *clock
	site  map[string]http.Handler // by base URL
	mails mailRecorder

	// The few acts that have no HTTP request.
	sendMails       func() error
	finishDeletions func() error
	rotateKey       func() error
	addUser         func(email, role string) error
	setPassword     func(email, password string) error
	disable         func(email string) error
}

// openMigrated opens a database and brings its schema up to date.
func openMigrated(t testing.TB, databaseURL string) *models.Store {
	t.Helper()
	store, err := models.Open(t.Context(), models.Config{URL: databaseURL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if _, err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// openUpgraded starts a server. It is the one place that knows the constructors of the services.
func openUpgraded(t testing.TB, store *models.Store, f fixture) *upgraded {
	t.Helper()
	u := &upgraded{fixture: f, t: t, store: store, clock: &clock{now: f.Now}, site: map[string]http.Handler{}}
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	service, err := services.New(u.store, services.Config{
		Issuer: upgradeBase, Audience: "https://api.example.com", SigningAlg: "ES256", AccessTTL: 15 * time.Minute,
		StatusTTL: 30 * time.Second, StatusURL: upgradeBase + "/statuslists/",
		DeviceLifetime: 90 * 24 * time.Hour, DeviceIdle: 30 * 24 * time.Hour, BrowserLifetime: 30 * 24 * time.Hour, BrowserIdle: 24 * time.Hour,
		RetryWindow: 10 * time.Second, MaxDevices: 100, SignupOpen: true, PasswordMin: 12, DeviceNameClaim: true, NonceRequired: true,
		Hash: password.Params{MemoryKiB: 64, Time: 1, Threads: 1}, Secret: f.Secret, Mail: &u.mails, Render: web.MailRenderer(upgradeBase),
		Now: u.clock.Now, Elapsed: func() time.Duration { return u.clock.Now().Sub(time.Unix(0, 0)) },
	})
	check(err)
	check(service.Keys.Load(ctx))
	check(service.Revocations.Load(ctx))
	for _, base := range []string{upgradeBase, upgradePlain} {
		u.site[base], err = web.New(service, web.Config{BaseURL: base, Secret: f.Secret})
		check(err)
	}
	u.sendMails = func() error {
		for {
			if n, err := service.Notify.SendMails(ctx); n == 0 || err != nil {
				return err
			}
		}
	}
	u.finishDeletions = func() error { _, err := service.Deletions.Finish(ctx); return err }
	u.rotateKey = func() error { return service.Keys.Rotate(ctx) }
	u.addUser = func(email, role string) error {
		_, err := service.Operator.AddUser(ctx, email, upgradePassword, role)
		return err
	}
	u.setPassword = func(email, password string) error {
		_, err := service.Operator.SetPassword(ctx, email, password)
		return err
	}
	u.disable = func(email string) error { _, err := service.Operator.Disable(ctx, email); return err }
	return u
}

// openSQLiteFixture starts a server on a fresh copy of the SQLite fixture.
func openSQLiteFixture(t *testing.T) *upgraded {
	t.Helper()
	databaseURL := modelstest.SQLite(t)
	if err := os.WriteFile(strings.TrimPrefix(databaseURL, "sqlite:"), unzipped(t, "sqlite.db.gz"), 0o600); err != nil {
		t.Fatal(err)
	}
	return openUpgraded(t, openMigrated(t, databaseURL), readFixture(t, "sqlite.json"))
}

// openPostgresFixture starts a server on a database whose rows become those of the PostgreSQL fixture.
func openPostgresFixture(t *testing.T, databaseURL string) *upgraded {
	t.Helper()
	store := openMigrated(t, databaseURL)
	loadRows(t, store, unzipped(t, "postgres.rows.gz"))
	return openUpgraded(t, store, readFixture(t, "postgres.json"))
}

func readFixture(t testing.TB, name string) (f fixture) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(upgradeFolder, name))
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func unzipped(t testing.TB, name string) []byte {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(upgradeFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// tableRows are the rows of a PostgreSQL table, as an array of JSON objects.
type tableRows struct {
	Table string
	Rows  json.RawMessage
}

// loadRows replaces all rows. It names the columns that the fixture has: later ones take their defaults.
func loadRows(t testing.TB, store *models.Store, text []byte) {
	t.Helper()
	var tables []tableRows
	if err := json.Unmarshal(text, &tables); err != nil {
		t.Fatal(err)
	}
	pool, ctx := store.Pools()[0], t.Context()
	for _, table := range tables {
		if _, err := pool.ExecContext(ctx, "TRUNCATE "+table.Table+" CASCADE"); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range tables {
		var rows []map[string]any
		if err := json.Unmarshal(table.Rows, &rows); err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			continue
		}
		columns := strings.Join(slices.Collect(maps.Keys(rows[0])), ", ")
		_, err := pool.ExecContext(ctx, "INSERT INTO "+table.Table+" ("+columns+") SELECT "+columns+
			" FROM json_populate_recordset(NULL::"+table.Table+", $1)", string(table.Rows))
		if err != nil {
			t.Fatalf("%s: %v", table.Table, err)
		}
	}
}

// mailRecorder takes the mails that are sent.
type mailRecorder struct {
	mu   sync.Mutex
	list []mail.Message
}

// Send takes one mail.
func (r *mailRecorder) Send(_ context.Context, m mail.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, m)
	return nil
}

// newMails sends what waits, and returns the mails sent since the last call.
func (u *upgraded) newMails() []mail.Message {
	u.t.Helper()
	if err := u.sendMails(); err != nil {
		u.t.Fatal(err)
	}
	u.mails.mu.Lock()
	defer u.mails.mu.Unlock()
	list := u.mails.list
	u.mails.list = nil
	return list
}

var (
	factInText  = regexp.MustCompile(`(?m)^ [A-Z][^:\n]*: +(.+)$`)
	untilInText = regexp.MustCompile(`expires on (\d+ \w+ \d{4}, [\d:]+ UTC)`)
)

// waitingMails sends what waits, summaries too, and follows the links.
func (u *upgraded) waitingMails() (list []waitingMail) {
	u.t.Helper()
	sent := u.newMails()
	u.clock.Advance(10 * time.Minute)
	for _, m := range append(sent, u.newMails()...) {
		w := waitingMail{To: m.To, ByOperator: strings.Contains(m.Text, "An administrator"), Again: strings.Contains(m.Text, "was changed again")}
		for _, found := range factInText.FindAllStringSubmatch(m.Text, -1) {
			w.Facts = append(w.Facts, found[1])
		}
		for _, found := range linkInText.FindAllString(m.Text, -1) {
			w.Link, w.Until = strings.TrimPrefix(found, upgradeBase), untilInText.FindStringSubmatch(m.Text)[1]
			v := u.visitor(awayIP, nil)
			r := v.get(w.Link)
			w.Opens = r.status == http.StatusSeeOther && v.get(r.header.Get("Location")).status == http.StatusOK
		}
		list = append(list, w)
	}
	return list
}
