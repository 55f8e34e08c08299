package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"latchkey/models/modelstest"
)

// fingerprintReader is Chromium's virtual authenticator.
type fingerprintReader struct {
	c  *tab
	id webauthn.AuthenticatorID
}

// addDevice puts a device with a fingerprint reader into the browser. It does nothing before it is touched.
func (c *tab) addDevice(synced bool) fingerprintReader {
	c.t.Helper()
	c.do("enable WebAuthn", call(webauthn.Enable, webauthn.EnableParams{}))
	added, err := chromedp.Call(c.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
		IsUserVerified: true, DefaultBackupEligibility: synced, DefaultBackupState: synced,
	}})
	if err != nil {
		c.t.Fatal(err)
	}
	return fingerprintReader{c, added.AuthenticatorID}
}

// touched makes the device answer at once, or wait.
func (d fingerprintReader) touched(on bool) {
	d.c.t.Helper()
	d.c.do("touch the device", call(webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: d.id, Enabled: on}))
}

// recognises makes the device recognise its owner, or not.
func (d fingerprintReader) recognises(on bool) {
	d.c.t.Helper()
	d.c.do("recognise", call(webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: d.id, IsUserVerified: on}))
}

func TestAPasskeyInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	chromium(t)
	modelstest.InTurnMigrated(t, func(t *testing.T, databaseURL string) {
		s := newSite(t, databaseURL, onLocalhost)
		c := openTab(t, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), 390, true)
		phone := c.addDevice(true)
		c.open("/login", http.StatusOK)
		c.write("#email", adaEmail)
		c.write("#password", adaPassword)
		c.follow(`form[action="/login"] button[type="submit"]`).one("h1").says("Devices")

		// Made, with the recovery codes after it.
		c.open("/security/passkeys", http.StatusOK)
		c.write("#name", "Pixel 9")
		c.write("#current_password", adaPassword)
		phone.touched(true)
		c.follow(`#new_passkey [data-passkey-start]`).one("h1").says("Set up two-step sign-in")
		phone.touched(false)
		c.shoot("setup-codes")
		c.follow(`form[action="/security/codes"] button[type="submit"]`).one("h1").says("Your recovery codes")
		c.shoot("recovery-codes")

		// The second step.
		c.follow(`form[action="/logout"] button`).one("h1").says("Sign in")
		c.write("#email", adaEmail)
		c.write("#password", adaPassword)
		c.follow(`form[action="/login"] button[type="submit"]`).one("h1").says("One more step")
		c.shoot("second-step")
		phone.recognises(false)
		phone.touched(true)
		c.hit(`#passkey [data-passkey-start]`)
		c.said("passkey", "This was cancelled")
		phone.recognises(true)
		c.follow(`#passkey [data-passkey-start]`).one("h1").says("Devices")

		// Alone, from the browser's list: it answers as soon as the page asks.
		evaluate[bool](c, `window.same = true`)
		c.hit(`form[action="/logout"] button`)
		c.until("the passkey signs in", `!window.same && location.pathname === "/devices" && document.readyState === "complete"`)
		c.shoot("signed-in-by-passkey")

		// Removed, confirmed by itself.
		c.open("/security/passkeys", http.StatusOK)
		c.follow(`a[href$="/remove"]`)
		c.shoot("remove-passkey")
		c.follow(`#passkey [data-passkey-start]`).one("h1").says("Passkeys")
		if list := c.takeFaults(); len(list) > 0 {
			t.Errorf("the browser complained: %q", list)
		}
	})
}
