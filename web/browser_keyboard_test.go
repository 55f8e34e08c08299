package web_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"latchkey/models/modelstest"
	"latchkey/views"
)

// stop is where the focus is.
type stop struct {
	At     string   // the element; empty: the page itself
	Ring   bool     // it looks different with the focus
	Again  bool     // the focus was there before, since the walk began
	Missed []string // what can be used and was not reached yet
}

// focusScript describes where the focus is, and takes it away for a moment to compare.
const focusScript = `(() => {
	const el = document.activeElement, name = (e) => e.outerHTML.slice(0, 120);
	if (!el || el === document.body) return JSON.stringify({At: ""});
	const ring = () => { const s = getComputedStyle(el); return [s.outlineStyle === "none" ? "" : s.outlineStyle + s.outlineWidth + s.outlineColor, s.boxShadow].join("|"); };
	const on = ring();
	el.blur();
	const off = ring();
	el.focus();
	window.stops ||= new Set();
	const again = window.stops.has(el);
	window.stops.add(el);
	const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")];
	const missed = all.filter((e) => !window.stops.has(e) && !e.disabled && e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}));
	return JSON.stringify({At: name(el), Ring: on !== off && on !== "|none", Again: again, Missed: missed.map(name)});
})()`

func (c *tab) focus() (at stop) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(evaluate[string](c, focusScript)), &at); err != nil {
		c.t.Fatal(err)
	}
	if at.At != "" && !at.Ring {
		c.t.Errorf("%s: the focus cannot be seen on %s", c.address(), at.At)
	}
	return at
}

// mostStops is more than any page has.
const mostStops = 100

// walk goes once around the page with the Tab key, and checks that everything is reached and nothing keeps the focus.
func (c *tab) walk() {
	c.t.Helper()
	evaluate[bool](c, `(window.stops = new Set(), true)`)
	var last stop
	for range mostStops {
		c.press("\t")
		at := c.focus()
		if at.Again {
			break
		}
		if at.At != "" {
			last = at
		}
	}
	if last.At == "" || len(last.Missed) > 0 {
		c.t.Errorf("%s: the Tab key stops at %q and never reaches %q", c.address(), last.At, last.Missed)
	}
}

// reach presses Tab until an element has the focus.
func (c *tab) reach(selector string) {
	c.t.Helper()
	quoted, _ := json.Marshal(selector)
	for range mostStops {
		if evaluate[bool](c, `document.activeElement.matches(`+string(quoted)+`)`) {
			c.focus()
			return
		}
		c.press("\t")
	}
	c.t.Fatalf("%s: the Tab key does not reach %s", c.address(), selector)
}

// typeInto and enter use what the Tab key reaches.
func (c *tab) typeInto(selector, text string) {
	c.t.Helper()
	c.reach(selector)
	c.press(text)
}

func (c *tab) enter(selector, key string) screen {
	c.t.Helper()
	c.reach(selector)
	page := c.arrive("press a key on "+selector, http.StatusOK, chromedp.KeyEvent(key))
	c.walk()
	return page
}

// toggle presses Space on a checkbox.
func (c *tab) toggle(selector string) {
	c.t.Helper()
	c.reach(selector)
	quoted, _ := json.Marshal(selector)
	before := evaluate[bool](c, `document.querySelector(`+string(quoted)+`).checked`)
	c.press(" ")
	if evaluate[bool](c, `document.querySelector(`+string(quoted)+`).checked`) == before {
		c.t.Errorf("the space bar does not toggle %s", selector)
	}
}

// Everything about the second step is done with the keyboard alone, and the focus can be seen all the way.
func TestTheSecondStepByKeyboardAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	chromium(t)
	s := newSite(t, modelstest.MigratedSQLite(t))
	c := openTab(t, s.URL, 1280, true)
	c.colours("light")
	c.open("/login", http.StatusOK)
	c.walk()
	signIn := func() screen {
		c.typeInto("#email", adaEmail)
		c.typeInto("#password", adaPassword)
		return c.enter(`form[action="/login"] button[type="submit"]`, "\r")
	}
	signIn().one("h1").says("Devices")
	c.enter(`a[href="/security"]`, "\r").one("h1").says("Security")
	page := c.enter(`main a[href="/security/app"]`, "\r")
	page.one("h1").says("Authenticator app")
	app := authenticator{s.browser().secretOf(page.one("main").text())}

	c.typeInto("#app_code", app.code(s))
	c.typeInto("#current_password", adaPassword)
	c.toggle("#sign_out_others")
	c.toggle("#sign_out_others")
	c.enter(`form[action="/security/app"] button[type="submit"]`, " ").one("h1").says("Set up two-step sign-in")
	c.enter(`form[action="/security/codes"] button[type="submit"]`, "\r").one("h1").says("Your recovery codes")

	c.enter(`form[action="/logout"] button`, " ").one("h1").says("Sign in")
	signIn().one("h1").says("One more step")
	c.typeInto("#code", app.next(s))
	c.toggle("#trust")
	c.enter(`form[action="/login/verify"] button[type="submit"]`, "\r").one("h1").says("Devices")

	c.enter(`a[href="/security"]`, "\r").one("h1").says("Security")
	c.enter(`main a[href="/security/app"]`, "\r").one("h1").says("Authenticator app")
	c.enter(`a[href="/security/app/remove"]`, "\r").one("h1").says("Remove the authenticator app?")
	c.typeInto("#current_password", adaPassword)
	c.typeInto("#code", app.next(s))
	c.enter(`form[action="/security/app/remove"] button[type="submit"]`, "\r").one("h1").says("Authenticator app")
	s.stands("the keyboard", false)
	if list := c.takeFaults(); len(list) > 0 {
		t.Errorf("the browser complained: %q", list)
	}
}

// invisible lists what has the colour of what it stands on. A border counts where there is one.
const invisible = `(() => {
	const under = (e) => { for (; e; e = e.parentElement) { const b = getComputedStyle(e).backgroundColor; if (!/^rgba\(.*, 0\)$|transparent/.test(b)) return b; } return getComputedStyle(document.documentElement).backgroundColor; };
	const list = [];
	for (const e of document.querySelectorAll("main :is(button, .button, input:not([type=hidden]), .ways a, .progress li, .badge, legend, label)")) {
		if (!e.checkVisibility({visibilityProperty: true}) || e.closest(".sr-only")) continue;
		const s = getComputedStyle(e), name = e.outerHTML.slice(0, 120);
		if (s.color === under(e)) list.push("the text of " + name);
		const field = e.matches("button:not(.reveal), .button, input");
		if (field && s.appearance === "none" && (parseFloat(s.borderTopWidth) === 0 || s.borderTopStyle === "none" || s.borderTopColor === under(e.parentElement))) list.push("the border of " + name);
	}
	return JSON.stringify(list);
})()`

// People who choose their own colours see what can be pressed, what is ticked and which step it is.
func TestTheSecondStepInForcedColours(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 1280, true)
	c.do("forced colours", call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "forced-colors", Value: "active"}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
	for _, path := range []string{"second step/code", "second step/passkey", "login/passkey", "passkeys/some", "setup/required", "remove/the app"} {
		c.open(views.State{Name: path}.Path(), http.StatusOK)
		if !evaluate[bool](c, `matchMedia("(forced-colors: active)").matches`) {
			t.Fatal("the colours are not forced")
		}
		var list []string
		if err := json.Unmarshal([]byte(evaluate[string](c, invisible)), &list); err != nil {
			t.Fatal(err)
		}
		for _, what := range list {
			t.Errorf("%s: %s cannot be seen", path, what)
		}
		if evaluate[bool](c, `document.querySelector(".tick input") !== null`) && c.pictureOf(".tick", false) == c.pictureOf(".tick", true) {
			t.Errorf("%s: a tick cannot be seen", path)
		}
		if path != "setup/required" {
			continue
		}
		weight := func(step string) string {
			return evaluate[string](c, `getComputedStyle(document.querySelector(".progress `+step+`")).fontWeight`)
		}
		if weight("[aria-current]") == weight("li:not([aria-current])") {
			t.Errorf("%s: the present step looks like the others", path)
		}
	}
}

// pictureOf is what a tick looks like.
func (c *tab) pictureOf(selector string, ticked bool) string {
	c.t.Helper()
	on := "false"
	if ticked {
		on = "true"
	}
	evaluate[bool](c, `(document.querySelector("`+selector+` input").checked = `+on+`, true)`)
	picture, err := chromedp.Run(c.ctx, chromedp.Screenshot(chromedp.CSS(selector)))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(picture)
}
