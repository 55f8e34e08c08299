package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"latchkey/views/catalog"
)

// until waits for an expression to come true.
func (c *tab) until(what, expression string) {
	c.t.Helper()
	for end := time.Now().Add(stepTime); ; time.Sleep(20 * time.Millisecond) {
		if evaluate[bool](c, expression) {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("never: %s", what)
		}
	}
}

func TestColoursAreChosenAndKept(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 390, true)
	// What is chosen when the page has been read: what comes later would flash up.
	c.load(`document.addEventListener("readystatechange", () => { window.first ??= document.documentElement.dataset.theme || "" })`)
	const paper = `getComputedStyle(document.documentElement).backgroundColor`
	c.colours("light")
	c.open("/login", http.StatusOK)
	light := evaluate[string](c, paper)
	c.do("choose dark", clicked(`[data-colours="dark"]`))
	c.until("dark is pressed", `document.querySelector('[data-colours="dark"][aria-pressed="true"]') !== null`)
	dark := evaluate[string](c, paper)
	if light == dark {
		t.Errorf("light and dark are both %s", dark)
	}
	c.open("/signup", http.StatusOK)
	if got := evaluate[string](c, `window.first`) + evaluate[string](c, paper); got != "dark"+dark {
		t.Errorf("the next page begins as %q, want dark at once", got)
	}
	c.colours("dark")
	c.do("choose light", clicked(`[data-colours="light"]`))
	c.until("light, though dark is preferred", paper+` === "`+light+`"`)
	c.do("choose neither", clicked(`[data-colours=""]`))
	c.until("what is preferred", paper+` === "`+dark+`"`)
	c.open("/login", http.StatusOK)
	if got := evaluate[string](c, `window.first`); got != "" {
		t.Errorf("nothing is chosen, and the page begins as %q", got)
	}
	quiet := openTab(t, s.URL, 390, false)
	quiet.open("/login", http.StatusOK)
	quiet.do("nothing is offered that would not work", chromedp.WaitNotVisible(chromedp.CSS(".colours")), chromedp.WaitNotVisible(chromedp.CSS(".reveal")))
}

func TestScriptsHelpWithPasswordsTimesAndNumbers(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 1280, true)
	c.open("/signup", http.StatusOK)
	const kind = `document.getElementById("password").type`
	c.write("#password", "four lemons")
	c.until("one is missing", `document.querySelector("[data-strength]").textContent === "1 more character needed."`)
	c.do("show", clicked(`[data-reveal="password"]`))
	c.until("it is shown, and can be hidden", kind+` === "text" && document.querySelector("[data-reveal]").innerText.startsWith("Hide")`)
	c.do("hide", clicked(`[data-reveal="password"]`))
	c.until("it is hidden, and can be shown", kind+` === "password" && document.querySelector("[data-reveal]").innerText.startsWith("Show")`)
	c.do("show", clicked(`[data-reveal="password"]`))
	c.write("#password", " in a bowl")
	c.until("it is long", `document.querySelector("[data-strength]").textContent.startsWith("Good")`)
	c.do("watch", chromedp.Evaluate[chromedp.Void](`addEventListener("submit", e => { e.preventDefault(); window.sent = `+kind+` })`))
	c.write("#email", "leila@example.org")
	c.do("send", clicked(`main button[type="submit"]`))
	c.until("it is hidden again when it is sent", `window.sent === "password"`)

	other, _ := catalog.In(catalog.PseudoLong)
	c.open("/gallery/password/empty?lang="+catalog.PseudoLong, http.StatusOK)
	c.write("#new_password", "four lemons")
	c.until("the script speaks the page's language", fmt.Sprintf(`document.querySelector("[data-strength]").textContent === %q`, other.StrengthMissing(1)))

	c.open("/gallery/codes/shown?lang="+catalog.PseudoRightToLeft, http.StatusOK)
	if !evaluate[bool](c, `(([first, second]) => first.getBoundingClientRect().left < second.getBoundingClientRect().left)(document.querySelectorAll(".codes code span"))`) {
		t.Error("on a page that runs from right to left, the halves of a recovery code change places")
	}

	words := func() string {
		return evaluate[string](c, `Array.from(document.querySelectorAll("main time[data-when]"), t => t.textContent).join(" | ")`)
	}
	c.in("UTC")
	c.do("read British English", call(emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "Chrome", AcceptLanguage: "en-GB"}))
	c.open("/gallery/devices/many", http.StatusOK)
	evaluate[bool](c, `performance.now = () => 0, document.dispatchEvent(new Event("visibilitychange"))`)
	if got, want := words(), strings.Join(s.browser().shown("/gallery/devices/many").texts("time", "data-when", "*"), " | "); got != want {
		t.Errorf("script and server say\n%s\n%s", got, want)
	}
	evaluate[bool](c, `performance.now = () => 2 * 3600e3, document.dispatchEvent(new Event("visibilitychange"))`)
	if after := words(); !strings.HasPrefix(after, "2 hours ago | 22 October | in 2 weeks | 2 hours ago | 29 July | ") {
		t.Errorf("two hours later: %s", after)
	}

	c.open("/gallery/error/our-fault", http.StatusOK)
	evaluate[bool](c, `navigator.clipboard.writeText = async text => { window.copied = text }, true`) // the real one asks the person first
	c.do("copy", clicked(`[data-copy]`))
	c.until("it says so", `document.querySelector("[data-copy]").textContent === "Copied"`)
	if got := evaluate[string](c, `window.copied`); got != "01JBV2M4Q8" {
		t.Errorf("copied %q", got)
	}
	if faults := c.takeFaults(); len(faults) > 0 {
		t.Errorf("the browser complains: %q", faults)
	}
}

// A question that cannot be fetched is asked on its own page, as without scripts.
func TestAQuestionThatCannotBeFetchedIsFollowed(t *testing.T) {
	s := gallerySite(t)
	p := s.login("phone")
	c := openTab(t, s.URL, 390, true)
	c.signIn(adaEmail, adaPassword)
	evaluate[bool](c, `window.fetch = () => Promise.reject(new Error("no network")), true`)
	c.follow(fmt.Sprintf(`a[href="/devices/%s/revoke"]`, p.id)).one("h1").says("Sign out “phone”?")
}

// coldLimit is what a first visit may fetch, in bytes as they come over the network.
const coldLimit = 60_000

func TestEveryPageIsLightOnAColdVisit(t *testing.T) {
	s := gallerySite(t)
	for _, name := range numbered("phone %d", 98) {
		s.addDevice(name)
	}
	s.addEvents(1000)
	c := openTabFor(t, s.URL, 390, true, 15*time.Minute)
	c.do("forget what was fetched", call(network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}))
	c.do("animate nothing", call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
	c.signIn(adaEmail, adaPassword)
	paths := galleryPaths()
	if os.Getenv("LATCHKEY_SOAK") == "" { // the pages of one kind weigh about the same
		paths = slices.DeleteFunc(paths, func(path string) bool { return len(path)%8 != 0 })
	}
	for _, path := range append(paths, "/devices", "/devices?all=1", "/devices?q=phone", "/devices/revoke-others", "/activity", "/activity?kind=sign-ins", "/security") {
		c.mu.Lock()
		c.bytes = 0
		c.mu.Unlock()
		c.open(path, http.StatusOK)
		c.mu.Lock()
		got := c.bytes
		c.mu.Unlock()
		if got > coldLimit || got < 10_000 {
			t.Errorf("%s: %.0f bytes on a cold visit, want at most %d, and the styles at least", path, got, coldLimit)
		}
	}
	if faults := c.takeFaults(); len(faults) > 0 {
		t.Errorf("the browser complains: %q", faults)
	}
}

func TestTheGalleryIsShownInDemonstrationsOnly(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, path := range append(galleryPaths()[:3], "/gallery", "/gallery/", "/gallery/nothing") {
			if r := s.browser().get(path); r.status != http.StatusNotFound {
				t.Errorf("GET %s: %d", path, r.status)
			}
			if r := s.signedIn().post(path, url.Values{}); r.status != http.StatusMethodNotAllowed {
				t.Errorf("POST %s: %d", path, r.status)
			}
		}
	})
}
