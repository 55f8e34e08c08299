package web_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// A person finds two rows of one phone, and signs the old one out with the button beside the hint.
func TestAPersonSignsOutTheOldRowOfAPhone(t *testing.T) {
	withAndWithout(t, func(t *testing.T, s *site, c *tab) {
		old := s.installed("phone", installationID)
		s.clock.Advance(time.Hour)
		again := s.installed("phone", installationID)
		c.signIn(adaEmail, adaPassword)
		page := c.open("/devices", http.StatusOK)
		page.one("p", "class", "same-phone").says("May be the same phone as “phone”. Sign out “phone”")
		c.check("a hint at the same phone")
		c.asked(fmt.Sprintf(`.same-phone a[href="/devices/%s/revoke"]`, old.id))
		c.follow(yes)
		c.reads("You’ve signed out “phone”.")
		c.open("/devices", http.StatusOK).none("p", "class", "same-phone")
		s.refused(old.refresh, "revoked")

		// The phone signs in once more, and proves that it is the same.
		third := s.installed("new name", installationID, "old_refresh_token", again.refresh)
		page = c.open("/devices", http.StatusOK)
		if names := page.texts("h4", "class", "device-name"); len(names) != 1 || names[0] != "phone (2)" || third.name != "phone (2)" {
			t.Errorf("%q", names)
		}
	})
}
