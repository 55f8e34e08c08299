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
	// Clients returns the limits of clients that have one of their own; it counts where it is shorter. Nil: there are none.
	Clients func() []ClientIdle
}

// ClientIdle says how long the apps of one client may go unseen.
type ClientIdle struct {
	ClientID string
	Idle     time.Duration
}

// Of returns how long apps may go unseen whose client has a limit of its own; zero: it has none.
func (i Idle) Of(own time.Duration) time.Duration {
	if own == 0 {
		return i.App
	}
	return min(i.App, own)
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
	live := models.Liveness{
		Now: now, AppSince: now.Add(-i.App),
		BrowserSince: now.Add(-i.OfBrowser(models.RoleUser)), SupportSince: now.Add(-i.OfBrowser(models.RoleSupport)),
	}
	if i.Clients != nil {
		for _, c := range i.Clients() {
			if c.Idle < i.App {
				live.Clients = append(live.Clients, models.ClientSince{ClientID: c.ClientID, Since: now.Add(-c.Idle)})
			}
		}
	}
	return live
}
