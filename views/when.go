package views

import (
	"fmt"
	"strconv"
	"time"

	"latchkey/views/catalog"
)

// Pages are rendered without knowing the reader's time zone. Recent moments are
// therefore told relative to now, which is true everywhere; dates and clock times
// are UTC, and every one of them carries its exact form in the title. A script
// then says all of them in the reader's zone.

// ago tells how long before now t was: "just now", "5 minutes ago", "yesterday".
// A t after now (clocks of two machines differ a little) counts as now; a zero t is "unknown".
func ago(p catalog.Printer, t, now time.Time) string {
	if t.IsZero() {
		return p.WhenUnknown()
	}
	d := now.Sub(t)
	if d < time.Minute {
		return p.WhenJustNow()
	}
	if d >= 24*time.Hour && daysBetween(t, now) == 1 {
		return p.WhenYesterday()
	}
	return span(d, daysBetween(t, now), p.WhenMinutesAgo, p.WhenHoursAgo, p.WhenDaysAgo, p.WhenWeeksAgo, p.WhenMonthsAgo, p.WhenYearsAgo)
}

// until tells how long after now t is: "in 20 minutes", "tomorrow", "in 3 days".
// What is less than a minute away, or past, is "in a moment"; a zero t is "unknown".
func until(p catalog.Printer, t, now time.Time) string {
	if t.IsZero() {
		return p.WhenUnknown()
	}
	d := t.Sub(now)
	if d < time.Minute {
		return p.WhenInAMoment()
	}
	if d >= 24*time.Hour && daysBetween(now, t) == 1 {
		return p.WhenTomorrow()
	}
	return span(d, daysBetween(now, t), p.WhenInMinutes, p.WhenInHours, p.WhenInDays, p.WhenInWeeks, p.WhenInMonths, p.WhenInYears)
}

// span words a duration of at least a minute in its largest fitting unit, rounded down.
// From a day on the calendar counts, not the hours: 40 hours may be one day or two.
func span(d time.Duration, days int, minutes, hours, inDays, weeks, months, years func(int) string) string {
	switch {
	case d < time.Hour:
		return minutes(int(d / time.Minute))
	case d < 24*time.Hour:
		return hours(int(d / time.Hour))
	case days < 14:
		return inDays(days)
	case days < 60:
		return weeks(days / 7)
	case days < 365:
		return months(days / 30)
	default:
		return years(days / 365)
	}
}

// count words a number with its noun: "1 device", "3 devices".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// day names the UTC day of t as one would in a sentence: "today", "yesterday",
// "3 March", and with the year where it is not the current one.
func day(p catalog.Printer, t, now time.Time) string {
	switch n := daysBetween(t, now); {
	case t.IsZero():
		return p.WhenUnknownDay()
	case n == 0:
		return p.WhenToday()
	case n == 1:
		return p.WhenYesterday()
	case t.UTC().Year() == now.UTC().Year():
		return p.WhenDate(dayOf(t), monthOf(p, t))
	default:
		return p.WhenDateYear(dayOf(t), monthOf(p, t), yearOf(t))
	}
}

// dayHeading names the UTC day of t as a heading over its events.
func dayHeading(p catalog.Printer, t, now time.Time) string {
	switch daysBetween(t, now) {
	case 0:
		return p.WhenTodayHeading()
	case 1:
		return p.WhenYesterdayHeading()
	}
	if t.UTC().Year() == now.UTC().Year() {
		return p.WhenHeading(weekdayOf(p, t), dayOf(t), monthOf(p, t))
	}
	return p.WhenHeadingYear(weekdayOf(p, t), dayOf(t), monthOf(p, t), yearOf(t))
}

// clock is the UTC time of day of an event, under the heading of its day.
func clock(p catalog.Printer, t time.Time) string { return p.WhenClock(t.UTC().Format("15:04")) }

// exact is the full moment, for titles.
func exact(p catalog.Printer, t time.Time) string {
	return p.WhenExact(dayOf(t), monthOf(p, t), yearOf(t), t.UTC().Format("15:04:05"))
}

// deadline is the moment up to which something is possible.
func deadline(p catalog.Printer, t time.Time) string {
	return p.WhenExact(dayOf(t), monthOf(p, t), yearOf(t), t.UTC().Format("15:04"))
}

// The parts of a date, in UTC.
func dayOf(t time.Time) string  { return strconv.Itoa(t.UTC().Day()) }
func yearOf(t time.Time) string { return t.UTC().Format("2006") }

func monthOf(p catalog.Printer, t time.Time) string {
	return [...]func() string{
		p.WhenMonth01, p.WhenMonth02, p.WhenMonth03, p.WhenMonth04, p.WhenMonth05, p.WhenMonth06,
		p.WhenMonth07, p.WhenMonth08, p.WhenMonth09, p.WhenMonth10, p.WhenMonth11, p.WhenMonth12,
	}[t.UTC().Month()-time.January]()
}

func weekdayOf(p catalog.Printer, t time.Time) string {
	return [...]func() string{
		p.WhenWeekday0, p.WhenWeekday1, p.WhenWeekday2, p.WhenWeekday3, p.WhenWeekday4, p.WhenWeekday5, p.WhenWeekday6,
	}[t.UTC().Weekday()]()
}

// machine is the value of a <time> element's datetime attribute.
func machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// daysBetween counts the midnights (UTC) between from and to.
func daysBetween(from, to time.Time) int {
	midnight := func(t time.Time) time.Time {
		y, m, d := t.UTC().Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(to).Sub(midnight(from)) / (24 * time.Hour))
}
