package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/auth/factor"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/web"
)

func policy(p auth.FactorPolicy) func(*services.Config, *web.Config) {
	return func(a *services.Config, _ *web.Config) { a.SecondFactor = p }
}

// toSetUp checks that an answer leads to the set-up, and returns the ticket that its forms carry.
func (b *browser) toSetUp(r reply) (ticket string) {
	b.t.Helper()
	location, err := url.Parse(r.header.Get("Location"))
	if err != nil || r.status != http.StatusSeeOther || location.Path != "/security/setup" || location.Query().Get("ticket") == "" {
		b.t.Fatalf("got %d to %q, want the set-up\n%s", r.status, r.header.Get("Location"), r.body)
	}
	return location.Query().Get("ticket")
}

// staff is a member of the support staff without a second factor, who signs in and is led to the set-up.
func (s *site) staff() (b *browser, ticket string) {
	s.t.Helper()
	if _, err := s.auth.Operator.AddUser(s.t.Context(), samEmail, samPassword, models.RoleSupport); err != nil {
		s.t.Fatal(err)
	}
	b = s.browser()
	return b, b.toSetUp(b.post("/login", url.Values{"email": {samEmail}, "password": {samPassword}}))
}

// enrol sends the form of the set-up with an authenticator app and a code.
func (b *browser) enrol(code, ticket string) (authenticator, reply) {
	b.t.Helper()
	form := b.shown("/security/setup?method=app").one("form", "action", "/security/app")
	a := authenticator{b.secretOf(form.text())}
	return a, b.post("/security/app", url.Values{"guided": {"1"}, "setup": {form.one("input", "name", "setup").attr("value")}, "app_code": {a.code(b.site)}, "enrol_code": {code}, "ticket": {ticket}})
}

func TestStaffWithoutAFactorSeeOnlyTheSetUp(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, _ := s.staff()
		for _, path := range []string{"/support", "/activity", "/security", "/security/app", "/security/data", "/security/email"} {
			if r := b.get(path); r.status != http.StatusSeeOther || r.header.Get("Location") != "/security/setup?next="+url.QueryEscape(path) {
				t.Errorf("%s: %d to %q", path, r.status, r.header.Get("Location"))
			}
		}
		if r := b.post("/security/delete", url.Values{"email": {samEmail}, "current_password": {samPassword}}); r.header.Get("Location") != "/security/setup" {
			t.Errorf("deletion: %d to %q", r.status, r.header.Get("Location"))
		}
		b.shown("/devices")
		phone := newPhone(t, s.tryLogin(samEmail, samPassword, "phone"))
		s.refreshed(phone.refresh)
		b.expect(b.post("/devices/"+phone.id+"/revoke", nil), http.StatusSeeOther, "/devices")
		b.expect(b.post("/logout", nil), http.StatusSeeOther, "/login")
		s.signedIn() // ada is no member of the staff
	}, policy(auth.FactorSupport))
}

// Without the code a thief who has the password would enrol first.
func TestStaffEnrolWithTheCodeOfAMail(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b, ticket := s.staff()
		for _, wrong := range []string{"", "0000-0000-0000-0000-0000-0000", "nonsense"} {
			if _, r := b.enrol(wrong, ticket); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, `name="enrol_code"`) {
				t.Errorf("code %q: %d", wrong, r.status)
			}
		}
		b.shown("/security/setup").one("form", "action", "/security/setup/code")
		b.expect(b.post("/security/setup/code", url.Values{"next": {"/support"}, "method": {"app"}}), http.StatusSeeOther, "/security/setup?code=mailed&method=app&next=%2Fsupport")
		b.told("/security/setup?code=mailed&method=app&next=%2Fsupport", "We’ve e-mailed a code to "+samEmail+".")
		m := s.bySubject()["Your setup code for two-step sign-in"]
		if m.To != samEmail {
			t.Fatalf("no code for sam: %+v", m)
		}
		code := shownCode.FindString(m.Text)
		if strings.Contains(s.dump(), code) {
			t.Error("the code is in the database")
		}
		_, r := b.enrol(" "+strings.ToLower(code), ticket)
		if r := b.post("/security/codes", url.Values{"guided": {"1"}, "ticket": {b.toSetUp(r)}}); r.status != http.StatusOK {
			t.Fatalf("recovery codes: %d %s", r.status, r.body)
		}
		b.shown("/support")

		// The last factor stays, and no browser is trusted.
		b.shown("/security/app/remove").none("form", "action", "/security/app/remove")
		if r := b.post("/security/app/remove", url.Values{"current_password": {samPassword}}); r.status < 400 {
			t.Errorf("removal of the last factor: %d to %q", r.status, r.header.Get("Location"))
		}
		b.shown("/support")
		again := s.browser()
		again.expect(again.post("/login", url.Values{"email": {samEmail}, "password": {samPassword}}), http.StatusSeeOther, "/login/verify")
		again.shown("/login/verify").none("input", "name", "trust")
	}, policy(auth.FactorSupport))
}

// A code can be tried five times, works for half an hour, and a fourth mail in a quarter of an hour is refused.
func TestTheLimitsOfEnrolmentCodes(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b, ticket := s.staff()
		mailed := func() string {
			b.expect(b.post("/security/setup/code", nil), http.StatusSeeOther, "/security/setup?code=mailed")
			return shownCode.FindString(s.bySubject()["Your setup code for two-step sign-in"].Text)
		}
		tried := mailed()
		for range factor.MaxEnrolTries {
			b.enrol("0000-0000-0000-0000-0000-0000", ticket)
		}
		if _, r := b.enrol(tried, ticket); r.status != http.StatusUnprocessableEntity {
			t.Errorf("after five wrong codes: %d to %q", r.status, r.header.Get("Location"))
		}
		old := mailed()
		mailed()
		if r := b.post("/security/setup/code", nil); r.status != http.StatusTooManyRequests {
			t.Errorf("a fourth mail: %d", r.status)
		}
		s.clock.Advance(factor.EnrolLife)
		again := s.browser()
		ticket = again.toSetUp(again.post("/login", url.Values{"email": {samEmail}, "password": {samPassword}}))
		if _, r := again.enrol(old, ticket); r.status != http.StatusUnprocessableEntity {
			t.Errorf("after half an hour: %d", r.status)
		}
		b = again
		good := mailed()
		_, r := again.enrol(good, ticket)
		again.toSetUp(r)
	}, policy(auth.FactorSupport))
}

func TestEverybodySetsUpAFactorWhereItIsRequired(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, databaseURL string) {
		before := newSite(t, databaseURL)
		phone := before.login("phone")
		owner := before.signedIn()

		s := newReplica(t, databaseURL, policy(auth.FactorRequired))
		s.refreshed(phone.refresh)
		r := s.tryLogin(adaEmail, adaPassword, "tablet")
		if r.status != http.StatusForbidden || r.text(t, "code") != "second_factor_setup_required" || r.text(t, "setup_uri") != s.URL+"/login" {
			t.Errorf("an app: %d %s", r.status, r.body)
		}
		b := s.browser()
		b.client = owner.client
		if r := b.get("/activity"); r.header.Get("Location") != "/security/setup?next=%2Factivity" {
			t.Errorf("a browser from before: %d to %q", r.status, r.header.Get("Location"))
		}
		b = s.browser()
		ticket := b.toSetUp(b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}}))
		b.shown("/security/setup").none("input", "name", "enrol_code")
		_, r = b.enrol("", ticket)
		b.toSetUp(r)
		b.shown("/activity")
		if r := b.post("/security/app/remove", url.Values{"current_password": {adaPassword}}); r.status < 400 {
			t.Errorf("removal of the last factor: %d to %q", r.status, r.header.Get("Location"))
		}
	})
}

// Trust that was given before does not count where a second factor is required, nor for a member of the support staff.
func TestTrustedBrowsersDoNotCountForEverybody(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, databaseURL string) {
		s := newSite(t, databaseURL)
		app := s.signedIn().addApp(adaPassword)
		b := s.browser()
		form := b.passwordRight("")
		answer := url.Values{"challenge": {form.one("input", "name", "challenge").attr("value")}, "method": {"totp"}, "code": {app.next(s)}, "trust": {"1"}}
		b.expect(b.post("/login/verify", answer), http.StatusSeeOther, "/devices")
		b.expect(b.post("/logout", nil), http.StatusSeeOther, "/login")
		b.signIn(adaEmail, adaPassword) // trusted
		b.expect(b.post("/logout", nil), http.StatusSeeOther, "/login")

		required := newReplica(t, databaseURL, policy(auth.FactorRequired))
		there := required.browser()
		there.client = b.client
		there.passwordRight("")
		if err := s.auth.Operator.SetRole(t.Context(), adaEmail, models.RoleSupport); err != nil {
			t.Fatal(err)
		}
		b.passwordRight("")
	})
}
