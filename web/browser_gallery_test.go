package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"latchkey/auth/services"
	"latchkey/models/modelstest"
	"latchkey/views"
	"latchkey/web"
)

// galleryTime is enough for every state.
const galleryTime = 30 * time.Minute

// gallerySite serves the gallery.
func gallerySite(t *testing.T) *site {
	t.Helper()
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the gallery in a browser")
	}
	chromium(t) // before a database is made
	return newSite(t, modelstest.MigratedSQLite(t), func(_ *services.Config, w *web.Config) { w.Gallery = true })
}

func galleryPaths() []string {
	var list []string
	for _, state := range views.Gallery(views.Assets{}) {
		list = append(list, state.Path())
	}
	return list
}

// letterPaths are where the gallery shows the mails.
func letterPaths() []string {
	var list []string
	for _, letter := range views.Mails() {
		list = append(list, letter.Path())
	}
	return list
}

func vendored(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// size makes the page as wide as a window of that many CSS pixels.
func (c *tab) size(width int64) {
	c.t.Helper()
	c.width = width
	c.do("resize", chromedp.EmulateViewport(width, 900))
}

// colours prefers light or dark, without transitions: a colour that is still on its way would be judged.
func (c *tab) colours(scheme string) {
	c.t.Helper()
	c.do("colours", call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}

// load runs a script in every page from now on. The content security policy does not concern it.
func (c *tab) load(script string) {
	c.t.Helper()
	c.do("load a script", call(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}))
}

// evaluate returns what an expression, or the promise that it makes, comes to.
func evaluate[T any](c *tab, expression string) T {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, stepTime)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		c.t.Fatalf("evaluate %.200s: %v", expression, err)
	}
	return got
}

const axeRun = `axe.run(document, %s).then(r => JSON.stringify(r.violations.flatMap(v => v.nodes.map(n => v.id + " at " + n.target.join(" ") + ": " + n.failureSummary))))`

// everything is what axe looks for. It need not load style sheets and media again, nor list what is sound.
const everything = `{preload: false, resultTypes: ["violations"]}`

// accessible runs axe-core over the page as it stands; load(axe) must have been called before it was opened.
func (c *tab) accessible(where, rules string) {
	c.t.Helper()
	var violations []string
	if err := json.Unmarshal([]byte(evaluate[string](c, fmt.Sprintf(axeRun, rules))), &violations); err != nil {
		c.t.Fatal(err)
	}
	for _, v := range violations {
		c.t.Errorf("%s: %s", where, v)
	}
}

func (c *tab) fits(where string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, stepTime)
	defer cancel()
	got, err := chromedp.Call(ctx, page.GetLayoutMetrics, cdp.Empty{})
	if err != nil {
		c.t.Fatal(err)
	}
	if wide := got.CSSContentSize.Width; wide > float64(c.width) {
		c.t.Errorf("%s: the page is %.0f pixels wide in a window of %d", where, wide, c.width)
	}
}

// warnsOnFirstScreen checks that the first button of a warning needs no scrolling on a phone of 844 pixels.
func (c *tab) warnsOnFirstScreen(where string) {
	c.t.Helper()
	if bottom := evaluate[float64](c, `document.querySelector(".alerts .button")?.getBoundingClientRect().bottom ?? 0`); bottom > 844 {
		c.t.Errorf("%s: the first button of the warning ends at %.0f pixels", where, bottom)
	}
}

// knowsItsOwnOnFirstScreen checks that, among 100 devices, the one in use needs no scrolling on a phone of 844 pixels.
func (c *tab) knowsItsOwnOnFirstScreen(where string) {
	c.t.Helper()
	if bottom := evaluate[float64](c, `document.querySelector(".device-current").getBoundingClientRect().bottom`); bottom > 844 {
		c.t.Errorf("%s: the current device ends at %.0f pixels", where, bottom)
	}
}

// accessibleAndFits looks at pages in windows of two widths, light and dark, and whether they fit a small one. Two browsers share them.
// Without LATCHKEY_SOAK they are every second page, axe looks at one of the four, at another one on the next page, and no page is wide and
// narrow.
func accessibleAndFits(t *testing.T, paths []string, wide int64) {
	s := gallerySite(t)
	all := os.Getenv("LATCHKEY_SOAK") != "" || os.Getenv("LATCHKEY_SCREENSHOTS") != ""
	if !all {
		paths = slices.DeleteFunc(paths, func(path string) bool { return len(path)%2 != 0 && !strings.HasPrefix(path, "/gallery/devices/") })
	}
	const browsers = 2
	for n := range browsers {
		t.Run(fmt.Sprintf("browser %d", n+1), func(t *testing.T) {
			t.Parallel()
			c := openTabFor(t, s.URL, wide, true, galleryTime)
			c.load(vendored(t, "axe/axe.min.js"))
			for i := n; i < len(paths); i += browsers {
				c.open(paths[i], http.StatusOK)
				for w, width := range []int64{wide, 390} {
					if !all && i/browsers%4/2 != w && !strings.HasPrefix(paths[i], "/gallery/devices/") {
						continue
					}
					c.size(width)
					for d, scheme := range []string{"light", "dark"} {
						if all || i/browsers%4 == 2*w+d {
							c.colours(scheme)
							c.accessible(fmt.Sprintf("%s, %d pixels, %s", paths[i], width, scheme), everything)
						}
					}
					c.fits(paths[i])
					if width == 390 && strings.HasPrefix(paths[i], "/gallery/devices/") {
						c.warnsOnFirstScreen(paths[i])
					}
					if width == 390 && strings.HasPrefix(paths[i], "/gallery/devices/100") {
						c.knowsItsOwnOnFirstScreen(paths[i])
					}
					c.shoot(strings.ReplaceAll(strings.TrimPrefix(paths[i], "/gallery/"), "/", "-"))
				}
				c.size(320)
				c.fits(paths[i])
				c.size(wide)
			}
			if faults := c.takeFaults(); len(faults) > 0 {
				t.Errorf("the browser complains: %q", faults)
			}
		})
	}
}

func TestEveryStateIsAccessibleAndFitsASmallScreen(t *testing.T) {
	accessibleAndFits(t, galleryPaths(), 1280)
}

// A mail is read in a program whose window is a phone's or a pane beside the list.
func TestEveryMailIsAccessibleAndFitsASmallScreen(t *testing.T) {
	accessibleAndFits(t, letterPaths(), 800)
}

// Browsers load an icon for every page, and judge it by the page's policy: a mail's page lets it in, and its own style.
func TestAMailsPageHasItsStyleAndItsIcon(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 800, true)
	for _, path := range letterPaths() {
		armoured(t, path, s.browser().get(path), false)
	}
	c.colours("light")
	c.open(letterPaths()[0], http.StatusOK)
	if got := evaluate[string](c, `new Promise(done => { const icon = new Image(); icon.onload = () => done("shown"); icon.onerror = () => done("stopped"); icon.src = "/favicon.ico"; })`); got != "shown" {
		t.Errorf("the icon is %s", got)
	}
	if got := evaluate[string](c, `getComputedStyle(document.body).backgroundColor`); got != "rgb(246, 245, 241)" {
		t.Errorf("the mail stands on %s", got)
	}
	if got := evaluate[string](c, `(() => { const other = document.createElement("style"); other.textContent = "body { background: red; }"; document.head.append(other); return getComputedStyle(document.body).backgroundColor; })()`); got != "rgb(246, 245, 241)" {
		t.Errorf("another style turns it to %s", got)
	}
	c.takeFaults() // of that other style
}
