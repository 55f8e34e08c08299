package web_test

import (
	"fmt"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"latchkey/auth/mail"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// engine is a browser's window. Its clicks and keys are those of a mouse and a keyboard.
type engine interface {
	resize(width, height int)
	open(url string)
	evaluate(expression string) (string, error) // in the page, which may be on its way out
	click(selector string)
	keys(text string) // into what has the focus; \n is Enter
	faults() []string // what the browser complained of so far
}

// findBrowser returns the path of the first program that is installed.
func findBrowser(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("LATCHKEY_SOAK needs %s: apt-get install firefox-esr webkit2gtk-driver xvfb", names[0])
	return ""
}

// violations makes a page tell the console which part of its content security policy refused what.
const violations = `document.addEventListener("securitypolicyviolation", e => console.error("CSP: " + e.violatedDirective + " " + e.blockedURI))`

// middleOf brings an element into view and tells where its middle is.
func middleOf(selector string) string {
	return fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getBoundingClientRect();
		return Math.round(r.x + r.width / 2) + " " + Math.round(r.y + r.height / 2);
	})()`, selector)
}

// chromiumDriver is a tab as an engine.
type chromiumDriver struct{ *tab }

func startChromium(t *testing.T, base string) engine {
	t.Helper()
	return chromiumDriver{openTab(t, base, 390, true)}
}

func (d chromiumDriver) resize(width, height int) {
	d.do("resize", chromedp.EmulateViewport(int64(width), int64(height)))
}
func (d chromiumDriver) open(url string) { d.do("open", chromedp.Navigate(url)) }

func (d chromiumDriver) evaluate(expression string) (string, error) {
	return chromedp.Run(d.ctx, chromedp.Evaluate[string]("String("+expression+")", chromedp.EvalAwaitPromise))
}

func (d chromiumDriver) click(selector string) { d.do("click "+selector, clicked(selector)) }

func (d chromiumDriver) keys(text string) {
	d.do("keys", chromedp.KeyEvent(strings.ReplaceAll(text, "\n", "\r")))
}

func (d chromiumDriver) faults() []string { return d.takeFaults() }

// TestThePortalWorksInEveryEngine walks one person's way in Chromium; with LATCHKEY_SOAK=1 in Firefox and in WebKit too, each over
// http on this machine's own address and over https behind a proxy, as in production.
func TestThePortalWorksInEveryEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	chromium(t)
	engines := map[string]func(*testing.T, string) engine{"chromium": startChromium}
	if os.Getenv("LATCHKEY_SOAK") != "" {
		engines["firefox"], engines["webkit"] = startFirefox, startWebKit
	}
	for name, start := range engines {
		for _, scheme := range []string{"http", "https"} {
			if name == "chromium" && scheme == "https" {
				continue // it would need its certificate
			}
			t.Run(name+" "+scheme, func(t *testing.T) {
				var front *httptest.Server
				s := newPostOffice(t, modelstest.MigratedSQLite(t), func(a *services.Config, w *web.Config) {
					if scheme == "https" {
						front = httptest.NewTLSServer(nil)
						t.Cleanup(front.Close)
						back, err := url.Parse(w.BaseURL)
						if err != nil {
							t.Fatal(err)
						}
						front.Config.Handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
							r.SetURL(back)
							r.SetXForwarded()
							r.Out.Host = r.In.Host
						}}
						a.Issuer, a.Origin, w.BaseURL = front.URL, front.URL, front.URL
						w.TrustedProxies = []string{"127.0.0.0/8", "::1/128"}
					}
					a.BrowserIdle = 20 * 24 * time.Hour
				})
				base := s.config.Origin
				w := &walker{t: t, engine: start(t, base), s: s, base: base}
				w.walk()
				for _, fault := range w.faults() {
					t.Errorf("the browser complains: %s", fault)
				}
			})
		}
	}
}

// walker is a person at an engine.
type walker struct {
	t *testing.T
	engine
	s    *postOffice
	base string
}

// until waits for an expression to come true, whatever page is shown until then.
func (w *walker) until(what, expression string) {
	w.t.Helper()
	var got string
	var err error
	for end := time.Now().Add(stepTime); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if got, err = w.evaluate(expression); err == nil && got == "true" {
			return
		}
	}
	page, _ := w.evaluate(`location.href + "\n" + document.body.innerText`)
	w.t.Fatalf("never: %s: %q %v\n%s", what, got, err, page)
}

// at waits for a page, or for one below it, to be there as a whole: with its styles, its script and its pictures.
func (w *walker) at(path string) {
	w.t.Helper()
	w.until("at "+path, fmt.Sprintf(`(location.pathname + "/").startsWith(%q) && document.readyState === "complete" && document.querySelector("h1") !== null`, path+"/"))
	w.until("styles, script and pictures are there", `[...document.styleSheets].length > 0 && getComputedStyle(document.body).margin === "0px" &&
		[...document.images].every(i => i.naturalWidth > 0 || i.checkVisibility() === false) && [...document.querySelectorAll("button[hidden][data-colours]")].length === 0`)
}

func (w *walker) sees(selector, text string) {
	w.t.Helper()
	w.until(selector+" says "+text, fmt.Sprintf(`Array.from(document.querySelectorAll(%q)).some(e => e.innerText.includes(%q))`, selector, text))
}

func (w *walker) visit(path string) {
	w.t.Helper()
	w.open(w.base + path)
	w.at(strings.SplitN(path, "?", 2)[0])
}

// press clicks what can be seen.
func (w *walker) press(selector string) {
	w.t.Helper()
	w.until(selector+" is shown", fmt.Sprintf(`document.querySelector(%q)?.checkVisibility() === true`, selector))
	w.click(selector)
}

func (w *walker) write(selector, text string) {
	w.t.Helper()
	w.press(selector)
	w.until(selector+" has the focus", fmt.Sprintf(`document.activeElement === document.querySelector(%q)`, selector))
	w.keys(text)
	w.until(selector+" is filled in", fmt.Sprintf(`document.querySelector(%q).value === %q`, selector, text))
}

// leave submits a form and waits for the page after it.
func (w *walker) leave(selector, path string) {
	w.t.Helper()
	if _, err := w.evaluate(`window.left = false`); err != nil {
		w.t.Fatal(err)
	}
	w.press(selector)
	w.until(selector+" leads on", `window.left === undefined`)
	w.at(path)
}

func (w *walker) read(expression string) string {
	w.t.Helper()
	got, err := w.evaluate(expression)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

const submit = `main form.card button[type="submit"]`

func (w *walker) walk() {
	w.resize(390, 844)
	w.signUp()
	w.chooseColours()
	w.signOutThePhone()
	w.resetThePassword(w.addAuthenticatorApp())
}

func (w *walker) link(m mail.Message) string {
	w.t.Helper()
	found := linkInText.FindString(m.Text)
	if !strings.HasPrefix(found, w.base+"/") {
		w.t.Fatalf("the link %q does not lead to %s", found, w.base)
	}
	return strings.TrimPrefix(found, w.base)
}

func (w *walker) signUp() {
	w.t.Helper()
	w.open(w.base + "/devices")
	w.at("/login")
	w.until("the first field has the focus", `document.activeElement?.id === "email"`)
	w.leave(`main a[href^="/signup"]`, "/signup")
	w.write("#email", leilaEmail)
	w.write("#password", leilaPassword)
	w.press(`[data-reveal="password"]`)
	w.until("the password is shown", `document.querySelector("#password").type === "text"`)
	w.press(`[data-reveal="password"]`)
	w.leave(submit, "/signup/sent")
	w.open(w.base + w.link(w.s.mail()))
	w.at("/signup/confirm")
	w.until("no secret in the address", `location.search === ""`)
	w.write("#password", leilaPassword)
	w.leave(submit, "/devices")
	w.sees(".whose", leilaEmail)
	w.s.mails()
}

func (w *walker) chooseColours() {
	w.t.Helper()
	const paper = `getComputedStyle(document.documentElement).backgroundColor`
	w.press(`[data-colours="light"]`)
	light := w.read(paper)
	w.press(`[data-colours="dark"]`)
	w.until("dark", paper+` !== "`+light+`"`)
	dark := w.read(paper)
	w.visit("/security")
	if got := w.read(paper); got != dark {
		w.t.Errorf("the next page is %s, want dark %s", got, dark)
	}
	w.until("the page fits", `document.documentElement.scrollWidth <= innerWidth`)
}

// signOutThePhone takes the phone back out of the question once, and then signs it out, with the keyboard alone.
func (w *walker) signOutThePhone() {
	w.t.Helper()
	phone, kept := w.s.leilasApp("phone", "198.51.100.23", "okhttp/5.1.0"), w.s.leilasApp("tablet", "198.51.100.23", "okhttp/5.1.0")
	w.visit("/devices")
	question := fmt.Sprintf(`document.querySelector(%q) !== null`, "dialog.ask[open] "+yes)
	way := fmt.Sprintf(`a[href="/devices/%s/revoke"]`, phone.id)
	w.press(way)
	w.until("the question is asked", question)
	w.press(`dialog.ask [data-cancel]`)
	w.until("the question is gone, and the focus is back", fmt.Sprintf(`document.querySelector("dialog") === null && document.activeElement === document.querySelector(%q)`, way))
	w.keys("\n")
	w.until("the question is asked again", question)
	w.leave(`dialog.ask `+yes, "/devices")
	w.sees(".notice-text", "phone")
	w.s.refused(phone.refresh, token.ReasonRevoked)
	w.s.refreshed(kept.refresh)
	w.leave(`.tabs a[href="/activity"]`, "/activity")
	w.sees(".event-text", "phone")
}

// addAuthenticatorApp sets one up, and signs in again with its code.
func (w *walker) addAuthenticatorApp() authenticator {
	w.t.Helper()
	w.visit("/security/app")
	w.until("the picture is there", `document.querySelector("img.qr").naturalWidth > 0`)
	app := authenticator{strings.ReplaceAll(w.read(`document.querySelector("#app-key").textContent`), " ", "")}
	w.write("#app_code", app.code(w.s.site))
	w.write("#current_password", leilaPassword)
	w.leave(submit, "/security/setup")
	w.press(`form[action="/security/codes"] button[type="submit"]`)
	w.until("the codes are shown", `document.querySelector("#all-codes") !== null`)
	w.visit("/devices")
	w.leave(`.device-current form[action="/logout"] button`, "/login")
	w.write("#email", leilaEmail)
	w.write("#password", leilaPassword)
	w.leave(submit, "/login/verify")
	w.until("the field for the code has the focus", `document.activeElement?.id === "code"`)
	w.keys(app.next(w.s.site) + "\n")
	w.at("/devices")
	w.s.mails()
	return app
}

// resetThePassword follows the mail in the browser that asked for it, and signs in with both.
func (w *walker) resetThePassword(app authenticator) {
	w.t.Helper()
	const password = "nine lemons in a bowl"
	w.s.clock.Advance(models.YoungFactor + time.Hour) // a reset removes younger ones
	w.leave(`.device-current form[action="/logout"] button`, "/login")
	w.leave(`main a[href^="/forgot"]`, "/forgot")
	w.write("#email", leilaEmail)
	w.leave(submit, "/forgot/sent")
	w.open(w.base + w.link(w.s.mail()))
	w.at("/reset")
	w.until("no secret in the address", `location.search === ""`)
	w.write("#new_password", password)
	w.leave(submit, "/login")
	w.until("the address is filled in", `document.querySelector("#email").value === "`+leilaEmail+`"`)
	w.write("#password", password)
	w.leave(submit, "/login/verify")
	w.write("#code", app.next(w.s.site))
	w.leave(submit, "/devices")
}
