package web_test

import (
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"

	"latchkey/models/modelstest"
)

// appJourney is one browser in which people sign in to apps.
type appJourney struct {
	*tab
	s            *site
	notes, board *website // at https
	local        *website // at http on this machine: any program can claim its address
}

// visits goes to an app's site, whose button begins a sign-in.
func (j *appJourney) visits(w *website, changes ...string) {
	j.t.Helper()
	w.shows(`<a id="go" href="/start?` + html.EscapeString(w.asked(changes...).Encode()) + `">Sign in</a>`)
	j.arrive("the site of "+w.name, http.StatusOK, chromedp.Navigate(w.URL))
}

// starts begins a sign-in at an app's site.
func (j *appJourney) starts(w *website, status int64, changes ...string) screen {
	j.t.Helper()
	j.visits(w, changes...)
	return j.arrive("sign in to "+w.name, status, clicked("#go"))
}

func (j *appJourney) types(email, password string) screen {
	j.t.Helper()
	if email != "" {
		j.write("#email", email)
	}
	j.write("#password", password)
	return j.follow(`form[action="/login"] button[type="submit"]`)
}

// allows presses the button, which leads to the app's site.
func (j *appJourney) allows(w *website) {
	j.t.Helper()
	j.arrive("back to "+w.name, http.StatusOK, clicked(`[value="allow"]`)).one("h1").says(w.name)
}

// complaint takes the browser's complaints, and expects one of them alone.
func (j *appJourney) complaint(what, words string) {
	j.t.Helper()
	list := j.complaints()
	if len(list) == 0 || slices.ContainsFunc(list, func(f string) bool { return !strings.Contains(f, words) }) {
		j.t.Errorf("%s: the browser complains %q, not of %q", what, list, words)
	}
}

// complaints are the browser's, but for what it says of the apps' sites: they are other hosts.
func (j *appJourney) complaints() []string {
	return slices.DeleteFunc(j.takeFaults(), func(f string) bool {
		return slices.ContainsFunc([]*website{j.notes, j.board, j.local}, func(w *website) bool { return strings.HasPrefix(f, "request to another host: "+w.URL+"/") })
	})
}

// trusts lets the tab take the certificates of the apps' sites.
func (j *appJourney) trusts() {
	j.t.Helper()
	j.do("trust the apps' sites", call(security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true}))
}

func (j *appJourney) forgets() {
	j.t.Helper()
	j.do("forget the cookies", call(network.ClearBrowserCookies, struct{}{}))
}

func (j *appJourney) scripts(on bool) {
	j.t.Helper()
	j.do("scripts", call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}))
}

// People sign in to apps, with scripts only where a passkey needs them. The site is at a name, which passkeys need; the apps' sites are at
// an address and so are other sites.
func TestAppsSignInThroughARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	chromium(t)
	s := newSite(t, modelstest.MigratedSQLite(t), onLocalhost)
	s.URL = localhost(s.URL)
	s.addUser(eveEmail, evePassword)
	j := &appJourney{
		tab: openTab(t, s.URL, 390, false), s: s, notes: s.website("notes", "Notes", atHTTPS, schemeURI), board: s.website("board", "Board", atHTTPS),
		local: s.website("local", "Local", httptest.NewServer),
	}
	j.trusts()
	for _, step := range []func(){j.withAPassword, j.withTheSession, j.withoutAPage, j.declines, j.posted, j.attacked, j.asAnother, j.withACode, j.withAPasskey} {
		step()
		for _, fault := range j.complaints() {
			t.Errorf("the browser complains: %s", fault)
		}
	}
}

// withAPassword signs ada in, who gives the device another name.
func (j *appJourney) withAPassword() {
	j.t.Helper()
	login := j.starts(j.notes, http.StatusOK, "login_hint", adaEmail, "device_name", "Ada's laptop")
	if login.one("h1").says("Sign in"); !strings.Contains(login.text(), "Sign in to continue to Notes.") || login.one("input", "id", "email").attr("value") != adaEmail {
		j.t.Errorf("the page before does not know the request: %s", login.text())
	}
	page := j.types("", adaPassword)
	page.one("h1").says("Sign in to Notes?")
	if text := page.text(); !strings.Contains(text, adaEmail) || !strings.Contains(text, "You’ll then go to "+strings.TrimPrefix(j.notes.URL, "https://")) || !strings.Contains(text, "see your e-mail address") {
		j.t.Error(text)
	}
	if name := page.one("input", "name", "device_name").attr("value"); name != "Ada's laptop" {
		j.t.Errorf("the device is called %q", name)
	}
	j.do("another name", emptied("#device_name"))
	j.write("#device_name", "Kitchen laptop")
	j.allows(j.notes)
	if claims := j.notes.signedIn(http.MethodGet); claims["acr"] != "aal1" || claims["email"] != adaEmail {
		j.t.Errorf("%v", claims)
	}
	if list := j.open("/devices", http.StatusOK).text(); !strings.Contains(list, "Kitchen laptop") || !strings.Contains(list, "through Chrome on Linux") {
		j.t.Error(list)
	}
}

// A second app needs no password while the proof is fresh, and asks again in the same form when it is not.
func (j *appJourney) withTheSession() {
	j.t.Helper()
	page := j.starts(j.board, http.StatusOK)
	page.one("h1").says("Sign in to Board?")
	page.none("input", "type", "password")
	j.allows(j.board)
	j.board.signedIn(http.MethodGet)

	j.s.clock.Advance(15 * time.Minute)
	j.starts(j.board, http.StatusOK).one("input", "name", "current_password")
	j.write("#current_password", "not her password")
	j.arrive("a wrong password", http.StatusUnprocessableEntity, clicked(`[value="allow"]`)).one("h1").says("Sign in to Board?")
	j.complaint("a wrong password", "status of 422")
	j.write("#current_password", adaPassword)
	j.allows(j.board)
	j.board.signedIn(http.MethodGet)
}

// silent asks for an answer without a page, which comes at once.
func (j *appJourney) silent(w *website, changes ...string) {
	j.t.Helper()
	asked := w.asked(append([]string{"prompt", "none"}, changes...)...).Encode()
	j.arrive("sign in without a page", http.StatusOK, chromedp.Navigate(w.URL+"/start?"+asked)).one("h1").says(w.name)
}

// prompt=none in all its outcomes (OpenID Connect Core §3.1.2.1).
func (j *appJourney) withoutAPage() {
	j.t.Helper()
	j.silent(j.notes)
	j.notes.signedIn(http.MethodGet)
	j.forgets()
	j.silent(j.notes)
	j.notes.refused("signed out", "login_required")
	j.signIn(adaEmail, adaPassword)
	j.silent(j.notes)
	j.notes.refused("in this browser without its cookies", "interaction_required")
	j.starts(j.notes, http.StatusOK)
	j.allows(j.notes)
	j.notes.signedIn(http.MethodGet)
	j.silent(j.notes)
	j.notes.signedIn(http.MethodGet)
	j.silent(j.board)
	j.board.refused("another app", "interaction_required")
	j.silent(j.notes, "login_hint", eveEmail)
	j.notes.refused("for another account", "login_required")
	j.silent(j.notes, "id_token_hint", j.notes.idToken)
	j.notes.signedIn(http.MethodGet)
	j.silent(j.notes, "id_token_hint", "of no one")
	j.notes.refused("with a text that is no ID token as the hint", "invalid_request")
	j.silent(j.notes, "max_age", "0")
	j.notes.refused("with max_age", "login_required")
	j.silent(j.notes, "prompt", "none login")
	j.notes.refused("with another prompt", "invalid_request")

	// Addresses that any program can claim: of this machine, and of a scheme of the app's own.
	j.starts(j.local, http.StatusOK)
	j.allows(j.local)
	j.local.signedIn(http.MethodGet)
	j.silent(j.local)
	j.local.refused("a loopback address", "interaction_required")
	if at := j.leaves(j.notes, "redirect_uri", schemeURI, "prompt", "none"); !strings.Contains(at, "error=interaction_required") {
		j.t.Errorf("a private-use scheme leads to %s", at)
	}
	j.s.clock.Advance(15 * time.Minute)
	j.silent(j.notes)
	j.notes.refused("an old proof", "login_required")
	j.forgets()
	j.signIn(adaEmail, adaPassword)
}

// leaves begins at an app's site, and returns where the browser is told to leave for: no program here knows the address.
func (j *appJourney) leaves(w *website, changes ...string) string {
	j.t.Helper()
	own := *j // the tab is of no more use afterwards
	j = &own
	j.tab = j.another()
	j.trusts()
	j.visits(w, changes...)
	ctx, cancel := context.WithTimeout(j.ctx, stepTime)
	defer cancel()
	left := make(chan string, 1)
	err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*network.EventResponseReceivedExtraInfo); ok {
			if to, _ := e.Headers["Location"].(string); strings.HasPrefix(to, schemeURI) {
				select {
				case left <- to:
				default:
				}
			}
		}
	})
	if err != nil {
		j.t.Fatal(err)
	}
	j.do("sign in", clicked("#go"))
	select {
	case to := <-left:
		return to
	case <-ctx.Done():
		j.t.Fatal("the browser left for nowhere")
		return ""
	}
}

func (j *appJourney) declines() {
	j.t.Helper()
	j.starts(j.notes, http.StatusOK)
	j.arrive("cancel", http.StatusOK, clicked(`[value="deny"]`)).one("h1").says("Notes")
	j.notes.refused("she declines", "access_denied")
}

// posted takes the answer as a form: with a button where scripts are off, and at once where they run.
func (j *appJourney) posted() {
	j.t.Helper()
	j.starts(j.notes, http.StatusOK, "response_mode", "form_post")
	j.follow(`[value="allow"]`).one("h1").says("Going back to the app")
	j.follow("form.card button").one("h1").says("Notes")
	j.notes.signedIn(http.MethodPost)
	j.scripts(true)
	j.starts(j.notes, http.StatusOK, "response_mode", "form_post")
	j.hit(`[value="allow"]`)
	j.do("the form is sent by itself", chromedp.WaitReady(chromedp.CSS("#welcome")))
	j.notes.signedIn(http.MethodPost)
	j.scripts(false)
}

// asAnother switches to eve's account, and back to ada's when the app asks for her.
func (j *appJourney) asAnother() {
	j.t.Helper()
	hers := j.notes.idToken
	j.starts(j.notes, http.StatusOK)
	j.follow(`form[action="/logout"].aside button`).one("h1").says("Sign in")
	j.do("the address that is filled in", emptied("#email"))
	page := j.types(eveEmail, evePassword)
	if page.one("h1").says("Sign in to Notes?"); !strings.Contains(page.text(), eveEmail) {
		j.t.Error(page.text())
	}
	j.allows(j.notes)
	if claims := j.notes.signedIn(http.MethodGet); claims["email"] != eveEmail {
		j.t.Errorf("%v", claims)
	}
	page = j.starts(j.notes, http.StatusOK, "id_token_hint", hers)
	if page.none("button", "value", "allow"); !strings.Contains(page.text(), "Notes asked for a different account.") || !strings.Contains(page.text(), eveEmail) {
		j.t.Error(page.text())
	}
	j.shoot("consent-other")
	j.follow(`main form[action="/logout"] button`).one("h1").says("Sign in")
	j.do("the address that is filled in", emptied("#email"))
	j.types(adaEmail, adaPassword)
	j.allows(j.notes)
	if claims := j.notes.signedIn(http.MethodGet); claims["email"] != adaEmail {
		j.t.Errorf("%v", claims)
	}
}

// withACode is eve's way in: a password, then a code of her authenticator app.
func (j *appJourney) withACode() {
	j.t.Helper()
	j.forgets()
	b := j.s.browser()
	b.expect(b.post("/login", url.Values{"email": {eveEmail}, "password": {evePassword}}), http.StatusSeeOther, "/devices")
	app := b.addApp(evePassword)
	j.starts(j.notes, http.StatusOK, "acr_values", "aal2")
	j.types(eveEmail, evePassword).one("h1").says("One more step")
	j.write("#code", app.next(j.s))
	page := j.follow(`main form[action="/login/verify"] button[type="submit"]`)
	page.one("h1").says("Sign in to Notes?")
	page.none("input", "type", "password")
	j.allows(j.notes)
	if claims := j.notes.signedIn(http.MethodGet); claims["acr"] != "aal2" || claims["email"] != eveEmail {
		j.t.Errorf("%v", claims)
	}
	j.s.clock.Advance(15 * time.Minute)
	j.starts(j.notes, http.StatusOK)
	j.write("#current_password", evePassword)
	j.write("#code", app.next(j.s))
	j.allows(j.notes)
	j.notes.signedIn(http.MethodGet)
}

func (j *appJourney) withAPasskey() {
	j.t.Helper()
	j.forgets()
	j.scripts(true)
	phone := j.addDevice(true)
	j.signIn(adaEmail, adaPassword)
	j.open("/security/passkeys", http.StatusOK)
	j.write("#name", "Pixel 9")
	j.write("#current_password", adaPassword)
	phone.touched(true)
	j.follow(`#new_passkey [data-passkey-start]`)
	phone.touched(false)
	j.silent(j.notes, "acr_values", "aal2")
	j.notes.refused("with a second factor since, which this session did not prove", "login_required")
	j.silent(j.notes)
	j.notes.refused("in this browser without its cookies, again", "interaction_required")
	j.forgets()
	j.starts(j.notes, http.StatusOK, "acr_values", "aal2").one("h1").says("Sign in")
	phone.touched(true)
	j.follow(`form.by-passkey [data-passkey-start]`).one("h1").says("Sign in to Notes?")
	phone.touched(false)
	j.allows(j.notes)
	claims := j.notes.signedIn(http.MethodGet)
	if amr, _ := claims["amr"].([]any); claims["acr"] != "aal2" || claims["email"] != adaEmail || !slices.Contains(amr, any("user")) {
		j.t.Errorf("%v", claims)
	}
}
