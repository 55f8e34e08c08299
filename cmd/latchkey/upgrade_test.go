package main

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// upgradeJourney is a person with devices, at the previous release and at this one, on one database.
type upgradeJourney struct {
	t        *testing.T
	database string
	old, new *release
	browser  *http.Client // signed in
}

func newUpgradeJourney(t *testing.T, database, path string) *upgradeJourney {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	settings := on(database, "LATCHKEY_ISSUER=https://id.example.com", "PATH=/usr/bin:/bin")
	j := &upgradeJourney{t: t, database: database, old: &release{t: t, path: path, settings: settings}, new: &release{t: t, path: program.path, settings: settings}}
	j.old.run("", "migrate")
	j.old.run(password, "user", "add", ada, "--password-stdin")
	j.old.start()
	j.browser = signedInBrowser(t, j.old.url())
	return j
}

// between signs a device in at one release and walks with it between that one and the other, which may be the same, until it is signed out.
func (j *upgradeJourney) between(one, other *release) {
	t := j.t
	t.Helper()
	phone := login(t, one.url(), ada, password, "phone").want(t, 200)
	for _, at := range []*release{other, one, other} {
		whoami(t, at.url(), phone.field("access_token")).want(t, 200, "device_name", phone.field("device_name"))
		phone = refresh(t, at.url(), phone.field("refresh_token")).want(t, 200)
	}
	stolen := login(t, other.url(), ada, password, "stolen").want(t, 200)
	revoke(t, one.url(), phone.field("refresh_token")).want(t, 200)
	refresh(t, other.url(), phone.field("refresh_token")).want(t, 400, "reason", "revoked")
	eventually(t, time.Minute, "the other one's status list has the sign-out", func() bool {
		return whoami(t, other.url(), phone.field("access_token")).status == 401
	})
	j.signsOut(one, "stolen")
	refresh(t, other.url(), stolen.field("refresh_token")).want(t, 400, "reason", "revoked")
	late := signedInBrowser(t, other.url())
	send(t, late, http.MethodGet, one.url()+"/activity", "").want(t, 200)
}

// signsOut signs a device out on the portal, with the one cookie of the journey.
func (j *upgradeJourney) signsOut(at *release, name string) {
	t := j.t
	t.Helper()
	page := send(t, j.browser, http.MethodGet, at.url()+"/devices", "").want(t, 200)
	_, after, _ := strings.Cut(page.body, ">"+name+"<")
	found := regexp.MustCompile(`/devices/([0-9a-f-]{36})/revoke`).FindStringSubmatch(after)
	if found == nil {
		t.Fatalf("no device %q on the page: %s", name, page.body)
	}
	form := url.Values{"account": {accountIn(t, page)}}.Encode()
	send(t, j.browser, http.MethodPost, at.url()+"/devices/"+found[1]+"/revoke", form, "Content-Type", formType).want(t, http.StatusSeeOther)
}

// refreshing refreshes a device at a server until done is closed. Each answer must be a good one.
func (j *upgradeJourney) refreshing(at *release) (end func() (device string)) {
	t := j.t
	token := login(t, at.url(), ada, password, "busy").want(t, 200).field("refresh_token")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	var count atomic.Int64
	go func() {
		defer close(ended)
		for ctx.Err() == nil && !t.Failed() {
			answer := send(t, http.DefaultClient, http.MethodPost, at.url()+"/oauth/token", refreshForm(token), "Content-Type", formType)
			if answer.want(t, 200).status == 200 {
				token = answer.field("refresh_token")
			}
			count.Add(1)
		}
	}()
	return func() string {
		cancel()
		<-ended
		t.Logf("%d refreshes at the previous release while the schema changed", count.Load())
		return token
	}
}

// sql runs a block of OPERATIONS.md on the database.
func (j *upgradeJourney) sql(block string) {
	j.t.Helper()
	store, err := models.Open(j.t.Context(), models.Config{URL: j.database, Conns: 2})
	if err != nil {
		j.t.Fatal(err)
	}
	defer store.Close()
	for _, statement := range strings.Split(block, ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := store.Pools()[0].ExecContext(j.t.Context(), statement); err != nil {
			j.t.Fatalf("%s: %v", statement, err)
		}
	}
}

// back are the statements of OPERATIONS.md that let the previous release start once more, and those that let this one.
func (j *upgradeJourney) back() (back, forward string) {
	j.t.Helper()
	blocks := manualBlocks(j.t, "## Upgrade and the way back", "sql")
	if len(blocks) != 2 {
		j.t.Fatalf("%d blocks", len(blocks))
	}
	return replaced(j.t, blocks[0], "> 8", "> "+j.old.refuses()), blocks[1]
}

// The previous release runs on beside this one, on the schema of this one, and both know each other's devices, cookies and revocations.
func TestThePreviousReleaseServesBesideThisOne(t *testing.T) {
	t.Parallel()
	path, version := previousRelease(t)
	t.Logf("%s beside the present one", version)
	j := newUpgradeJourney(t, modelstest.Postgres(t), path)
	end := j.refreshing(j.old)
	j.new.start() // migrates
	busy := end()
	busy = refresh(t, j.new.url(), busy).want(t, 200).field("refresh_token")
	j.between(j.old, j.new)
	j.between(j.new, j.old)

	j.new.stop() // the previous one alone, which still runs
	busy = refresh(t, j.old.url(), busy).want(t, 200).field("refresh_token")
	j.between(j.old, j.old)
	back, forward := j.back() // it does not start a second time
	j.old.stop()
	j.sql(back)
	j.old.start()
	busy = refresh(t, j.old.url(), busy).want(t, 200).field("refresh_token")
	j.between(j.old, j.old)
	j.old.run(password, "user", "add", bea, "--password-stdin")

	o := launchProgram(t, j.new.path, t.TempDir(), nil, j.new.settings, "serve").end(t, time.Minute)
	o.refuses(t, 1, "already exists")
	j.sql(forward)
	j.new.start()
	j.between(j.old, j.new)
	j.old.stop()
	j.between(j.new, j.new)
	refresh(t, j.new.url(), busy).want(t, 200)
	login(t, j.new.url(), bea, password, "phone").want(t, 200)
}

// One file, one release at a time.
func TestAFileGoesToThisReleaseAndBack(t *testing.T) {
	t.Parallel()
	path, _ := previousRelease(t)
	j := newUpgradeJourney(t, modelstest.SQLite(t), path)
	token := login(t, j.old.url(), ada, password, "kept").want(t, 200).field("refresh_token")
	var back, forward string
	for _, step := range []struct {
		before func()
		at     *release
	}{
		{func() {}, j.new},
		{func() { back, forward = j.back(); j.sql(back) }, j.old},
		{func() { j.sql(forward) }, j.new},
	} {
		if step.at == j.new {
			j.old.stop()
		} else {
			j.new.stop()
		}
		step.before()
		step.at.start()
		token = refresh(t, step.at.url(), token).want(t, 200).field("refresh_token")
		j.between(step.at, step.at)
	}
}
