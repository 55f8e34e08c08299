package views

import (
	"testing"
	"time"

	"latchkey/views/catalog"
)

// noon is a Tuesday.
var noon = time.Date(2026, time.November, 3, 12, 0, 0, 0, time.UTC)

const (
	hour = time.Hour
	days = 24 * time.Hour
)

var english catalog.Printer

func TestAgo(t *testing.T) {
	for _, c := range []struct {
		before time.Duration
		want   string
	}{
		{-5 * time.Minute, "just now"},
		{0, "just now"},
		{59 * time.Second, "just now"},
		{time.Minute, "1 minute ago"},
		{5*time.Minute + 59*time.Second, "5 minutes ago"},
		{59 * time.Minute, "59 minutes ago"},
		{hour, "1 hour ago"},
		{13 * hour, "13 hours ago"}, // the evening before is still told in hours
		{23*hour + 59*time.Minute, "23 hours ago"},
		{24 * hour, "yesterday"},
		{36 * hour, "yesterday"},
		{36*hour + time.Second, "2 days ago"}, // the day before yesterday, 40 hours or not
		{13 * days, "13 days ago"},
		{14 * days, "2 weeks ago"},
		{59 * days, "8 weeks ago"},
		{60 * days, "2 months ago"},
		{364 * days, "12 months ago"},
		{365 * days, "1 year ago"},
		{800 * days, "2 years ago"},
	} {
		if got := ago(english, noon.Add(-c.before), noon); got != c.want {
			t.Errorf("%v before: %q, want %q", c.before, got, c.want)
		}
	}
	if got := ago(english, time.Time{}, noon); got != "unknown" {
		t.Errorf("no time: %q", got)
	}
}

func TestUntil(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		want  string
	}{
		{-hour, "in a moment"},
		{59 * time.Second, "in a moment"},
		{20 * time.Minute, "in 20 minutes"},
		{hour, "in 1 hour"},
		{23 * hour, "in 23 hours"},
		{24 * hour, "tomorrow"},
		{35 * hour, "tomorrow"},
		{36 * hour, "in 2 days"},
		{3 * days, "in 3 days"},
		{30 * days, "in 4 weeks"},
		{90 * days, "in 3 months"},
		{365 * days, "in 1 year"},
	} {
		if got := until(english, noon.Add(c.after), noon); got != c.want {
			t.Errorf("%v after: %q, want %q", c.after, got, c.want)
		}
	}
	if got := until(english, time.Time{}, noon); got != "unknown" {
		t.Errorf("no time: %q", got)
	}
}

func TestDays(t *testing.T) {
	for _, c := range []struct {
		before              time.Duration
		day, heading, event string
	}{
		{5 * time.Minute, "today", "Today", "11:55 UTC"},
		{12 * hour, "today", "Today", "00:00 UTC"},
		{13 * hour, "yesterday", "Yesterday", "23:00 UTC"},
		{30 * hour, "yesterday", "Yesterday", "06:00 UTC"},
		{4 * days, "30 October", "Friday, 30 October", "12:00 UTC"},
		{400 * days, "29 September 2025", "Monday, 29 September 2025", "12:00 UTC"},
	} {
		at := noon.Add(-c.before)
		if got := day(english, at, noon); got != c.day {
			t.Errorf("day %v before: %q, want %q", c.before, got, c.day)
		}
		if got := dayHeading(english, at, noon); got != c.heading {
			t.Errorf("heading %v before: %q, want %q", c.before, got, c.heading)
		}
		if got := clock(english, at); got != c.event {
			t.Errorf("clock %v before: %q, want %q", c.before, got, c.event)
		}
	}
}

func TestTimesAreTheSameInEveryZone(t *testing.T) {
	east := time.FixedZone("east", 13*60*60)
	at := noon.Add(-30 * hour)
	if got, want := ago(english, at.In(east), noon.In(east)), ago(english, at, noon); got != want {
		t.Errorf("ago %q, want %q", got, want)
	}
	if got, want := dayHeading(english, at.In(east), noon), dayHeading(english, at, noon); got != want {
		t.Errorf("heading %q, want %q", got, want)
	}
	if got, want := exact(catalog.Printer{}, at.In(east)), "2 November 2026, 06:00:00 UTC"; got != want {
		t.Errorf("absolute %q, want %q", got, want)
	}
	if got, want := machine(at.In(east)), "2026-11-02T06:00:00Z"; got != want {
		t.Errorf("machine %q, want %q", got, want)
	}
}

// Each part of a date comes from the catalogue, so that none is English on another language's page.
func TestDatesAreInTheReadersLanguage(t *testing.T) {
	p, _ := catalog.In(catalog.PseudoLong)
	for month := time.January; month <= time.December; month++ {
		at := time.Date(2025, month, 3+int(month), 14, 5, 9, 0, time.UTC)
		for _, text := range []string{exact(p, at), day(p, at, noon), day(p, at, at.Add(2*days)), dayHeading(p, at, noon), dayHeading(p, at, at.Add(2*days)), clock(p, at)} {
			if latin.MatchString(text) {
				t.Errorf("%q", text)
			}
		}
	}
}

// Mails and pages without script name UTC, in the shape of the language's dates.
func TestMomentsNameUTCInEveryLanguage(t *testing.T) {
	at := time.Date(2026, time.November, 29, 14, 5, 9, 0, time.UTC)
	for tag, want := range map[string][3]string{
		"en": {"29 November 2026, 14:05:09 UTC", "14:05 UTC", "5 minutes ago"},
		"de": {"29.\u00a0November\u00a02026 um 14:05:09\u00a0Uhr (UTC)", "14:05 UTC", "vor 5 Minuten"},
		"fr": {"29\u00a0novembre 2026 à 14:05:09\u00a0UTC", "14:05 UTC", "il y a 5 minutes"},
		"es": {"29\u00a0de\u00a0noviembre de 2026 a las 14:05:09 UTC", "14:05 UTC", "hace 5\u00a0minutos"},
		"ja": {"2026年11月29日 14:05:09 UTC", "14:05 UTC", "5 分前"},
		"ar": {"29\u00a0نوفمبر\u00a02026، الساعة\u00a014:05:09\u00a0(UTC)", "14:05 UTC", "قبل 5 دقائق"},
	} {
		p, ok := catalog.In(tag)
		if got := [3]string{exact(p, at), clock(p, at), ago(p, at, at.Add(5*time.Minute))}; !ok || got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
}
