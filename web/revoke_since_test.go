package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// since is the path of the question about a device and everything since.
func (p phone) since() string { return "/devices/" + p.id + "/revoke-since" }

func TestAnUnknownDeviceIsSignedOutWithEverythingSince(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		before := s.login("before")
		s.clock.Advance(time.Hour)
		x := s.login("x")
		s.clock.Advance(time.Hour)
		later, b := s.login("later"), s.signedIn()
		s.mails()
		page := b.shown("/devices")
		page.one("a", "href", x.since())
		page = b.shown(x.since())
		page.one("h1").says("Don’t recognise “x”?")
		page.one("ul", "class", "named").says("later")
		if text := page.one("ul", "class", "outcomes").text(); !contains(text, "It’s signed out immediately, and so is 1 device that signed in after it.") || !contains(text, "The browser you’re using now stays signed in.") {
			t.Errorf("the question says %q", text)
		}
		page.none("fieldset", "class", "confirm")
		page.one("a", "href", "/devices/"+x.id+"/revoke?unknown=1")
		b.expect(b.post(page.one("form", "class", "decision").attr("action"), nil), http.StatusSeeOther, "/security/secure")
		b.told("/security/secure", "You’ve signed out “x” and 1 device that signed in after it.")
		s.refused(x.refresh, token.ReasonRevoked)
		s.refused(later.refresh, token.ReasonRevoked)
		s.refreshed(before.refresh)
		mails := s.mails()
		if len(mails) != 1 || mails[0].Subject != "Signed out with everything since: “x”" || !contains(mails[0].Text, "It and what signed in after it were signed out, 2 devices in all") {
			t.Fatalf("%+v", mails)
		}
		if text := b.shown("/activity").text(); !contains(text, "You signed out “x” and 1 device that signed in after it.") {
			t.Errorf("the activity says %q", text)
		}

		page = b.shown(x.since())
		if text := page.one("ul", "class", "outcomes").text(); !contains(text, "It was already signed out, and no device that signed in after it is still signed in.") {
			t.Errorf("the question says %q", text)
		}
		b.expect(b.post(x.since(), nil), http.StatusSeeOther, "/security/secure")
		if n := s.acts(models.EventDevicesRevokedSince); n != 1 || len(s.mails()) != 0 {
			t.Errorf("once more: %d events", n)
		}

		// The link in the mail reaches the browser that acted, too.
		s.browser().opened(s.link(mails[0]))
		thief := s.browser()
		thief.opened(s.link(mails[0]))
		thief.expect(thief.post("/not-me", nil), http.StatusSeeOther, thief.links["/not-me"])
		b.expect(b.get("/devices"), http.StatusSeeOther, "/login")
	})
}

func TestEverythingSinceIsOnlyOnesOwn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		ids := s.strangers()
		ids["this browser"] = s.live(adaEmail, "Firefox on Linux").ID.String()
		s.unchanged("strangers and this browser", func() {
			for name, id := range ids {
				for _, r := range []reply{b.get("/devices/" + id + "/revoke-since"), b.post("/devices/"+id+"/revoke-since", nil), b.post("/devices/"+id+"/revoke-since", url.Values{"factors": {"remove"}, "current_password": {adaPassword}})} {
					if r.status != http.StatusNotFound {
						t.Errorf("%s: %d", name, r.status)
					}
				}
			}
		})
		b.shown("/devices")
	})
}

// What was added since goes with a factor from before, and stays without.
func TestFactorsSinceGoWithAConfirmation(t *testing.T) {
	eachLocal(t, func(t *testing.T, s *site) {
		o := s.protected(adaEmail) // an app, codes and a passkey
		s.clock.Advance(time.Hour)
		x := s.browser()
		x.agent = pixel
		form := x.passwordRight("")
		x.expect(x.post("/login/verify", url.Values{"challenge": {form.one("input", "name", "challenge").attr("value")}, "method": {"totp"}, "code": {o.app.next(s)}}), http.StatusSeeOther, "/devices")
		id := s.live(adaEmail, "Chrome on Android").ID.String()
		path := "/devices/" + id + "/revoke-since"
		s.clock.Advance(time.Hour)
		young := x.addPasskey(o.byCode())

		page := o.shown(path)
		if text := page.one("div", "class", "question").text(); !contains(text, "Added since then") || !contains(text, "Passkey “") {
			t.Errorf("the question says %q", text)
		}
		if text := page.one("div", "id", "passkey").attr("data-options"); strings.Count(text, `"type":"public-key"`) != 1 {
			t.Errorf("the form asks for the passkeys %s", text)
		}
		for what, proof := range map[string]url.Values{"a wrong code": {"current_password": {o.password}, "code": {"000000"}}, "nothing": {}} {
			proof.Set("factors", "remove")
			r := o.post(path, proof)
			if r.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", what, r.status)
			}
			if text := r.screen(t).one("div", "class", "question").text(); !contains(text, "Nothing was signed out or removed.") {
				t.Errorf("%s: %q", what, text)
			}
		}
		x.shown("/devices")

		// Signing out asks for nothing, and says what is left.
		o.expect(o.post(path, nil), http.StatusSeeOther, "/security/secure")
		told := o.told("/security/secure", "You’ve signed out “Chrome on Android” and ended everything since.")
		told.one("a", "href", path).says("Remove what was added since")
		x.expect(x.get("/devices"), http.StatusSeeOther, "/login")
		if n := o.count(models.EventFactorRemoved); n != 0 {
			t.Errorf("%d factors were removed", n)
		}

		// By the passkey from before, whose ceremony the form carries.
		proof := o.key.confirm(o.shown(path))
		proof.Set("factors", "remove")
		o.expect(o.post(path, proof), http.StatusSeeOther, "/security/secure")
		if text := o.shown("/security/secure").text(); !contains(text, "1 passkey was removed.") {
			t.Errorf("the page says %q", text)
		}
		if names := o.shown("/security/passkeys").all("a", "href", "*"); len(names) == 0 {
			t.Error("the passkey from before is gone")
		}
		if n := o.count(models.EventFactorRemoved); n != 1 {
			t.Errorf("%d events", n)
		}
		thief := s.browser()
		form = thief.shown("/login").one("form", "action", "/login/passkey")
		if r := thief.post("/login/passkey", young.confirm(form)); r.status == http.StatusSeeOther {
			t.Error("the passkey that was added since signs in")
		}
	})
}

// A passkey that was added since does not confirm that it goes, and the page offers nothing where there is no other.
func TestWhatWasAddedSinceDoesNotConfirm(t *testing.T) {
	eachLocal(t, func(t *testing.T, s *site) {
		b, x := s.signedIn(), s.login("x")
		s.clock.Advance(time.Hour)
		young := b.addPasskey(url.Values{"current_password": {adaPassword}})
		page := b.shown(x.since())
		page.none("fieldset", "class", "confirm")
		page.one("a", "href", "/forgot")
		proof := young.confirm(b.shown("/security/data"))
		proof.Set("factors", "remove")
		s.refreshed(x.refresh)
		r := b.post(x.since(), proof)
		if text := r.screen(t).text(); r.status != http.StatusUnprocessableEntity && r.status != http.StatusUnauthorized || !contains(text, "This was added after that device signed in, so it can’t confirm this.") {
			t.Errorf("%d %s", r.status, text)
		}
		if s.acts(models.EventDevicesRevokedSince) != 0 {
			t.Error("the refused act was done")
		}
		b.expect(b.post(x.since(), nil), http.StatusSeeOther, "/security/secure")
		b.shown("/security/passkeys").one("div", "id", "new_passkey")
	})
}

// Without a confirmation the act makes what others have begun fail. A copied cookie must not do that all the time, and what it ends is recorded.
func TestSigningOutEverythingSinceIsLimited(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		x, b := s.login("x"), s.signedIn()
		b.expect(b.post("/security/email", url.Values{"email": {"ada@example.net"}, "password": {adaPassword}}), http.StatusSeeOther, "/security")
		for i := range ratelimit.MaxSince {
			if r := b.post(x.since(), nil); r.status != http.StatusSeeOther {
				t.Fatalf("%d: %d", i, r.status)
			}
		}
		if r := b.post(x.since(), nil); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
			t.Errorf("once more: %d", r.status)
		}
		if n := s.acts(models.EventEmailCancelled); n != 1 {
			t.Errorf("%d events of a cancelled change of address", n)
		}
		other := s.signedIn() // the owner's other browser is not held up
		other.expect(other.post(x.since(), nil), http.StatusSeeOther, "/security/secure")
	})
}
