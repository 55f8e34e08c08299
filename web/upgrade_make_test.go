package web_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/models/modelstest"
)

const upgradePassword = "a fixture of former days"

// The networks of the fixture.
const (
	homeIP     = "198.51.100.7"
	awayIP     = "198.51.100.99"
	guesserIP  = "203.0.113.9"   // has used up its guesses at ada's password
	familiarIP = "198.51.100.20" // leo signed in from there
)

// TestMakeUpgradeFixtures writes the fixtures. See upgrade_test.go.
func TestMakeUpgradeFixtures(t *testing.T) {
	folder := os.Getenv("LATCHKEY_MAKE_FIXTURE")
	if folder == "" {
		return
	}
	folder, err := filepath.Abs(filepath.Join("..", "web", strings.TrimPrefix(folder, "web/")))
	if err != nil {
		t.Fatal(err)
	}
	sqlite, postgres := modelstest.SQLite(t), modelstest.Postgres(t)
	for name, databaseURL := range map[string]string{"sqlite": sqlite, "postgres": postgres} {
		synctest.Test(t, func(t *testing.T) {
			// Cookies carry the time of their making by the system's clock. Theirs is in the future, so they do not expire.
			time.Sleep(time.Until(time.Date(2190, 1, 1, 0, 0, 0, 0, time.UTC)))
			makeFixture(t, filepath.Join(folder, name), databaseURL)
		})
	}
}

// maker makes a fixture.
type maker struct{ *upgraded }

func makeFixture(t *testing.T, path, databaseURL string) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	m := &maker{upgraded: openUpgraded(t, openMigrated(t, databaseURL), fixture{
		Notice: "TEST DATA. These secrets, keys, cookies and links open nothing but the test fixture beside this file.",
		Now:    time.Date(2026, 10, 10, 12, 0, 0, 0, time.UTC), Secret: secret, Cookies: map[string]map[string]string{}, Plain: map[string]map[string]string{},
		Tokens: map[string]string{}, Access: map[string]string{}, Links: map[string]string{}, Pages: map[string]string{},
	})}
	m.long()
	m.changes()
	m.links()
	m.waiting()
	m.limits()
	m.unfinished()
	m.last()
	m.Now = m.clock.Now()
	m.rows(path)
	m.after()
	text, err := json.MarshalIndent(m.fixture, "", " ")
	m.must(err)
	m.must(os.WriteFile(path+".json", append(text, '\n'), 0o600))
}

func (m *maker) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// see checks a status. A second passes after every step, so that no two events are of one moment.
func (m *maker) see(r reply, status int) reply {
	m.t.Helper()
	m.clock.Advance(time.Second)
	if r.status != status {
		m.t.Fatalf("%d, want %d: to %q %s", r.status, status, r.header.Get("Location"), r.body)
	}
	return r
}

func (m *maker) app(ip, email, name string, headers ...string) phone {
	m.t.Helper()
	return newPhone(m.t, m.see(m.visitor(ip, nil).login(email, upgradePassword, name, headers...), http.StatusOK))
}

func (m *maker) browser(ip, email string) *visitor {
	m.t.Helper()
	v := m.visitor(ip, nil)
	m.see(v.signIn(email), http.StatusSeeOther)
	return v
}

// link sends what waits and returns the newest link of a path that was mailed to an address.
func (m *maker) link(to, path string) (link string) {
	m.t.Helper()
	for _, letter := range m.newMails() {
		for _, found := range linkInText.FindAllString(letter.Text, -1) {
			if local := strings.TrimPrefix(found, upgradeBase); letter.To == to && strings.HasPrefix(local, path+"?") {
				link = local
			}
		}
	}
	if link == "" {
		m.t.Fatalf("no link %s was mailed to %s", path, to)
	}
	return link
}

func (m *maker) askEmail(v *visitor, email string) {
	m.t.Helper()
	m.see(v.submit("/security", "/security/email", url.Values{"email": {email}, "password": {upgradePassword}}), http.StatusSeeOther)
}

func (m *maker) confirmEmail(v *visitor, link string) {
	m.t.Helper()
	m.see(v.answer(v.follow(link), url.Values{"password": {upgradePassword}}), http.StatusSeeOther)
}

// hold keeps rows in deleted_accounts until release.
func (m *maker) hold() {
	if m.store.Dialect() == "sqlite" {
		m.exec("CREATE TRIGGER hold BEFORE DELETE ON deleted_accounts BEGIN SELECT RAISE(ABORT, 'held'); END")
		return
	}
	m.exec("CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'held'; END $$")
	m.exec("CREATE TRIGGER hold BEFORE DELETE ON deleted_accounts FOR EACH ROW EXECUTE FUNCTION hold()")
}

func (m *maker) release() {
	if m.store.Dialect() == "sqlite" {
		m.exec("DROP TRIGGER hold")
		return
	}
	m.exec("DROP FUNCTION hold CASCADE")
}

func (m *maker) exec(statement string) {
	m.t.Helper()
	_, err := m.store.Pools()[0].ExecContext(m.t.Context(), statement)
	m.must(err)
}

// rows writes what the database holds.
func (m *maker) rows(path string) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if m.store.Dialect() == "sqlite" {
		path += ".db.gz"
		file := filepath.Join(m.t.TempDir(), "copy.db")
		m.exec("VACUUM INTO '" + file + "'")
		text, err := os.ReadFile(file)
		m.must(err)
		_, err = w.Write(text)
		m.must(err)
	} else {
		path += ".rows.gz"
		m.must(json.NewEncoder(w).Encode(m.tables()))
	}
	m.must(w.Close())
	m.must(os.WriteFile(path, b.Bytes(), 0o600))
}

// tables are all tables with their rows, users first: others refer to them.
func (m *maker) tables() (list []tableRows) {
	ctx, pool := m.t.Context(), m.store.Pools()[0]
	rows, err := pool.QueryContext(ctx, `SELECT table_name FROM information_schema.tables
		WHERE table_schema = current_schema() AND table_name NOT LIKE '%version%' ORDER BY table_name <> 'users', table_name`)
	m.must(err)
	for rows.Next() {
		var table tableRows
		m.must(rows.Scan(&table.Table))
		list = append(list, table)
	}
	m.must(rows.Err())
	_ = rows.Close()
	for i := range list {
		m.must(pool.QueryRowContext(ctx, "SELECT coalesce(json_agg(t), '[]') FROM "+list[i].Table+" t").Scan((*[]byte)(&list[i].Rows)))
	}
	return list
}

// after is what only today's server can say of the copied data, and a token newer than the copy.
func (m *maker) after() {
	m.Data = json.RawMessage(m.download().body)
	home := m.visitor(homeIP, nil)
	m.Tokens["restored"] = home.refreshed(home.refreshed(m.Tokens["restored"]).refresh).refresh
	m.Mails = m.waitingMails()
}
