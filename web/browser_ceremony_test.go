package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// virtualDevice is a virtual one that holds passkeys.
type virtualDevice struct {
	c  *tab
	id webauthn.AuthenticatorID
}

func (c *tab) virtualDevice() virtualDevice {
	c.t.Helper()
	c.do("enable passkeys", call(webauthn.Enable, webauthn.EnableParams{}))
	ctx, cancel := context.WithTimeout(c.ctx, stepTime)
	defer cancel()
	got, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		c.t.Fatal(err)
	}
	return virtualDevice{c, got.AuthenticatorID}
}

// knows says whether the person is recognised from now on: without that a ceremony ends like one that was cancelled.
func (a virtualDevice) knows(person bool) {
	a.c.t.Helper()
	a.c.do("user verification", call(webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: person}))
}

// passkeyGallery is a tab in which forms are kept in window.sent instead of being sent. Passkeys need a name that is no IP address.
func passkeyGallery(t *testing.T) *tab {
	t.Helper()
	s := gallerySite(t)
	c := openTab(t, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), 1280, true)
	c.load(`document.addEventListener("DOMContentLoaded", () => document.addEventListener("submit", event => {
		if (event.defaultPrevented) return;
		event.preventDefault();
		window.sent = {to: new URL(event.target.action).pathname, ...Object.fromEntries(new FormData(event.target))};
	}))`)
	return c
}

// hit clicks, and sent waits for a form and returns its fields.
func (c *tab) hit(selector string) { c.t.Helper(); c.do("press "+selector, clicked(selector)) }

func (c *tab) sent() map[string]string {
	c.t.Helper()
	c.until("a form is sent", `Boolean(window.sent)`)
	got := map[string]string{}
	if err := json.Unmarshal([]byte(evaluate[string](c, `JSON.stringify(window.sent)`)), &got); err != nil {
		c.t.Fatal(err)
	}
	evaluate[bool](c, `delete window.sent`)
	return got
}

// said waits for words in a live region of a part.
func (c *tab) said(part, words string) {
	c.t.Helper()
	c.until(part+" says "+words, `document.querySelector("#`+part+` .passkey-said").textContent.startsWith("`+words+`")`)
}

func isCredential(t *testing.T, text string) {
	t.Helper()
	var credential struct {
		ID, Type string
		Response map[string]any
	}
	if err := json.Unmarshal([]byte(text), &credential); err != nil || credential.ID == "" || credential.Type != "public-key" || credential.Response["clientDataJSON"] == "" {
		t.Errorf("not a credential: %.80q: %v", text, err)
	}
}

func TestPasskeysAreMadeAndUsedByTheScript(t *testing.T) {
	c := passkeyGallery(t)
	a := c.virtualDevice()
	const add = `#new_passkey button`

	c.open("/gallery/passkeys/none", http.StatusOK)
	c.hit(add)
	if evaluate[bool](c, `Boolean(window.sent) || !document.querySelector("#current_password:invalid")`) {
		t.Error("a passkey is made without the password")
	}
	c.write("#name", "Pixel 9")
	c.write("#current_password", adaPassword)
	a.knows(false)
	c.hit(add)
	c.said("new_passkey", "This was cancelled")
	if got := evaluate[string](c, `document.querySelector("`+add+`").getAttribute("aria-busy") || ""`); got != "" {
		t.Errorf("after the refusal the button is busy: %q", got)
	}
	a.knows(true)
	c.hit(add)
	got := c.sent()
	isCredential(t, got["new_passkey"])
	if got["to"] != "/security/passkeys" || got["name"] != "Pixel 9" || got["new_challenge"] == "" || got["current_password"] != adaPassword {
		t.Errorf("sent %q", got)
	}

	// A passkey confirms instead of the password, and the rest of the form is still asked for.
	c.open("/gallery/password/with-everything", http.StatusOK)
	c.hit(`#passkey button`)
	if evaluate[bool](c, `Boolean(window.sent) || !document.querySelector("#new_password:invalid")`) {
		t.Error("the password is changed without a new one")
	}
	c.write("#new_password", "a finer day on the lake")
	c.hit(`#passkey button`)
	got = c.sent()
	isCredential(t, got["passkey"])
	if got["to"] != "/security/password" || got["challenge"] == "" || got["new_password"] != "a finer day on the lake" {
		t.Errorf("sent %q", got)
	}

	// Where only the passkey counts, the form's own button asks for it.
	c.open("/gallery/password/with-a-passkey-only", http.StatusOK)
	c.write("#new_password", "a finer day on the lake")
	c.hit(`main button[type="submit"]`)
	isCredential(t, c.sent()["passkey"])

	// One passkey confirms, the other is made: two presses, as a browser asks for each.
	c.open("/gallery/passkeys/some", http.StatusOK)
	c.write("#name", "blue key")
	c.hit(`#passkey button`)
	c.said("passkey", "Confirmed.")
	c.hit(add)
	got = c.sent()
	isCredential(t, got["passkey"])
	isCredential(t, got["new_passkey"])

	c.open("/gallery/second-step/passkey", http.StatusOK)
	c.hit("#trust")
	c.hit(`#passkey button`)
	got = c.sent()
	isCredential(t, got["passkey"])
	if got["to"] != "/login/verify" || got["method"] != "passkey" || got["trust"] != "1" || got["next"] == "" || got["challenge"] == "" {
		t.Errorf("sent %q", got)
	}
	if faults := c.takeFaults(); len(faults) > 0 {
		t.Errorf("the browser complains: %q", faults)
	}
}

func TestWhyAPasskeyDidNotWorkIsSaid(t *testing.T) {
	c := passkeyGallery(t)
	c.virtualDevice()
	c.open("/gallery/second-step/passkey", http.StatusOK)
	for name, words := range map[string]string{
		`new DOMException("", "NotAllowedError")`: "This was cancelled", `new DOMException("", "InvalidStateError")`: "This device already has a passkey", `new TypeError("")`: "That didn’t work",
	} {
		evaluate[bool](c, `navigator.credentials.get = () => Promise.reject(`+name+`), true`)
		c.hit(`#passkey button`)
		c.said("passkey", words)
	}
	evaluate[bool](c, `(() => { // as long as the server said
		const part = document.querySelector("#passkey");
		part.dataset.options = JSON.stringify({...JSON.parse(part.dataset.options), timeout: 50});
		const later = 60;
		let first = true;
		performance.now = () => first ? (first = false, 0) : later;
		navigator.credentials.get = () => Promise.reject(new DOMException("", "NotAllowedError"));
		return true;
	})()`)
	c.hit(`#passkey button`)
	c.said("passkey", "That took too long")
	if evaluate[bool](c, `Boolean(window.sent)`) {
		t.Error("a form was sent without a passkey")
	}
	c.takeFaults()

	old := passkeyGallery(t)
	old.load(`delete window.PublicKeyCredential`)
	old.open("/gallery/second-step/passkey", http.StatusOK)
	old.said("passkey", "This browser doesn’t support passkeys.")
	old.do("no button that would not work", chromedp.WaitNotVisible(chromedp.CSS("#passkey button")))
}

// A browser fills in a passkey like an address, until the button is pressed.
func TestTheSignInFormOffersPasskeysWhileAPersonTypes(t *testing.T) {
	c := passkeyGallery(t)
	c.load(`
		window.asked = [];
		PublicKeyCredential.isConditionalMediationAvailable = async () => true;
		const answer = {toJSON: () => ({id: "x", type: "public-key"})};
		navigator.credentials.get = options => new Promise((yes, no) => {
			asked.push(options.mediation || "pressed");
			if (!options.mediation) return window.refuse ? no(new DOMException("", "NotAllowedError")) : setTimeout(() => yes(answer)); // a device never answers at once
			window.fill = () => yes(answer);
			options.signal.addEventListener("abort", () => { asked.push("aborted"); no(options.signal.reason); });
		});`)
	const log = `window.asked.join(" ")`
	c.open("/gallery/login/passkey", http.StatusOK)
	c.until("passkeys are offered", log+` === "conditional"`)
	evaluate[bool](c, `fill(), true`)
	if got := c.sent(); got["to"] != "/login/passkey" || got["passkey"] != `{"id":"x","type":"public-key"}` || got["challenge"] == "" || got["next"] != "/activity" {
		t.Errorf("sent %q", got)
	}

	c.open("/gallery/login/passkey", http.StatusOK)
	c.until("passkeys are offered", log+` === "conditional"`)
	evaluate[bool](c, `window.refuse = true`)
	c.hit(`#passkey button`)
	c.said("passkey", "This was cancelled")
	c.until("they are offered again", log+` === "conditional aborted pressed conditional"`)
	evaluate[bool](c, `(window.refuse = false, true)`)
	c.hit(`#passkey button`)
	if got := c.sent(); got["passkey"] == "" {
		t.Errorf("sent %q", got)
	}

	quiet := openTab(t, c.base, 390, false)
	quiet.open("/gallery/login/passkey", http.StatusOK)
	quiet.do("no button that would not work", chromedp.WaitNotVisible(chromedp.CSS("#passkey button")), chromedp.WaitVisible(chromedp.CSS("#passkey noscript")))
}
