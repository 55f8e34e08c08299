package auth

import (
	"time"

	"latchkey/models"
)

// Clock tells the time of day.
type Clock func() time.Time

// Now returns the time as the databases store it: in UTC, truncated to the microsecond.
func (c Clock) Now() time.Time { return c().UTC().Truncate(time.Microsecond) }

// Fresh reports whether something that was recorded at the time at is younger than within. A time in the future comes from a clock
// that was wrong. What was recorded then may be of any age, so it is not fresh.
func Fresh(at, now time.Time, within time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age < within
}

// supportIdle is the longest time that a browser of the support staff may go unseen.
const supportIdle = 30 * time.Minute

// Idle says how long devices may go unseen before they must sign in again.
type Idle struct {
	App, Browser time.Duration
}

// OfBrowser returns how long a browser of an account with the given role may go unseen. It is 30 minutes at most for the support
// staff.
func (i Idle) OfBrowser(role string) time.Duration {
	if role == models.RoleSupport {
		return min(i.Browser, supportIdle)
	}
	return i.Browser
}

// Live returns the conditions for a device to be live at now.
func (i Idle) Live(now time.Time) models.Liveness {
	return models.Liveness{
		Now: now, AppSince: now.Add(-i.App),
		BrowserSince: now.Add(-i.OfBrowser(models.RoleUser)), SupportSince: now.Add(-i.OfBrowser(models.RoleSupport)),
	}
}
