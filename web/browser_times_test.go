package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"latchkey/views/catalog"
)

// in moves the browser to a time zone.
func (c *tab) in(zone string) {
	c.t.Helper()
	c.do("move to "+zone, call(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone}))
}

// texts are the texts of the elements that a selector finds.
func (c *tab) texts(selector string) []string {
	c.t.Helper()
	return strings.Split(evaluate[string](c, `Array.from(document.querySelectorAll("`+selector+`"), e => e.textContent).join("\n")`), "\n")
}

// The gallery's clock stands at 14:05:09 UTC on 3 November 2026; its events were 20 seconds, 25 minutes, 3, 3, 20, 30 and 31 hours,
// 4 days and 400 days before.
func TestTimesAreInTheReadersZoneAndLanguage(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 1280, true)
	for _, want := range []struct {
		language, zone, headings, clock, exact string
	}{
		{"en-XA", "UTC", "Ţöööđåý | ÝÝÝéééšţéŕđåý | Friday, October 30 | Monday, September 29, 2025", "8:05 AM", "November 2, 2026 at 8:05:09 AM UTC"},
		{"de", "Asia/Kathmandu", "Heute | Gestern | Freitag, 30. Oktober | Montag, 29. September 2025", "13:50", "2. November 2026 um 13:50:09 GMT+5:45"},
		{"fr", "Pacific/Kiritimati", "Aujourd’hui | Hier | lundi 2 novembre | samedi 31 octobre | mardi 30 septembre 2025", "22:05", "2 novembre 2026 à 22:05:09 UTC+14"},
		{"es", "America/New_York", "Hoy | Ayer | viernes, 30 de octubre | lunes, 29 de septiembre de 2025", "3:05", "2 de noviembre de 2026 a las 3:05:09 GMT-5"}, // summer time ended on 1 November
		{"ja", "Australia/Lord_Howe", "今日 | 昨日 | 11月2日月曜日 | 10月31日土曜日 | 2025年9月30日火曜日", "19:05", "2026年11月2日 19:05:09 GMT+11"},
		{"ar", "Pacific/Marquesas", "اليوم | أمس | الأحد، 1 نوفمبر | الجمعة، 30 أكتوبر | الاثنين، 29 سبتمبر 2025", "10:35 م", "1 نوفمبر 2026 في 10:35:09 م غرينتش-9:30"},
	} {
		c.in(want.zone)
		c.open("/gallery/activity/first-page?lang="+want.language, http.StatusOK)
		if got := strings.Join(c.texts(".days h2"), " | "); got != want.headings {
			t.Errorf("%s in %s: the days are\n%s, want\n%s", want.language, want.zone, got, want.headings)
		}
		const sixth = `.days time[datetime='2026-11-02T08:05:09Z']`
		if got := c.texts(sixth)[0]; got != want.clock {
			t.Errorf("%s in %s: 30 hours ago is %q, want %q", want.language, want.zone, got, want.clock)
		}
		if got := evaluate[string](c, `document.querySelector("`+sixth+`").title`); got != want.exact {
			t.Errorf("%s in %s: exactly %q, want %q", want.language, want.zone, got, want.exact)
		}
		if n := evaluate[int](c, `document.querySelectorAll(".days li").length`); n != 13 {
			t.Errorf("%s in %s: %d events, want 13", want.language, want.zone, n)
		}
		if evaluate[bool](c, `Array.from(document.querySelectorAll("[data-utc]")).some(e => e.checkVisibility())`) {
			t.Errorf("%s in %s: the page says that its times are in UTC", want.language, want.zone)
		}
	}
	if faults := c.takeFaults(); len(faults) > 0 {
		t.Errorf("the browser complains: %q", faults)
	}
}

// Dates that the server writes without script are those that browsers write by CLDR, so that a page says the same with and without.
func TestDatesOfServerAndScriptAgree(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 1280, true)
	c.in("UTC")
	for _, language := range catalog.Tags() {
		if language == catalog.Source || language == catalog.PseudoLong || language == catalog.PseudoRightToLeft {
			continue // their dates depend on the region
		}
		for path, selector := range map[string]string{"/gallery/activity/first-page": ".days h2", "/gallery/devices/many": "main time[data-when=day]"} {
			path += "?lang=" + language
			var want []string
			if page := s.browser().shown(path); strings.HasPrefix(selector, ".days") {
				want = page.texts("h2", "id", "*")
			} else {
				want = page.texts("time", "data-when", "day")
			}
			c.open(path, http.StatusOK)
			if got := c.texts(selector); len(want) < 4 || strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%s: the script says\n%q, the server\n%q", path, got, want)
			}
		}
	}
}

func TestExactTimesAreReachedByTouchAndKeyboard(t *testing.T) {
	s := gallerySite(t)
	const shown = `getComputedStyle(document.querySelector(".days time"), "::after").content`
	quiet := openTab(t, s.URL, 390, false)
	quiet.open("/gallery/activity/first-page", http.StatusOK)
	if got := evaluate[string](quiet, shown); got != "none" {
		t.Errorf("at first there is %s", got)
	}
	if got := quiet.texts("[data-utc]"); len(got) != 2 || got[0] != "Dates and times are in UTC." || !evaluate[bool](quiet, `Array.from(document.querySelectorAll("[data-utc]")).every(e => e.checkVisibility())`) {
		t.Errorf("without script the page says %q of its zone", got)
	}
	quiet.toggle("#exact-times")
	if got := evaluate[string](quiet, shown); !strings.Contains(got, "3 November 2026, 14:04:49 UTC") {
		t.Errorf("the switch shows %s", got)
	}
	c := openTab(t, s.URL, 390, true)
	c.open("/gallery/activity/first-page", http.StatusOK)
	c.do("touch a time", clicked(".days time"))
	if got := evaluate[string](c, shown); !strings.Contains(got, "14:04:49") && !strings.Contains(got, "2:04:49 PM UTC") {
		t.Errorf("a touch shows %s", got)
	}
	c.open("/gallery/login/empty", http.StatusOK)
	if evaluate[bool](c, `document.getElementById("exact-times").checkVisibility()`) {
		t.Error("the switch stands on a page without times")
	}
}
