package auth

import (
	"time"

	"latchkey/models"
)

// Clock tells the time of day.
type Clock func() time.Time

// Now is the time as the databases keep it: UTC, to the microsecond.
func (c Clock) Now() time.Time { return c().UTC().Truncate(time.Microsecond) }

// Fresh tells whether something remembered at a moment is younger than within. A moment in the future comes from a clock that
// was wrong, and what was remembered then may be of any age: it is not fresh.
func Fresh(at, now time.Time, within time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age < within
}

// supportIdle bounds how long a browser of the support staff may go unseen.
const supportIdle = 30 * time.Minute

// Idle is how long a device may go unseen before it must sign in again.
type Idle struct {
	App, Browser time.Duration
}

// OfBrowser is how long a browser of an account with this role may go unseen: 30 minutes at most for the support staff.
func (i Idle) OfBrowser(role string) time.Duration {
	if role == models.RoleSupport {
		return min(i.Browser, supportIdle)
	}
	return i.Browser
}

// Live says which devices are live at a moment.
func (i Idle) Live(now time.Time) models.Liveness {
	return models.Liveness{
		Now: now, AppSince: now.Add(-i.App),
		BrowserSince: now.Add(-i.OfBrowser(models.RoleUser)), SupportSince: now.Add(-i.OfBrowser(models.RoleSupport)),
	}
}
