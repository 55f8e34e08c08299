package views

import (
	"time"

	"latchkey/views/catalog"
)

// The places of the gallery. Their names are other people's words.
var (
	hamburg     = Place{City: "Hamburg", Country: "Germany"}
	hamburgHere = Place{City: "Hamburg", Country: "Germany", Same: true}
	lagosNew    = Place{City: "Lagos", Country: "Nigeria", New: true}
	icelandNew  = Place{Country: "Iceland", New: true}
	hostileNew  = Place{City: hostile, Country: override, New: true}
)

// places are the pages that show addresses with what is known of them.
func (g gallery) places() []State {
	theft := &CopiedSignIn{Uses: []TokenUse{{Address: "198.51.100.90", SignedIn: true, Place: hamburg}, {Address: "203.0.113.200", Place: lagosNew}}, Apart: true}
	moved := &CopiedSignIn{Uses: []TokenUse{{Address: "2001:db8:85a3:1234:5678:8a2e:9370:7334", Place: hostileNew}, {Address: "203.0.113.200", Place: lagosNew}}, SignedInFrom: "198.51.100.90", SignedInAt: hamburgHere, Apart: true}
	phone, strange, evil, here := g.app("a1", "Pixel 9", "phone", 5*time.Minute), g.app("a2", "Kitchen tablet", "tablet", 3*time.Hour), g.app("a3", longWord, "phone", 30*time.Hour), g.current()
	phone.Place, strange.Place, evil.Place, here.Place = hamburg, icelandNew, hostileNew, hamburgHere
	strange.Address = "2001:db8:85a3:1234:5678:8a2e:9370:7334"
	event := func(s catalog.Sentence, e Event) Event {
		e.Text, e.Names = s.Text, s.Names
		return e
	}
	events := []Event{
		event(g.say.EventSignIn("Firefox on Linux"), Event{At: g.ago(20 * time.Second), Agent: "Firefox on Linux", Address: "203.0.113.7", Place: hamburgHere}),
		event(CopiedText(g.say, theft, "Pixel 9"), Event{Alarm: true, At: g.ago(25 * time.Minute), Copied: theft}),
		event(g.say.EventSignIn("Kitchen tablet"), Event{At: g.ago(3 * time.Hour), Agent: "Chrome on Android", Address: "2001:db8:85a3:1234:5678:8a2e:9370:7334", Place: icelandNew}),
		event(g.say.EventSignIn(hostile), Event{At: g.ago(30 * time.Hour), Agent: hostile, Address: "203.0.113.9", Place: hostileNew}),
	}
	trusted := TrustedBrowser{ID: "t1", Name: "Firefox on Linux", Current: true, AddedAt: g.ago(3 * day24), Address: "203.0.113.7", Place: hamburgHere, UsedAt: g.ago(time.Hour), ExpiresAt: g.now.Add(27 * day24)}
	row := SupportDevice{Device: phone, SignedInFrom: "203.0.113.200", SignedInPlace: lagosNew, Live: true}
	ended := SupportDevice{Device: evil, SignedInFrom: strange.Address, SignedInPlace: icelandNew, End: "Signed out by its owner", EndedAt: g.ago(9 * day24)}
	return []State{
		{"places/devices", Devices(DevicesPage{Shell: g.in(g.say.DevicesTitle(), "devices"), Now: g.now, Current: &here, Groups: []DeviceGroup{{App: phone.Client, Total: 3, Devices: []Device{phone, strange, evil}}}, Apps: 3, Others: 3, Alerts: []Alert{
			{Theft: true, Device: "old phone", ID: "a5", At: g.ago(25 * time.Minute), Address: "203.0.113.200", Copied: theft},
			{Theft: true, Device: "old tablet", ID: "a6", At: g.ago(30 * time.Minute), Address: "203.0.113.200", Copied: moved},
			{Device: "Pixel 9", ID: "a1", At: g.ago(4 * time.Hour), Address: "198.51.100.23", Place: lagosNew},
		}})},
		{"places/activity", Activity(ActivityPage{Shell: g.in(g.say.ActivityTitle(), "activity"), Now: g.now, Events: events})},
		{"places/revoke", Revoke(RevokePage{Shell: g.in(g.say.RevokeTitle(), "devices"), Now: g.now, Device: strange, Bound: g.bound()})},
		{"places/browsers", TrustedBrowsers(TrustedBrowsersPage{Shell: g.in(g.say.TrustedTitle(), "security"), Now: g.now, Browsers: []TrustedBrowser{trusted}})},
		g.looked("places", SupportPersonPage{Person: g.person("leila.haddad@example.org", 1), Live: []SupportDevice{row}, Ended: []SupportDevice{ended}, Events: []Event{
			{Text: "Signed in on “%s”.", Names: []string{"Pixel 9"}, At: g.ago(20 * time.Minute), Agent: "Chrome on Android", Address: "203.0.113.200", Place: lagosNew},
		}}),
	}
}

// placeMails are the mails that tell where an address is.
func (g gallery) placeMails(add func(name, kind string, change func(*Mail))) {
	add("new device with its place", "new_device", func(m *Mail) { m.Device, m.Place = "Firefox on Linux", lagosNew })
	add("new device in a hostile place", "new_device", func(m *Mail) { m.Device, m.Place = "Firefox on Linux", hostileNew })
	add("device reused, with places", "device_reused", func(m *Mail) {
		m.Device = "Pixel 9"
		m.Copied = &CopiedSignIn{Uses: []TokenUse{{Address: "198.51.100.90", SignedIn: true, Place: hamburg}, {Address: "203.0.113.200", Place: icelandNew}}, Apart: true}
	})
}
