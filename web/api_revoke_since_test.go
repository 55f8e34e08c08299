package web_test

import (
	"net/http"
	"testing"
	"time"

	"latchkey/auth/token"
	"latchkey/models"
)

// since signs out a device and everything since, by an app.
func (s *site) since(p phone, id, body string) reply {
	s.t.Helper()
	return s.request(http.MethodDelete, "/api/devices/"+id+"/since", body, append(bearer(p.access), "Content-Type", jsonType)...)
}

func TestAnAppSignsOutEverythingSince(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		before := s.login("before")
		s.clock.Advance(time.Minute)
		x := s.login("x")
		s.clock.Advance(time.Minute)
		later, mine := s.login("later"), s.login("mine")
		secret := s.confirm(mine, adaPassword).confirmation(t)
		body := `{"confirmation":"` + secret + `"}`
		s.since(mine, x.id, "").wants(t, "no confirmation", http.StatusForbidden, "reauthentication_required")
		s.since(mine, x.id, `{"password":"`+adaPassword+`"}`).wants(t, "the password", http.StatusForbidden, "reauthentication_required")
		s.since(before, x.id, body).wants(t, "another device's", http.StatusForbidden, "invalid_confirmation")
		for what, id := range map[string]string{"current": "current", "its own": mine.id} {
			s.since(mine, id, body).wants(t, what, http.StatusUnprocessableEntity, "invalid_request")
		}
		for what, id := range map[string]string{"unknown": noDevice, "garbage": "x"} {
			s.since(mine, id, body).wants(t, what, http.StatusNotFound, "not_found")
		}
		s.since(mine, x.id, `{"factors":"some","confirmation":"`+secret+`"}`).wants(t, "factors", http.StatusUnprocessableEntity, "invalid_request")
		for _, p := range []phone{before, x, later, mine} {
			if r := s.request(http.MethodGet, "/api/devices", "", bearer(p.access)...); r.status != http.StatusOK {
				t.Fatalf("what was refused signed %s out", p.id)
			}
		}
		r := s.since(mine, x.id, body)
		if r.status != http.StatusOK || r.body != `{"revoked":2,"trusted_browsers":0,"passkeys":0,"authenticator_app":false,"recovery_codes":false}`+"\n" {
			t.Fatalf("%d %s", r.status, r.body)
		}
		s.refused(x.refresh, token.ReasonRevoked)
		s.refused(later.refresh, token.ReasonRevoked)
		s.refreshed(before.refresh)
		s.since(mine, x.id, body).wants(t, "used", http.StatusForbidden, "invalid_confirmation")
		if again := s.since(mine, x.id, `{"confirmation":"`+s.confirm(mine, adaPassword).confirmation(t)+`"}`); again.status != http.StatusOK || again.json(t)["revoked"] != 0.0 {
			t.Errorf("one that is out: %d %s", again.status, again.body)
		}
		if s.acts(models.EventDevicesRevokedSince) != 1 {
			t.Error("an act that ended nothing left an event")
		}
		s.refreshed(mine.refresh)
	})
}

// What was added since cannot confirm in an app that it goes.
func TestAnAppRemovesFactorsSinceWithAnOlderOne(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		o := s.owner()
		app := o.addAuthenticator()
		step := func(p phone, method string, code func() string) string {
			t.Helper()
			r := s.confirm(p, adaPassword)
			return s.confirmStep(p, r.text(t, "challenge"), method, code()).confirmation(t)
		}
		signIn := func(name string) phone {
			t.Helper()
			r := s.tryLogin(adaEmail, adaPassword, name)
			return newPhone(t, s.postJSON("/api/login/factor", map[string]string{"challenge": r.text(t, "challenge"), "method": "totp", "code": app.next(s)}))
		}
		mine, x := signIn("mine"), signIn("x")
		s.clock.Advance(time.Minute)
		codes := o.addRecoveryCodes()
		code := func() string { c := codes[0]; codes = codes[1:]; return c }
		young := `"confirmation":"` + step(mine, "recovery_code", code) + `"`
		s.since(mine, x.id, "{"+young+"}").wants(t, "a code that was made since", http.StatusForbidden, "factor_too_new")
		r := s.since(mine, x.id, `{"factors":"keep",`+young+"}")
		if r.status != http.StatusOK || r.json(t)["revoked"] != 1.0 || r.json(t)["recovery_codes"] != false {
			t.Fatalf("%d %s", r.status, r.body)
		}
		old := `{"confirmation":"` + step(mine, "totp", func() string { return app.next(s) }) + `"}`
		r = s.since(mine, x.id, old)
		if r.status != http.StatusOK || r.json(t)["revoked"] != 0.0 || r.json(t)["recovery_codes"] != true || r.json(t)["authenticator_app"] != false {
			t.Fatalf("%d %s", r.status, r.body)
		}
		s.confirmStep(mine, s.confirm(mine, adaPassword).text(t, "challenge"), "recovery_code", code()).wants(t, "a code that went", http.StatusUnauthorized, "invalid_code")
	})
}

// The API says how each device signed in.
func TestTheAPISaysHowDevicesSignedIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		s.signedIn()
		for _, d := range s.request(http.MethodGet, "/api/devices", "", bearer(p.access)...).json(t)["devices"].([]any) {
			if d := d.(map[string]any); d["signed_in_by"] != "password" || d["through_user_agent"] != "" {
				t.Errorf("%v", d)
			}
		}
	})
}
