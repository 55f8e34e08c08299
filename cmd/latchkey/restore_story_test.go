package main

import (
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const bea = "bea@example.org"

// restoreStory is people at a server before and after a copy of its database is made, with what they hold.
type restoreStory struct {
	t        *testing.T
	settings []string
	server   *child

	phone, tablet, stolen, lost, late string // device tokens
	lostAccess                        string
	browser, renewed                  *http.Client
	keys                              string // as latchkey keys list has them
	remembers                         bool   // the server ran all the while
}

// newRestoreStory starts a server at a database, and lets people sign in. One device is signed out already.
func newRestoreStory(t *testing.T, database string) *restoreStory {
	t.Helper()
	s := &restoreStory{t: t, settings: on(database, "LATCHKEY_ISSUER=https://id.example.com", "LATCHKEY_RETRY_WINDOW=1ms")}
	s.latchkey("", "migrate")
	for _, email := range []string{ada, bea} {
		s.latchkey(password, "user", "add", email, "--password-stdin")
	}
	s.start()
	s.phone, s.tablet, s.stolen = s.signIn(ada, "phone"), s.signIn(ada, "tablet"), s.signIn(ada, "stolen")
	revoke(t, s.base(), s.stolen).want(t, 200)
	lost := login(t, s.base(), bea, password, "lost").want(t, 200)
	s.lost, s.lostAccess = lost.field("refresh_token"), lost.field("access_token")
	s.browser, s.renewed = signedInBrowser(t, s.base()), signedInBrowser(t, s.base())
	s.keys = s.latchkey("", "keys", "list")
	return s
}

func (s *restoreStory) base() string { return s.server.url(s.t) }

func (s *restoreStory) start() {
	s.t.Helper()
	s.server = launch(s.t, s.settings, "serve")
	s.base()
}

func (s *restoreStory) stop() {
	s.t.Helper()
	s.server.stop(s.t)
	s.server.end(s.t, time.Minute)
}

// latchkey runs a command of the built program, which must succeed, and returns what it prints.
func (s *restoreStory) latchkey(stdin string, args ...string) string {
	s.t.Helper()
	program, err := binary()
	if err != nil {
		s.t.Fatalf("build: %v", err)
	}
	cmd := exec.CommandContext(s.t.Context(), program.path, args...)
	cmd.Env, cmd.Dir, cmd.Stdin = s.settings, s.t.TempDir(), strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("latchkey %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (s *restoreStory) signIn(email, device string) (token string) {
	s.t.Helper()
	return login(s.t, s.base(), email, password, device).want(s.t, 200).field("refresh_token")
}

const newPassword = "the rain has stopped by now"

// goesOn is what happens after the copy was made: all that a restore undoes.
func (s *restoreStory) goesOn() {
	t := s.t
	t.Helper()
	for range 3 {
		s.phone = refresh(t, s.base(), s.phone).want(t, 200).field("refresh_token")
	}
	s.late = s.signIn(ada, "late")
	s.latchkey(newPassword, "user", "set-password", bea, "--password-stdin") // signs her devices out
	refresh(t, s.base(), s.lost).want(t, 400, "reason", "revoked")
	eventually(t, time.Minute, "the server has read of the sign-out", func() bool { return whoami(t, s.base(), s.lostAccess).status == 401 })
	s.latchkey(password, "user", "add", "eve@example.org", "--password-stdin")
	s.latchkey("", "keys", "rotate", "--now")
	page := send(t, s.renewed, http.MethodGet, s.base()+"/security/data", "").want(t, 200)
	form := url.Values{"account": {accountIn(t, page)}, "current_password": {password}}.Encode()
	send(t, s.renewed, http.MethodPost, s.base()+"/security/data", form, "Content-Type", formType).want(t, 200)
	s.isRenewed(http.StatusOK)
}

func (s *restoreStory) isRenewed(status int) {
	s.t.Helper()
	send(s.t, s.renewed, http.MethodGet, s.base()+"/devices", "").want(s.t, status)
}

// isAsOperationsSays checks the table under “What a restore undoes” of OPERATIONS.md, on a server whose database is the copy.
func (s *restoreStory) isAsOperationsSays() {
	t, base := s.t, s.base()
	t.Helper()
	s.phone = refresh(t, base, s.phone).want(t, 200).field("refresh_token") // is ahead of its row
	s.phone = refresh(t, base, s.phone).want(t, 200).field("refresh_token")
	s.tablet = refresh(t, base, s.tablet).want(t, 200).field("refresh_token")
	refresh(t, base, s.stolen).want(t, 400, "reason", "revoked") // a revocation from before
	refresh(t, base, s.late).want(t, 400, "reason", "unknown_device")
	if s.remembers {
		s.isRevokedAgain()
	} else {
		s.lost = refresh(t, base, s.lost).want(t, 200).field("refresh_token") // a revocation since
	}
	login(t, base, bea, newPassword, "new").want(t, 401)
	login(t, base, bea, password, "former").want(t, 200)
	login(t, base, "eve@example.org", password, "phone").want(t, 401)
	if page := send(t, s.browser, http.MethodGet, base+"/activity", "").want(t, 200); !strings.Contains(page.body, "stayed signed in after our data was restored from a backup") {
		t.Errorf("the activity does not say that the phone was ahead: %s", page.body)
	}
	s.isRenewed(http.StatusSeeOther)
	if list := s.latchkey("", "keys", "list"); list != s.keys {
		t.Errorf("the keys are\n%s, and not\n%s", list, s.keys)
	}
}

// isRevokedAgain waits until the server has made a sign-out again that the database lost.
func (s *restoreStory) isRevokedAgain() {
	t := s.t
	t.Helper()
	eventually(t, time.Minute, "a sign-out that the server had read is made again", func() bool {
		answer := refresh(t, s.base(), s.lost)
		if answer.status == http.StatusOK {
			s.lost = answer.field("refresh_token")
		}
		return answer.field("reason") == "revoked"
	})
	whoami(t, s.base(), s.lostAccess).want(t, 401)
}

// everyoneOut runs the command that OPERATIONS.md names, and checks what it promises.
func (s *restoreStory) everyoneOut() {
	t := s.t
	t.Helper()
	s.latchkey("", "user", "sign-out", "--all")
	s.noOneIsIn()
}

func (s *restoreStory) noOneIsIn() {
	t := s.t
	t.Helper()
	for _, token := range []string{s.phone, s.tablet, s.lost, s.stolen} {
		refresh(t, s.base(), token).want(t, 400, "reason", "revoked")
	}
	send(t, s.browser, http.MethodGet, s.base()+"/devices", "").want(t, http.StatusSeeOther)
	s.signIn(ada, "again")
}
