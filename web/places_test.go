package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/place"
	"latchkey/auth/services"
	"latchkey/web"
)

// at puts a browser behind an address, as the proxy tells it.
func (b *browser) at(address string) *browser {
	b.client.Transport = forwarding(address)
	return b
}

type forwarding string

func (f forwarding) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", string(f))
	return http.DefaultTransport.RoundTrip(r)
}

// where is what a part of a page says of its addresses.
func where(s screen) string { return strings.Join(s.texts("span", "class", "where"), " | ") }

func TestAddressesAreToldWithTheirPlacesAndNetworks(t *testing.T) {
	places, err := place.Open("../auth/place/testdata/city.mmdb")
	if err != nil {
		t.Fatal(err)
	}
	const home, office, away = "203.0.113.7", "203.0.113.130", "2001:db8::7"
	posted(t, func(t *testing.T, s *postOffice) {
		if err := s.portal.Offer("en", "de"); err != nil {
			t.Fatal(err)
		}
		b := s.browser().at(home)
		b.signIn(adaEmail, adaPassword)
		owner, thief := app{s.site, home, "ExampleApp/2.9 (Android 12)"}, app{s.site, away, "curl/8.14"}
		s.clock.Advance(20 * time.Hour)
		b.shown("/devices")
		s.mails()
		work := s.browser().at(office)
		work.agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15"
		work.signIn(adaEmail, adaPassword)
		if mail := s.mail(); !strings.Contains(mail.Text, office+", Germany") || !strings.Contains(mail.HTML, office+", Germany") {
			t.Errorf("the mail does not say where the sign-in came from:\n%s", mail.Text)
		}
		says := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		const here, elsewhere = "near Hamburg, Germany | same network as this browser", "Germany | new network"
		page := b.shown("/devices")
		says("this browser", where(page.one("section", "aria-labelledby", "this-device")), here)
		says("the one at work", where(page.all("li", "class", "device")[0]), elsewhere)
		events := b.shown("/activity?kind=sign-ins").all("li", "class", "event")
		says("the sign-in at work", where(events[0]), elsewhere)
		says("the sign-in at home", where(events[1]), here)
		says("the question before it is signed out", where(b.shown("/devices/revoke-others").one("main")), elsewhere)
		says("at work", where(work.shown("/devices").one("section", "aria-labelledby", "this-device")), "Germany | same network as this browser")
		if r := b.do(http.MethodGet, "/devices", nil, "Accept-Language", "de"); !strings.Contains(r.body, "<bdi>Deutschland</bdi>") {
			t.Error("in German, it is not Deutschland")
		}

		s.clock.Advance(time.Second)
		first := owner.login("Pixel 9")
		thief.refresh(newPhone(t, owner.refresh(first.refresh)).refresh)
		owner.refresh(first.refresh)
		uses := b.shown("/devices").one("section", "aria-labelledby", "alerts").one("span", "class", "uses")
		says("the theft", uses.text(), "Used from 203.0.113.7 (where it signed in) near Hamburg, Germany same network as this browser Used from 2001:db8::7 by an unknown program near Reykjavik, Iceland new network")
		mails := s.mails()
		flat := strings.Join(strings.Fields(mails[len(mails)-1].Text), " ")
		for _, line := range []string{"Used from: 203.0.113.7, near Hamburg, Germany (where it signed in)", "Used from: 2001:db8::7, near Reykjavik, Iceland, an unknown program"} {
			if !strings.Contains(flat, line) {
				t.Errorf("the mail about the theft does not say %q:\n%s", line, flat)
			}
		}

		sam := s.desk().at(home)
		sam.agent = pixel
		look := sam.shown(s.lookURL(adaEmail))
		if got := strings.Join(slices.Compact(slices.Sorted(slices.Values(look.texts("span", "class", "where")))), " | "); got != "Germany | near Hamburg, Germany | near Reykjavik, Iceland | new network" {
			t.Errorf("support is told %q", got)
		}

		b.at("unknown")
		s.clock.Advance(time.Hour)
		hidden := b.shown("/devices").one("main").text()
		if strings.Contains(hidden, "new network") || strings.Contains(hidden, "same network") || !strings.Contains(hidden, "near Hamburg, Germany") {
			t.Errorf("behind a proxy that hides addresses: %s", hidden)
		}
		says("an address that a proxy hides", b.shown("/devices").one("section", "aria-labelledby", "this-device").one("span", "class", "device-address").text(), "Unknown IP address")

		s.clock.Advance(8 * 24 * time.Hour)
		work = s.browser().at(office)
		work.signIn(adaEmail, adaPassword)
		s.clock.Advance(time.Second)
		b = s.browser().at(home)
		b.signIn(adaEmail, adaPassword)
		events = b.shown("/activity?kind=sign-ins").all("li", "class", "event")
		says("the sign-in at work a week later", where(events[1]), "Germany")
		says("the first sign-in at work", where(events[len(events)-2]), elsewhere)
	}, behindProxy, func(a *services.Config, _ *web.Config) { a.Places = places })
}
