package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// look has one function of testdata/look/look.js judge the page; load must have brought it.
func (c *tab) look(where, function string) {
	c.t.Helper()
	var faults []string
	if err := json.Unmarshal([]byte(evaluate[string](c, `JSON.stringify(look.`+function+`())`)), &faults); err != nil {
		c.t.Fatal(err)
	}
	for _, fault := range faults {
		c.t.Errorf("%s: %s", where, fault)
	}
}

// window gives the page a window of that many CSS pixels.
func (c *tab) window(width, height int64) {
	c.t.Helper()
	c.width = width
	c.do("resize", chromedp.EmulateViewport(width, height))
}

// media shows the page on "screen" or for "print", in a colour scheme; force replaces its colours by the reader's.
func (c *tab) media(medium, scheme string, force bool) {
	c.t.Helper()
	forced := map[bool]string{false: "none", true: "active"}[force]
	c.do("media", call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: medium, Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "forced-colors", Value: forced},
	}}))
}

// text sets the size of text in the browser's settings; 16 is the usual one.
func (c *tab) text(pixels int64) {
	c.t.Helper()
	c.do("size of text", call(page.SetFontSizes, page.SetFontSizesParams{FontSizes: &page.FontSizes{Standard: pixels, Fixed: pixels * 13 / 16}}))
}

// adapts looks at an open page as people with other needs see it: zoomed, with large text, with a finger, in colours of their own, on
// paper; and at its question in a dialog. Each of the turns is enough for what a style sheet breaks on many pages at once.
func (c *tab) adapts(where string, turn func(int) bool) {
	c.t.Helper()
	c.media("screen", "light", false)
	if turn(0) {
		for _, w := range [][2]int64{{1280, 1024}, {640, 512}, {320, 256}} { // and at a zoom of 200 and 400 percent
			c.window(w[0], w[1])
			c.look(where, "wide")
		}
		c.window(390, 844)
		c.look(where, "wide")
		c.text(32)
		c.look(where+", large text", "wide")
		c.text(16)
	}
	if turn(1) {
		c.window(390, 844)
		c.look(where, "small")
		c.look(where, "spaced")
		c.window(768, 1024)
		c.look(where, "broad")
	}
	if turn(2) {
		c.look(where, "free")
		c.media("screen", "light", true)
		c.press("\t") // the browser shows the focus to those who use the keyboard
		c.look(where+", forced colours", "forced")
	}
	if turn(3) {
		c.window(700, 900)
		c.media("print", "dark", false)
		c.look(where+", printed", "printed")
	}
	if evaluate[bool](c, `look.ask()`) {
		c.media("screen", "dark", false)
		for _, w := range [][2]int64{{320, 200}, {640, 400}} {
			c.window(w[0], w[1])
			c.look(where+" in a dialog", "decision")
		}
		c.accessible(where+" in a dialog", everything)
		c.window(390, 844)
		c.text(32)
		c.look(where+" in a dialog, large text", "decision")
		c.text(16)
	}
}

// pseudoPaths are the pages in long words and from right to left; with one of each so many states.
func pseudoPaths(every int) (list []string) {
	for i, path := range galleryPaths() {
		if i%every == 0 {
			list = append(list, path+"?lang=en-XA", path+"?lang=ar-XB")
		}
	}
	return list
}

// With LATCHKEY_SOAK every state takes all four turns in English, and the two about room in both pseudo-languages. CI takes one turn of every
// fifth state, and of one in 24 in other languages.
func TestEveryStateAdaptsToItsReader(t *testing.T) {
	s := gallerySite(t)
	all, every := os.Getenv("LATCHKEY_SOAK") != "", 24
	if all {
		every = 1
	}
	c := openTabFor(t, s.URL, 1280, true, galleryTime)
	c.load(vendored(t, "axe/axe.min.js"))
	c.load(vendored(t, "look/look.js"))
	english := len(galleryPaths())
	for i, path := range append(galleryPaths(), pseudoPaths(every)...) {
		if !all && i%5 != 0 {
			continue
		}
		c.window(1280, 1024)
		c.open(path, http.StatusOK)
		c.adapts(strings.TrimPrefix(path, "/gallery/"), func(turn int) bool {
			return i%4 == turn || all && (i < english || turn < 2)
		})
	}
	if faults := c.takeFaults(); len(faults) > 0 {
		t.Errorf("the browser complains: %q", faults)
	}
}

// Without this, each of the judgements could be blind.
func TestTheJudgementsFindWhatIsBroken(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 390, true)
	c.load(vendored(t, "look/look.js"))
	broken := func(path, function, style, want string, prepare func()) {
		t.Helper()
		c.media("screen", "light", false)
		c.window(390, 844)
		c.open(path, http.StatusOK)
		evaluate[bool](c, `(() => { const s = new CSSStyleSheet(); s.replaceSync(`+"`"+style+"`"+`); document.adoptedStyleSheets = [s]; return true; })()`)
		if prepare != nil {
			prepare()
		}
		if got := evaluate[string](c, `look.`+function+`().join("\n")`); !strings.Contains(got, want) {
			t.Errorf("%s with %s: %s finds %q, not %q", path, style, function, got, want)
		}
	}
	force := func() {
		evaluate[int](c, `look.free().length`)
		c.media("screen", "light", true)
		c.press("\t")
	}
	print := func() { c.media("print", "dark", false) }
	ask := func() {
		evaluate[bool](c, `look.ask()`)
		c.window(640, 400)
	}
	broken("/gallery/login/empty", "wide", `h1 { width: 40rem; }`, "the page is", nil)
	broken("/gallery/activity/first-page", "wide", `.event-text { width: 40rem; }`, "are cut off", nil)
	broken("/gallery/login/empty", "small", `.button { min-height: 0 !important; padding: 0 !important; }`, "small target", nil)
	broken("/gallery/revoke/app", "small", `.decision { gap: 2px; }`, "only 2 px", nil)
	broken("/gallery/devices/a-few", "broad", `.device-out .button { width: 40rem; }`, "a button is", nil)
	broken("/gallery/revoke-others/many", "spaced", `.question:has(+ section) { margin-bottom: 0 !important; }`, "above the heading", nil)
	broken("/gallery/login/empty", "spaced", `body > .page { padding-inline: 0; }`, "edge of the screen", nil)
	broken("/gallery/login/empty", "spaced", `.card { padding: 0; }`, "edge of what", nil)
	broken("/gallery/login/empty", "spaced", `.card { margin-top: 9rem; }`, "stand empty", nil)
	broken("/gallery/activity/first-page", "forced", `.filters a[aria-current] { background: Canvas !important; border-color: LinkText !important; }`, "aria-current cannot be seen", force)
	broken("/gallery/login/refused", "forced", `.notice-error { border-width: 1px !important; }`, "notice-error cannot be seen", force)
	broken("/gallery/places/browsers", "forced", `.badge { border: 0 !important; }`, "the ground is lost", force)
	broken("/gallery/login/empty", "forced", `:focus-visible { outline: none !important; }`, "the focus cannot be seen", force)
	broken("/gallery/devices/a-few", "printed", `nav { display: block !important; }`, "it is printed", print)
	broken("/gallery/devices/a-few", "printed", `.device-name * { color: gray !important; }`, "rgb(128, 128, 128)", print)
	broken("/gallery/revoke/app", "decision", `.ask .decision { position: static !important; }`, "out of sight", ask)
	broken("/gallery/revoke/app", "decision", `.ask .decision .button { flex: none !important; width: 3rem; overflow-wrap: anywhere !important; }`, "is broken", ask)
}

// A person who chose other colours than the system's sees no page in the system's: they are chosen before the page has a body. What
// the browser draws itself, such as scroll bars, has them too.
func TestThePageBeginsInTheChosenColours(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 390, true)
	c.load(`new MutationObserver((_, seen) => { if (document.body) { window.began = document.documentElement.dataset.theme ?? ""; seen.disconnect(); } }).observe(document, {childList: true, subtree: true})`)
	for _, chosen := range []string{"", "dark", "light"} {
		for _, system := range []string{"light", "dark"} {
			c.media("screen", system, false)
			c.open("/gallery/devices/a-few", http.StatusOK)
			evaluate[bool](c, `(localStorage.setItem("latchkey-colours", "`+chosen+`"), true)`)
			c.open("/gallery/devices/a-few", http.StatusOK)
			want := system
			if chosen != "" {
				want = chosen
			}
			if began := evaluate[string](c, `window.began`); began != chosen {
				t.Errorf("%q chosen, %s system: the page begins in %q", chosen, system, began)
			}
			if drawn := evaluate[string](c, `getComputedStyle(document.body).colorScheme`); drawn != want {
				t.Errorf("%q chosen, %s system: the browser draws in %s", chosen, system, drawn)
			}
		}
	}
}
