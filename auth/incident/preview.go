package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
)

// pageSize is how many devices one statement reads.
const pageSize = 500

// A device that was seen within activeWithin counts as active.
const activeWithin = 24 * time.Hour

// Preview counts what an incident would sign out, and keeps that with its filter for PreviewLife. It returns KindInvalidRequest for an empty filter
// or one that cannot select anything, and KindNotAllowed when there is nothing to sign out, when RequireReset is set and no mail is set up, and on Citus.
func (s *Service) Preview(ctx context.Context, r Request) (models.Incident, error) {
	now := s.clock.Now()
	f, err := check(r.Filter, now)
	if err != nil {
		return models.Incident{}, err
	}
	switch err := s.store.OneNode(ctx); {
	case errors.Is(err, models.ErrDistributed):
		return models.Incident{}, refuse("incidents are not supported on Citus: use latchkey user sign-out")
	case err != nil:
		return models.Incident{}, err
	case r.RequireReset && f.From == nil:
		return models.Incident{}, auth.InvalidField("--require-reset", "needs --created-from: what was added since then is removed")
	case r.RequireReset && !s.notify.Enabled():
		return models.Incident{}, refuse("--require-reset needs mail, or no one could choose a new password: set LATCHKEY_SMTP_URL and LATCHKEY_MAIL_FROM")
	}
	i := models.Incident{ID: models.NewID(now), Filter: f, RequireReset: r.RequireReset, CreatedBy: r.By}
	if i.Counts, err = s.count(ctx, f, now); err != nil {
		return i, err
	}
	i.CreatedAt = s.clock.Now() // the count may have taken long
	if i.Counts.Devices == 0 {
		return i, refuse("no device that is signed in matches: %s", noMatch(f, i.Counts))
	}
	return i, s.store.AddIncident(ctx, i)
}

// noMatch says which filter matched no device, and for how many the network is not known.
func noMatch(f models.IncidentFilter, c models.IncidentCounts) string {
	if c.NoAddress > 0 {
		return fmt.Sprintf("%s; the IP address of the sign-in is not known of %d others", Describe(f), c.NoAddress)
	}
	return Describe(f)
}

// count reads all devices once.
func (s *Service) count(ctx context.Context, f models.IncidentFilter, now time.Time) (c models.IncidentCounts, err error) {
	c.Clients = map[string]int64{}
	for _, id := range f.Clients { // one without devices is perhaps mistyped
		c.Clients[id] = 0
	}
	var after models.DeviceKey
	var last uuid.UUID
	for {
		began := time.Now()
		page, err := s.store.IncidentDevices(ctx, after, pageSize)
		if err != nil || len(page) == 0 {
			return c, err
		}
		for _, d := range page {
			after = models.DeviceKey{UserID: d.UserID, ID: d.ID}
			if !isLive(d, now) {
				continue
			}
			c.Live++
			if !selects(f, d, now, now) {
				if len(f.Networks) > 0 && d.CreatedIP == "" && restMatches(f, d) {
					c.NoAddress++
				}
				continue
			}
			add(&c, d, now)
			if d.UserID != last {
				c.Accounts++
				last = d.UserID
			}
		}
		if !sleep(ctx, time.Since(began)) { // half of the time is left to others
			return c, ctx.Err()
		}
	}
}

// add counts a device that is selected.
func add(c *models.IncidentCounts, d models.Device, now time.Time) {
	c.Devices++
	if d.Kind == models.KindBrowser {
		c.Browsers++
	} else {
		c.Clients[d.ClientID]++
	}
	if d.JKT != "" {
		c.Bound++
	}
	if d.LastSeenAt.After(now.Add(-activeWithin)) {
		c.Active++
	}
	if d.SignedInBy == models.ByPasskey {
		c.Passkeys++
	}
}
