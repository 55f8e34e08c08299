package views

import (
	"time"

	"latchkey/views/catalog"
)

const day24 = 24 * time.Hour

func (g gallery) browser(id, name, agent string, seen time.Duration) Device {
	return Device{
		ID: id, Name: name, Icon: "browser", Agent: agent, Address: "203.0.113.7",
		CreatedAt: g.ago(seen + 12*day24), LastSeenAt: g.ago(seen), ExpiresAt: g.now.Add(18 * day24), Method: g.say.MethodPasskey(),
	}
}

func (g gallery) app(id, name, icon string, seen time.Duration) Device {
	return Device{
		ID: id, Name: name, Icon: icon, App: true, Client: "notes-android", Agent: "Notes 4.2 on Android", Address: "198.51.100.23",
		CreatedAt: g.ago(seen + 97*day24), LastSeenAt: g.ago(seen), ExpiresAt: g.now.Add(83 * day24),
	}
}

// current is the browser that looks at the page.
func (g gallery) current() Device {
	d := g.browser("b1", "Firefox on Linux", "Firefox on Linux", 0)
	d.Icon, d.Current, d.Method = "laptop", true, g.say.MethodPasswordTotp()
	return d
}

// many is a full house: ordinary devices, then names that try something.
func (g gallery) many() (apps, browsers []Device) {
	unknown := g.app("a3", "phone (2)", "unknown", 9*day24)
	unknown.Agent, unknown.Client, unknown.Address = g.say.DeviceUnknownApp(), "", ""
	strange := g.browser("b3", "Unknown browser", "Unknown browser", 20*day24)
	strange.Icon, strange.Address = "unknown", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"
	strange.ExpiresAt, strange.Method = g.now.Add(3*time.Hour), g.say.MethodTrustedBrowser()
	evil := g.app("a6", hostile, "phone", 40*day24)
	evil.Agent, evil.Client, evil.Address = hostile, hostile, hostile
	bound := g.app("a1", "Pixel 9", "phone", 5*time.Minute)
	bound.Bound, bound.Method = true, g.say.MethodThrough(g.say.MethodPasskey(), g.say.Program("Chrome on Android"))
	apps = []Device{
		bound, g.app("a2", "iPad", "tablet", 30*time.Hour), unknown,
		g.app("a4", longWord, "phone", 11*day24), g.app("a5", longWords, "tablet", 19*day24), evil,
		g.app("a7", rightToLeft, "phone", 50*day24), g.app("a8", override, "phone", 60*day24), g.app("a9", emoji, "phone", 70*day24),
	}
	return apps, []Device{g.current(), g.browser("b2", "Library computer", "Chrome on Windows", 3*time.Hour), strange}
}

// copied tells of the uses of a copied sign-in.
func (g gallery) copied(from string) *CopiedSignIn {
	const long = "2001:db8:85a3:1234:5678:8a2e:9370:7334"
	switch from {
	case "elsewhere":
		return &CopiedSignIn{
			Uses: []TokenUse{{Address: long, Program: "Samsung Browser on Windows Phone"}, {}}, SignedInFrom: "2001:db8:85a3:ffff:5678:8a2e:9370:7334",
		}
	case "from one address":
		return &CopiedSignIn{Uses: []TokenUse{{Address: long, SignedIn: true}, {Address: long, SignedIn: true}}}
	}
	return &CopiedSignIn{Uses: []TokenUse{{Address: "198.51.100.90", SignedIn: true}, {Address: "203.0.113.200"}}, Apart: true}
}

func (g gallery) bound() Bound {
	return Bound{Most: g.say.DurationSeconds(30), Unchecked: g.say.DurationMinutes(15)}
}

func (g gallery) filters(state string) []Filter {
	list := []Filter{
		{Text: g.say.ActivityFilterAll(), URL: "/activity"}, {Text: g.say.ActivityFilterWarnings(), URL: "/activity?kind=warnings"},
		{Text: g.say.ActivityFilterSignIns(), URL: "/activity?kind=sign-ins"}, {Text: g.say.ActivityFilterDevices(), URL: "/activity?kind=devices"},
		{Text: g.say.ActivityFilterAccount(), URL: "/activity?kind=account"},
	}
	switch state {
	case "warnings only":
		list[1].Active = true
	case "nothing of this kind":
		list[4].Active = true
	default:
		list[0].Active = true
	}
	return list
}

func (g gallery) account() []State {
	said := func(s catalog.Sentence, e Event) Event {
		e.Text, e.Names = s.Text, s.Names
		return e
	}
	events := []Event{
		said(g.say.EventSignIn("Firefox on Linux"), Event{Device: "Firefox on Linux", Page: "/devices/b1", At: g.ago(20 * time.Second), Agent: "Firefox on Linux", Address: "203.0.113.7"}),
		said(CopiedText(g.say, g.copied(""), "Pixel 9"), Event{Device: "Pixel 9", Page: "/devices/a1", Alarm: true, At: g.ago(25 * time.Minute), Address: "198.51.100.90", Copied: g.copied("")}),
		{Text: g.say.EventSignInFailedMore(83), Alarm: true, At: g.ago(3 * time.Hour)},
		{Text: g.say.EventIncidentLocked(3), Alarm: true, At: g.ago(3 * time.Hour)},
		{Text: g.say.EventSignInFailed(), Alarm: true, At: g.ago(3 * time.Hour), Agent: "Chrome on Windows", Address: "192.0.2.99"},
		{Text: g.say.EventSeenBySupport(), At: g.ago(5 * time.Hour), Reason: "Ticket 4711, caller asked to check a sign-in"},
		{Text: g.say.EventSeenBySupport(), At: g.ago(6 * time.Hour), Reason: hostileReason},
		said(g.say.EventDeviceRenamed(override, rightToLeft), Event{Device: override, Page: "/devices/a7", At: g.ago(20 * time.Hour), Address: "203.0.113.7"}),
		said(g.say.EventSignOut(breakout), Event{At: g.ago(30 * time.Hour), Agent: breakout, Address: "203.0.113.7"}),
		{Text: g.say.EventRecoveryCodeUsed(), Device: "Pixel 9", Page: "/devices/a1", Alarm: true, At: g.ago(30 * time.Hour), Address: "203.0.113.7"},
		said(g.say.EventSignIn(hostile), Event{Device: hostile, Page: "/devices/a6", At: g.ago(31 * time.Hour), Agent: hostile, Address: hostile}),
		said(g.say.EventSignIn(longWord), Event{At: g.ago(4 * day24), Agent: longWords}),
		{Text: g.say.EventAccountCreated(), At: g.ago(400 * day24)},
	}
	activity := func(name string, p ActivityPage) State {
		p.Shell, p.Now, p.Filters = g.in(g.say.ActivityTitle(), "activity"), g.now, g.filters(name)
		return State{"activity/" + name, Activity(p)}
	}
	leave := func(name string, p AccountDeletePage) State {
		p.Shell = g.in(g.say.DeleteTitle(), "security")
		return State{"security/delete " + name, AccountDelete(p)}
	}
	return []State{
		activity("empty", ActivityPage{}),
		activity("warnings only", ActivityPage{Events: events[1:3]}),
		activity("nothing of this kind", ActivityPage{}),
		activity("first page", ActivityPage{Events: events, Older: "/activity?before=7"}),
		activity("later page", ActivityPage{Events: events[5:], Older: "/activity?before=9", Newest: "/activity"}),
		{"security/own password", ChoosePassword(ChoosePasswordPage{Shell: g.in(g.say.OwnPasswordTitle(), ""), PasswordMin: 12})},
		{"security/own password refused", ChoosePassword(ChoosePasswordPage{Shell: g.in(g.say.OwnPasswordTitle(), ""), PasswordMin: 12, Next: "/activity", Problems: FormProblems{
			Summary: g.say.ChangePasswordRefused(), Fields: map[string]string{"current_password": g.say.Error("That’s not your password. Try again."), "new_password": g.say.Error("Use at least 12 characters.")}}})},
		{"security/data", AccountData(AccountDataPage{Shell: g.in(g.say.DataTitle(), "security")})},
		{"security/data refused", AccountData(AccountDataPage{Shell: g.in(g.say.DataTitle(), "security"), Problems: FormProblems{
			Summary: g.say.DataRefused(), Fields: map[string]string{"current_password": g.say.Error("That’s not your password. Try again.")},
		}})},
		leave("empty", AccountDeletePage{Mail: true, Bound: g.bound()}),
		leave("refused", AccountDeletePage{Email: hostile, Bound: Bound{Most: g.say.DurationMinutes(15)}, Problems: FormProblems{
			Summary: g.say.DeleteRefused(), Fields: map[string]string{
				"email": g.say.Error("This isn’t the e-mail address of the account you’re signed in to."), "current_password": g.say.Error("That’s not your password. Try again."),
			},
		}}),
		leave("staff", AccountDeletePage{Staff: true}),
		leave("later", AccountDeletePage{From: g.now.Add(6*day24 + 3*time.Hour)}),
	}
}
