package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/models"
)

// app is an app somewhere: what it sends with each request.
type app struct {
	s         *site
	ip, agent string
}

func (a app) headers() []string {
	return []string{"X-Forwarded-For", a.ip, "User-Agent", a.agent}
}

func (a app) login(name string) phone {
	a.s.t.Helper()
	return newPhone(a.s.t, a.s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": name}, a.headers()...))
}

func (a app) refresh(token string) reply {
	a.s.t.Helper()
	a.s.clock.Advance(time.Minute)
	return a.s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, a.headers()...)
}

// A copied sign-in was used by a thief, and found by the owner's app or by the thief's. The page, the activity, support, the mail and
// the file with the account's data tell of both uses, in the same words.
func TestACopiedSignInIsToldWithBothItsUsesEverywhere(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		owner, thief := app{s.site, "198.51.100.90", "ExampleApp/2.9 (Android 12)"}, app{s.site, "203.0.113.200", "curl/8.14"}
		b, sam := s.signedIn(), s.desk()
		s.mails()
		used := []string{"Used from 198.51.100.90 (where it signed in)", "Used from 203.0.113.200 by an unknown program"}
		const apart, perhaps = "A sign-in on “%s” was used in two places, so we signed it out.", "A sign-in on “%s” may have been copied, so we signed it out."
		for _, c := range []struct {
			name, sentence string
			steal          func() models.Reuse
			lines          []string
		}{
			{"Pixel 9", apart, func() models.Reuse { // the thief is ahead, and the owner's app finds it
				first := owner.login("Pixel 9")
				second := newPhone(t, owner.refresh(first.refresh))
				thief.refresh(second.refresh)
				owner.refresh(first.refresh)
				return models.Reuse{SignedInIP: owner.ip, Uses: []models.TokenUse{{IP: thief.ip, UserAgent: thief.agent}, {IP: owner.ip, UserAgent: owner.agent}}}
			}, used},
			{"tablet", apart, func() models.Reuse { // the owner's app is ahead, and the thief finds it
				first := owner.login("tablet")
				owner.refresh(newPhone(t, owner.refresh(first.refresh)).refresh)
				thief.refresh(first.refresh)
				return models.Reuse{SignedInIP: owner.ip, Uses: []models.TokenUse{{IP: owner.ip, UserAgent: owner.agent}, {IP: thief.ip, UserAgent: thief.agent}}}
			}, used},
			{"watch", apart, func() models.Reuse { // the thief is ahead of a database that was restored from a backup
				first := owner.login("watch")
				third := newPhone(t, owner.refresh(newPhone(t, owner.refresh(first.refresh)).refresh))
				s.exec("UPDATE devices SET generation = 2, floor = 2, base = 1 WHERE id = '" + first.id + "'")
				thief.ip, thief.agent = "203.0.113.201", firefox
				thief.refresh(third.refresh)
				owner.refresh(first.refresh)
				return models.Reuse{SignedInIP: owner.ip, Uses: []models.TokenUse{{IP: thief.ip, UserAgent: firefox}, {IP: owner.ip, UserAgent: owner.agent}}}
			}, []string{used[0], "Used from 203.0.113.201 by Firefox on Linux"}},
			{"laptop", perhaps, func() models.Reuse { // bound to a key, restored from a backup, behind a proxy that hides it
				bound := newProver(t, s.site, "ES256")
				first := newPhone(t, bound.login("laptop"))
				for _, token := range []string{first.refresh, newPhone(t, bound.refresh(first.refresh)).refresh} {
					bound.refresh(token)
				}
				s.clock.Advance(time.Minute)
				bound.refresh(first.refresh)
				return models.Reuse{Uses: []models.TokenUse{{UserAgent: "Go-http-client/1.1"}, {UserAgent: "Go-http-client/1.1"}}}
			}, []string{"Used twice from an unknown IP address by an unknown program"}},
		} {
			want, sentence := c.steal(), strings.Replace(c.sentence, "%s", c.name, 1)
			s.clock.Advance(time.Minute)
			told := func(where string, line screen) {
				t.Helper()
				if got := line.one("span", "class", "uses").texts("span"); !slices.Equal(got, c.lines) || !strings.Contains(line.text(), sentence) {
					t.Errorf("%s of %s: %s\n%q", where, c.name, line.text(), got)
				}
			}
			page := b.shown("/devices")
			alarm := page.one("section", "aria-labelledby", "alerts")
			alarm.one("h2").says("Someone may be using your account")
			told("the page", alarm.one("li"))
			page.none("aside", "class", "help")
			told("the activity", b.shown("/activity?kind=warnings").all("li", "class", "event")[0])
			told("support", sam.shown(s.lookURL(adaEmail)).one("section", "aria-labelledby", "activity").all("li", "class", "event-alarm")[0])

			mails := s.mails()
			mail := mails[len(mails)-1]
			flat := strings.NewReplacer("\u2068", "", "\u2069", "").Replace(strings.Join(strings.Fields(mail.Text), " "))
			facts := []string{fmt.Sprintf(map[string]string{apart: "Your sign-in on “%s” was used in two places", perhaps: "Someone may have copied your sign-in on “%s”"}[c.sentence], c.name)}
			for _, line := range c.lines {
				_, use, _ := strings.Cut(strings.Replace(line, "from an unknown", "from Unknown", 1), " from ")
				facts = append(facts, " from: "+strings.Replace(use, " by ", ", ", 1))
			}
			for _, fact := range facts {
				if !strings.Contains(flat, fact) {
					t.Errorf("the mail about %s does not say %q:\n%s", c.name, fact, mail.Text)
				}
			}

			var file struct {
				Devices []map[string]any
				Events  []struct {
					Kind  string
					Reuse *models.Reuse
				}
			}
			if err := json.Unmarshal([]byte(b.download(adaPassword).body), &file); err != nil {
				t.Fatal(err)
			}
			for _, e := range file.Events {
				if e.Kind != string(models.EventDeviceReused) {
					if e.Reuse != nil {
						t.Errorf("%s has uses: %+v", e.Kind, e.Reuse)
					}
					continue
				}
				if got, want := fmt.Sprintf("%+v", *e.Reuse), fmt.Sprintf("%+v", want); got != want {
					t.Errorf("the file about %s: %s, want %s", c.name, got, want)
				}
				break
			}
			for _, d := range file.Devices {
				if d["name"] == c.name && d["last_user_agent"] != want.Uses[0].UserAgent {
					t.Errorf("%s was refreshed by %v, want %q", c.name, d["last_user_agent"], want.Uses[0].UserAgent)
				}
			}
			seen := alarm.one("input", "name", "seen").attr("value")
			b.expect(b.post("/devices/alerts/dismiss", url.Values{"seen": {seen}}), http.StatusSeeOther, "/devices")
			page = b.told("/devices", "Warning dismissed.")
			page.one("p", "class", "notice-detail").says("Your activity still shows what happened.")
			page.none("section", "aria-labelledby", "alerts")
		}
	}, behindProxy)
}
