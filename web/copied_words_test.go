package web_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/models"
	"latchkey/web"
)

// What the mail says of the two uses, for each way in which they can relate to the sign-in. Pages use the same words.
func TestTheTwoUsesOfACopiedSignInInWords(t *testing.T) {
	const (
		home, away, far = "198.51.100.90", "203.0.113.200", "192.0.2.1"
		v6              = "2001:db8:1:2::7"
		app             = "ExampleApp/2.9 (Android 12)"
		apart           = "Your sign-in on “Pixel 9” was used in two places, so we signed that device out."
		perhaps         = "Someone may have copied your sign-in on “Pixel 9”, so we signed that device out."
	)
	type use struct{ ip, agent string }
	for name, c := range map[string]struct {
		signedIn        string
		last, presented use
		network         string // whose is hidden by a proxy: "unknown", the presenter's; "last unknown"; "all unknown"
		lead            string
		want            []string
	}{
		"the copy was used and the owner's phone found it": {
			home, use{away, "curl/8.14"}, use{home, app}, "", apart,
			[]string{"Used from: 198.51.100.90 (where it signed in)", "Also used from: 203.0.113.200, an unknown program"},
		},
		"the owner's phone was used and the copy found it": {
			home, use{home, app}, use{away, "curl/8.14"}, "", apart,
			[]string{"Used from: 198.51.100.90 (where it signed in)", "Also used from: 203.0.113.200, an unknown program"},
		},
		"programs that are known": {
			home, use{away, firefox}, use{home, pixel}, "", apart,
			[]string{"Used from: 198.51.100.90 (where it signed in), Chrome on Android", "Also used from: 203.0.113.200, Firefox on Linux"},
		},
		"a User-Agent that tries to speak": {
			home, use{away, "Your bank/1.0 (call 555-0100; Linux)"}, use{home, app}, "", apart,
			[]string{"Used from: 198.51.100.90 (where it signed in)", "Also used from: 203.0.113.200, an unknown program"},
		},
		"no User-Agent": {
			home, use{away, ""}, use{home, ""}, "", apart,
			[]string{"Used from: 198.51.100.90 (where it signed in)", "Also used from: 203.0.113.200, an unknown program"},
		},
		"both from the sign-in's address": {
			home, use{home, "curl/8.14"}, use{home, app}, "", perhaps, []string{"Used twice from: 198.51.100.90 (where it signed in)"},
		},
		"both from the sign-in's address, by programs that tell them apart": {
			home, use{home, firefox}, use{home, app}, "", perhaps,
			[]string{"Used from: 198.51.100.90 (where it signed in), Firefox on Linux", "Also used from: 198.51.100.90 (where it signed in), an unknown program"},
		},
		"both from the sign-in's IPv6 network": {
			v6, use{"2001:db8:1:2:ffff::1", app}, use{v6, app}, "", perhaps,
			[]string{"Used from: 2001:db8:1:2:ffff::1 (where it signed in)", "Also used from: 2001:db8:1:2::7 (where it signed in)"},
		},
		"another IPv6 network of one provider": {
			v6, use{"2001:db8:1:3::7", app}, use{v6, app}, "", apart,
			[]string{"Used from: 2001:db8:1:2::7 (where it signed in)", "Also used from: 2001:db8:1:3::7, an unknown program"},
		},
		"a sign-in over a translator": {
			"64:ff9b::c633:645a", use{away, app}, use{"64:ff9b::c633:645a", app}, "", apart,
			[]string{"Used from: 64:ff9b::c633:645a (where it signed in)", "Also used from: 203.0.113.200, an unknown program"},
		},
		"a device that has moved since": {
			far, use{home, app}, use{away, "curl/8.14"}, "", apart,
			[]string{"Used from: 198.51.100.90, an unknown program", "Also used from: 203.0.113.200, an unknown program", "Signed in from: 192.0.2.1"},
		},
		"both from one address elsewhere": {
			far, use{away, app}, use{away, "curl/8.14"}, "", perhaps,
			[]string{"Used twice from: 203.0.113.200, an unknown program", "Signed in from: 192.0.2.1"},
		},
		"a sign-in from an unknown address": {
			"", use{home, app}, use{away, app}, "", apart,
			[]string{"Used from: 198.51.100.90, an unknown program", "Also used from: 203.0.113.200, an unknown program"},
		},
		"found by a use behind a proxy that hides it": {
			home, use{home, app}, use{"10.0.0.1", firefox}, "unknown", perhaps,
			[]string{"Used from: 198.51.100.90 (where it signed in)", "Also used from: Unknown IP address, Firefox on Linux"},
		},
		"everything behind that proxy": {
			"10.0.0.1", use{"10.0.0.1", app}, use{"10.0.0.1", app}, "all unknown", perhaps,
			[]string{"Used twice from: Unknown IP address, an unknown program"},
		},
		"used last behind that proxy": {
			home, use{"10.0.0.1", app}, use{home, app}, "last unknown", perhaps,
			[]string{"Used from: 198.51.100.90 (where it signed in)", "Also used from: Unknown IP address, an unknown program"},
		},
	} {
		seen := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		d := models.Device{Name: "Pixel 9", CreatedIP: c.signedIn, LastIP: c.last.ip, RefreshAgent: c.last.agent, RefreshAgentAt: &seen, LastSeenAt: seen, RotatedAt: seen}
		from := auth.Caller{IP: netip.MustParseAddr(c.presented.ip), UserAgent: c.presented.agent, NetworkUnknown: c.network == "unknown" || c.network == "all unknown"}
		if c.network == "last unknown" || c.network == "all unknown" {
			d.RotatedAt = time.Unix(0, 0)
		}
		n := notify.NewNotification(notify.KindDeviceReused, from, seen)
		n.DeviceName, n.Reuse = d.Name, auth.NewReuse(d, from)
		mail, err := web.MailRenderer("https://id.example.org")(n)
		if err != nil {
			t.Fatal(err)
		}
		flat := strings.Join(strings.Fields(mail.Text), " ")
		if !strings.Contains(strings.NewReplacer("\u2068", "", "\u2069", "").Replace(flat), c.lead) {
			t.Errorf("%s: it does not say %q:\n%s", name, c.lead, mail.Text)
		}
		_, facts, _ := strings.Cut(flat, "Device: ")
		facts, _, _ = strings.Cut(facts, " When:")
		facts = strings.TrimPrefix(facts, d.Name+" ")
		if want := strings.Join(c.want, " "); facts != want {
			t.Errorf("%s:\n got %s\nwant %s", name, facts, want)
		}
		for _, line := range c.want {
			_, value, _ := strings.Cut(line, ": ")
			if !strings.Contains(mail.HTML, "<bdi>"+value+"</bdi>") {
				t.Errorf("%s: the HTML does not say %q", name, value)
			}
		}
		if slices.ContainsFunc([]string{"555", "curl", "ExampleApp"}, func(s string) bool { return strings.Contains(mail.Text+mail.HTML, s) }) {
			t.Errorf("%s: the User-Agent speaks:\n%s", name, mail.Text)
		}
	}
	// A refresh by a replica of the release before: its program is unknown, and so is a use that such a release found.
	seen := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	d := models.Device{CreatedIP: home, LastIP: away, RefreshAgent: firefox, RefreshAgentAt: &seen, LastSeenAt: seen.Add(time.Minute), RotatedAt: seen}
	if r := auth.NewReuse(d, auth.Caller{}); r.Uses[0] != (models.TokenUse{IP: away}) {
		t.Errorf("the agent of an earlier refresh is told: %+v", r)
	}
	old := notify.Notification{Kind: notify.KindDeviceReused, DeviceName: "Pixel 9", IP: away, UserAgent: firefox, At: seen}
	mail, err := web.MailRenderer("https://id.example.org")(old)
	if err != nil || !strings.Contains(mail.Text, "IP address:         203.0.113.200") || !strings.Contains(mail.Text, "Firefox on Linux") || strings.Contains(mail.Text, "Used from") {
		t.Errorf("%v %s", err, mail.Text)
	}
}
