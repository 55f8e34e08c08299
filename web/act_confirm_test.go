package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/grant"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/views"
)

// owner is a person with every second factor, signed in on a browser.
type owner struct {
	*browser
	email, password string
	app             authenticator
	key             *keychain
	codes           []string
}

// protected makes an account with an authenticator app, a passkey and recovery codes.
func (s *site) protected(email string) *owner {
	s.t.Helper()
	if email != adaEmail {
		s.addUser(email, adaPassword)
	}
	o := &owner{browser: s.browser(), email: email, password: adaPassword}
	o.signIn(email, adaPassword)
	o.app = o.addApp(adaPassword)
	r := o.post("/security/codes", o.byCode())
	if r.status != http.StatusOK {
		s.t.Fatalf("recovery codes: %d %s", r.status, r.body)
	}
	o.codes = r.screen(s.t).texts("code")
	o.key = o.addPasskey(o.byCode())
	return o
}

func (o *owner) byCode() url.Values {
	o.t.Helper()
	return url.Values{"current_password": {o.password}, "code": {o.app.next(o.site)}}
}

func (o *owner) byRecoveryCode() url.Values {
	o.t.Helper()
	code := o.codes[0]
	o.codes = o.codes[1:]
	return url.Values{"current_password": {o.password}, "code": {code}}
}

// act is a sensitive act on a page.
type act struct {
	name     string
	page     func(o *owner) string
	fields   func(o *owner, form screen) url.Values
	password string // the name of its password field
	status   int
	kind     models.EventKind
	done     func(o *owner, r reply)
	brief    bool // its page ends before the challenge on it does
}

func here(path string) func(*owner) string { return func(*owner) string { return path } }

// newestPasskey is the page of an act on the newest passkey.
func newestPasskey(act string) func(*owner) string {
	return func(o *owner) string {
		for _, a := range slices.Backward(o.shown("/security/passkeys").all("a", "href", "*")) {
			if href := a.attr("href"); strings.HasSuffix(href, act) {
				return href
			}
		}
		o.t.Fatalf("no passkey has a link %s", act)
		return ""
	}
}

// sensitiveActs are all of them that can be done again and again.
func sensitiveActs() []act {
	n, unknown := 0, ""
	none := func(*owner, screen) url.Values { return url.Values{} }
	return []act{
		{
			name: "new password", page: here("/security/password"), password: "current_password", status: http.StatusSeeOther, kind: models.EventPasswordChanged,
			fields: func(o *owner, _ screen) url.Values {
				n++
				return url.Values{"new_password": {numbered("a fine day %d at the sea", n+1)[n]}}
			},
			done: func(o *owner, _ reply) { o.password = numbered("a fine day %d at the sea", n+1)[n] },
		},
		{
			name: "new address", page: here("/security/email"), password: "password", status: http.StatusSeeOther, kind: models.EventEmailAsked,
			fields: func(*owner, screen) url.Values { return url.Values{"email": {newEmail}} },
		},
		{
			name: "download", page: here("/security/data"), password: "current_password", status: http.StatusOK, kind: models.EventDataDownloaded, fields: none,
			done: func(o *owner, r reply) {
				if got := r.header.Get("Content-Type"); got != jsonType {
					o.t.Errorf("the download is %q", got)
				}
			},
		},
		{
			name: "new passkey", page: here("/security/passkeys"), password: "current_password", status: http.StatusSeeOther, kind: models.EventFactorAdded, brief: true,
			fields: func(o *owner, form screen) url.Values {
				return url.Values{
					"new_passkey":   {o.keychain().create(form.one("div", "id", "new_passkey").attr("data-options"))},
					"new_challenge": {form.one("input", "name", "new_challenge").attr("value")},
				}
			},
		},
		{
			name: "passkey renamed", page: newestPasskey("/rename"), password: "current_password", status: http.StatusSeeOther, kind: models.EventFactorRenamed,
			fields: func(*owner, screen) url.Values {
				n++
				return url.Values{"name": {fmt.Sprint("key ", n)}}
			},
		},
		{
			name: "passkey removed", password: "current_password", status: http.StatusSeeOther, kind: models.EventFactorRemoved, fields: none,
			page: newestPasskey("/remove"),
		},
		{
			name: "new codes", page: here("/security/codes"), password: "current_password", status: http.StatusOK, kind: models.EventRecoveryCodesMade, fields: none,
			done: func(o *owner, r reply) { o.codes = r.screen(o.t).texts("code") },
		},
		{
			name: "everything since", password: "current_password", status: http.StatusSeeOther, kind: models.EventDevicesRevokedSince,
			page: func(o *owner) string {
				if unknown == "" {
					unknown = o.factorSince()
				}
				return unknown
			},
			fields: func(*owner, screen) url.Values { return url.Values{"factors": {"remove"}} },
			done:   func(*owner, reply) { unknown = "" },
		},
		{
			name: "ways back ended", password: "current_password", status: http.StatusSeeOther, kind: models.EventWaysBackEnded, fields: none,
			page: func(o *owner) string {
				o.leaveAddress("later@example.net")
				return "/security/ways-back"
			},
		},
	}
}

// leaveAddress makes it look as if the account had had an e-mail address for a time, after the one that it has by now.
func (o *owner) leaveAddress(email string) {
	o.t.Helper()
	o.exec("DELETE FROM former_addresses WHERE email = '" + email + "'")
	o.exec(fmt.Sprintf(`INSERT INTO former_addresses (hash, user_id, email, email_key, seq, since, created_at, expires_at)
		SELECT d.secret_hash, u.id, '%s', '%[1]s', 1000, u.created_at, u.created_at, d.expires_at
		FROM users u JOIN devices d ON d.user_id = u.id WHERE u.email = '%s' ORDER BY d.expires_at DESC LIMIT 1`, email, o.email))
}

// factorSince signs an app in and adds a passkey. It returns the path of the question about the app and everything since.
func (o *owner) factorSince() string {
	o.t.Helper()
	r := o.tryLogin(o.email, o.password, "x")
	x := newPhone(o.t, o.postJSON("/api/login/factor", map[string]string{"challenge": r.text(o.t, "challenge"), "method": "totp", "code": o.app.next(o.site)}))
	o.addPasskey(o.byCode())
	return x.since()
}

// deletion is the act that can be done once.
var deletion = act{
	name: "deletion", page: here("/security/delete"), password: "current_password", status: http.StatusSeeOther,
	fields: func(o *owner, _ screen) url.Values { return url.Values{"email": {o.email}} },
}

// lettingIn are the acts that let an app in. Each begins a new request of the app. A browser's app needs no proof before the last one is too
// old; a television always does.
func (s *site) lettingIn() []act {
	s.t.Helper()
	s.addNotes()
	tv, waiting := s.television(), ""
	allow := func(_ *owner, form screen) url.Values {
		return url.Values{"request": {form.one("input", "name", "request").attr("value")}, "device_name": {"Notes"}, "choice": {"allow"}}
	}
	return []act{
		{
			name: "app let in", password: "current_password", status: http.StatusSeeOther, fields: allow, brief: true,
			page: func(o *owner) string {
				o.clock.Advance(grant.ProofLife + time.Minute)
				return o.asks()
			},
			done: func(o *owner, r reply) {
				if r := o.redeem(o.answered(r, notesURI).Get("code")); r.status != http.StatusOK {
					o.t.Errorf("the code: %d %s", r.status, r.body)
				}
			},
		},
		{
			name: "television let in", password: "current_password", status: http.StatusSeeOther, fields: allow, brief: true,
			page: func(o *owner) (path string) {
				var code string
				waiting, code = o.deviceCodes(tv)
				return o.post("/device", url.Values{"user_code": {code}}).header.Get("Location")
			},
			done: func(o *owner, _ reply) {
				if r := o.poll(tv, waiting); r.status != http.StatusOK {
					o.t.Errorf("the television: %d %s", r.status, r.body)
				}
			},
		},
	}
}

// try does an act with a confirmation that proof makes from the act's form.
func (o *owner) try(a act, proof func(form screen) url.Values) reply {
	o.t.Helper()
	page := a.page(o)
	action, _, _ := strings.Cut(page, "?")
	forms := o.shown(page).all("form", "action", action)
	if len(forms) == 0 {
		o.t.Fatalf("%s has no form", page)
	}
	form := forms[0] // the one that is confirmed
	values := a.fields(o, form)
	for name, value := range proof(form) {
		if name == "current_password" {
			name = a.password
		}
		values[name] = value
	}
	return o.post(action, values)
}

func (o *owner) count(kind models.EventKind) int { return countKind(o.eventsOf(o.email), kind) }

// refuses checks that an act is refused beside the right field, and that it was not done.
func (o *owner) refuses(a act, what, field string, proof func(form screen) url.Values) {
	o.t.Helper()
	before := 0
	if a.kind != "" {
		before = o.count(a.kind)
	}
	r := o.try(a, proof)
	if field == "current_password" {
		field = a.password
	}
	if r.status == http.StatusSeeOther || r.status == http.StatusOK {
		o.t.Fatalf("%s with %s was done", a.name, what)
	}
	if r.status != http.StatusUnprocessableEntity && r.status != http.StatusConflict && r.status != http.StatusBadRequest {
		o.t.Fatalf("%s with %s: %d %s", a.name, what, r.status, r.screen(o.t).one("main").text())
	}
	if page := r.screen(o.t); len(page.all("p", "id", field+"-problem")) != 1 {
		o.t.Errorf("%s with %s: nothing beside %s: %s", a.name, what, field, page.one("main").text())
	}
	if a.kind != "" && o.count(a.kind) != before {
		o.t.Errorf("%s with %s was done", a.name, what)
	}
}

// does checks that an act is done.
func (o *owner) does(a act, what string, proof func(form screen) url.Values) {
	o.t.Helper()
	before := 0
	if a.kind != "" {
		before = o.count(a.kind)
	}
	o.exec("DELETE FROM attempts") // the limits have tests of their own
	r := o.try(a, proof)
	if r.status != a.status {
		o.t.Fatalf("%s with %s: %d %s", a.name, what, r.status, r.screen(o.t).one("main").text())
	}
	if a.kind != "" && o.count(a.kind) != before+1 {
		o.t.Errorf("%s with %s: %d events %s, want %d", a.name, what, o.count(a.kind), a.kind, before+1)
	}
	if a.done != nil {
		a.done(o, r)
	}
}

// doesByPasskeyOnce does an act with a passkey, and checks that the same answer is not taken again.
func (o *owner) doesByPasskeyOnce(a act) {
	o.t.Helper()
	var used url.Values
	o.does(a, "a passkey", func(form screen) url.Values {
		used = o.key.confirm(form)
		return maps.Clone(used)
	})
	o.refuses(a, "a used challenge", "passkey", func(screen) url.Values { return maps.Clone(used) })
}

func typed(values url.Values) func(screen) url.Values {
	return func(screen) url.Values { return values }
}

// refusesAllWrongProofs checks what no act takes. The other person has a passkey, too.
func (o *owner) refusesAllWrongProofs(a act, other *owner) {
	o.t.Helper()
	password := url.Values{"current_password": {o.password}}
	but := func(code string) url.Values {
		v := maps.Clone(password)
		v.Set("code", code)
		return v
	}
	o.refuses(a, "nothing", "current_password", typed(nil))
	o.refuses(a, "a wrong password", "current_password", typed(url.Values{"current_password": {"a wrong guess at it"}, "code": {o.app.next(o.site)}}))
	o.refuses(a, "the password alone", "code", typed(password))
	o.refuses(a, "a wrong code", "code", typed(but("000000")))
	o.refuses(a, "a code of letters", "code", typed(but("wrong one")))
	o.refuses(a, "a code alone", "current_password", typed(url.Values{"code": {o.app.next(o.site)}}))
	o.refuses(a, "a passkey that is none", "passkey", func(form screen) url.Values {
		return url.Values{"passkey": {"{}"}, "challenge": o.key.confirm(form)["challenge"]}
	})
	o.refuses(a, "another account's passkey", "passkey", other.key.confirm)
	o.refuses(a, "the challenge of another account's page", "passkey", func(screen) url.Values {
		return o.key.confirm(other.shown("/security/data"))
	})
	if !a.brief {
		o.refuses(a, "a page that was open for too long", "passkey", func(form screen) url.Values {
			answer := o.key.confirm(form)
			o.clock.Advance(31 * time.Minute)
			return answer
		})
	}
	o.exec("DELETE FROM attempts")
}

func eachLocalPost(t *testing.T, fn func(t *testing.T, s *postOffice)) {
	t.Helper()
	modelstest.InTurnMigrated(t, func(t *testing.T, databaseURL string) {
		s := newPostOffice(t, databaseURL, onLocalhost)
		s.URL = localhost(s.URL)
		fn(t, s)
	})
}

func TestEverySensitiveActAsksWhoIsThere(t *testing.T) {
	eachLocalPost(t, func(t *testing.T, s *postOffice) {
		ada, bob := s.protected(adaEmail), s.protected("bob@example.com")
		for _, a := range sensitiveActs() {
			ada.refusesAllWrongProofs(a, bob)

			code := ada.byCode()
			ada.does(a, "password and code", typed(code))
			code["current_password"] = []string{ada.password}
			ada.refuses(a, "a used code", "code", typed(code))
			recovery := ada.byRecoveryCode()
			ada.does(a, "password and recovery code", typed(recovery))
			recovery["current_password"] = []string{ada.password}
			if a.kind != models.EventRecoveryCodesMade { // which forgot the code
				ada.refuses(a, "a used recovery code", "code", typed(recovery))
			}
			ada.doesByPasskeyOnce(a)
			s.exec("DELETE FROM attempts")
			if a.kind != models.EventPasswordChanged { // the acts that follow find the same events: keep their limits out
				s.exec("DELETE FROM events WHERE kind = '" + string(a.kind) + "'")
			}
		}

		s.exec("DELETE FROM former_addresses") // a way back to a later address keeps an account from its deletion
		ada.refusesAllWrongProofs(deletion, bob)
		ada.does(deletion, "a passkey", ada.key.confirm)
		bob.does(deletion, "password and code", typed(bob.byCode()))
		cid := s.protected("cid@example.com")
		cid.does(deletion, "password and recovery code", typed(cid.byRecoveryCode()))
		for _, o := range []*owner{ada, bob, cid} {
			if r := s.tryLogin(o.email, o.password, "phone"); r.status != http.StatusUnauthorized {
				t.Errorf("%s is there: %d", o.email, r.status)
			}
		}
	})
}

func TestWhatLetsAnAppInAsksWhoIsThere(t *testing.T) {
	eachLocalPost(t, func(t *testing.T, s *postOffice) {
		ada, bob := s.protected(adaEmail), s.protected("bob@example.com")
		for _, a := range s.lettingIn() {
			ada.refusesAllWrongProofs(a, bob)
			ada.does(a, "password and code", func(screen) url.Values { return ada.byCode() }) // the page moves the clock
			recovery := ada.byRecoveryCode()
			ada.does(a, "password and recovery code", typed(recovery))
			ada.refuses(a, "a used recovery code", "code", typed(recovery))
			ada.doesByPasskeyOnce(a)
		}
	})
}

// A form that asks for a confirmation is of an act that the tests above try with every wrong proof, or of one that another test tries.
func TestEveryFormThatAsksForAConfirmationIsTried(t *testing.T) {
	id := regexp.MustCompile(`[^/]+/(rename|remove|revoke-since)$`)
	masked := func(path string) string { return id.ReplaceAllString(path, "id/$1") }
	tried := []string{"/security/app", masked("/security/app/remove")} // other tests try to set an app up and to remove it
	eachLocalPost(t, func(t *testing.T, s *postOffice) {
		o := s.protected(adaEmail)
		for _, acts := range []func() []act{sensitiveActs, s.lettingIn, func() []act { return []act{deletion} }} { // a registered app keeps others out
			for _, a := range acts() {
				path, _, _ := strings.Cut(a.page(o), "?")
				tried = append(tried, masked(path))
			}
		}
	})
	for _, state := range views.Gallery(views.Assets{}) {
		var html strings.Builder
		if err := state.Component.Render(t.Context(), &html); err != nil {
			t.Fatal(err)
		}
		page := reply{header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: html.String()}.screen(t)
		for _, form := range page.all("form", "method", "post") {
			path := form.attr("action")
			if len(form.all("fieldset", "class", "confirm")) > 0 && !slices.Contains(tried, masked(path)) {
				t.Errorf("%s: no test tries the form to %s with wrong proofs", state.Name, path)
			}
		}
	}
}

// Without a second factor the password is enough, and nothing else is asked for.
func TestSensitiveActsOfAnAccountWithoutASecondFactorTakeThePassword(t *testing.T) {
	eachLocalPost(t, func(t *testing.T, s *postOffice) {
		o := &owner{browser: s.signedIn(), email: adaEmail, password: adaPassword}
		acts := append(slices.DeleteFunc(sensitiveActs(), func(a act) bool {
			return slices.Contains([]models.EventKind{
				models.EventFactorRemoved, models.EventFactorRenamed, models.EventRecoveryCodesMade, models.EventFactorAdded, models.EventDevicesRevokedSince,
			}, a.kind)
		}), deletion)
		for _, a := range acts {
			page := o.shown(a.page(o))
			page.none("input", "name", "code")
			page.none("input", "name", "passkey")
			o.refuses(a, "nothing", "current_password", typed(nil))
			o.refuses(a, "a wrong password", "current_password", typed(url.Values{"current_password": {"a wrong guess at it"}}))
			o.does(a, "the password", typed(url.Values{"current_password": {o.password}}))
		}
	})
}

// The form of an act asks for the kinds of code that the account has.
func TestASensitiveActNamesTheCodesThatTheAccountHas(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t), onLocalhost)
	s.URL = localhost(s.URL)
	b := s.signedIn()
	key := b.addPasskey(url.Values{"current_password": {adaPassword}})
	if r := b.post("/security/codes", key.confirm(b.shown("/security/codes").one("form", "action", "/security/codes"))); r.status != http.StatusOK {
		t.Fatalf("recovery codes: %d", r.status)
	}
	b.shown("/security/data").one("label", "for", "code").says("Recovery code")
	form := b.shown("/security/app").one("form", "action", "/security/app")
	app := authenticator{b.secretOf(form.text())}
	values := key.confirm(form)
	values.Set("setup", form.one("input", "name", "setup").attr("value"))
	values.Set("app_code", app.code(s))
	if r := b.post("/security/app", values); r.status != http.StatusSeeOther {
		t.Fatalf("the app: %d %s", r.status, r.body)
	}
	b.shown("/security/data").one("label", "for", "code").says("Authenticator or recovery code")
}
