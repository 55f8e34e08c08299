package web_test

import (
	"testing"
	"time"

	"latchkey/models"
)

// A link about the sign-ins since a moment names no device: the activity says how many it signed out.
func TestTheActivityCountsTheDevicesOfAnAlarm(t *testing.T) {
	const link = "The “This wasn’t me” link in an e-mail "
	cases := []struct{ detail, want string }{
		{"", link + "signed out all devices and locked your password."}, // as the releases before wrote it
		{"0", link + "locked your password. The devices it was about were already signed out."},
		{"1", link + "signed out 1 device and locked your password."},
		{"3", link + "signed out 3 devices and locked your password."},
	}
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		owner := s.live(adaEmail, "Firefox on Linux").UserID
		for i, c := range cases {
			s.addEvent(models.Event{UserID: owner, At: s.clock.Now().Add(time.Duration(-i-1) * time.Second), Kind: models.EventLocked, Actor: models.ActorOwner, Detail: c.detail})
		}
		var got []string
		for _, row := range b.shown("/activity").all("li", "class", "event") {
			got = append(got, row.one("p", "class", "event-text").text())
		}
		got = got[max(0, len(got)-len(cases)):]
		for i, c := range cases {
			if want := "Warning: " + c.want; len(got) != len(cases) || got[i] != want {
				t.Errorf("%q of %q", want, got)
			}
		}
	})
}
