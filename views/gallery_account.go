package views

import (
	"strings"
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
	unknown.Agent, unknown.Client, unknown.Address = "Unknown app", "", ""
	strange := g.browser("b3", "Unknown browser", "Unknown browser", 20*day24)
	strange.Icon, strange.Address = "unknown", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"
	strange.ExpiresAt, strange.Method = g.now.Add(3*time.Hour), g.say.MethodTrustedBrowser()
	evil := g.app("a6", hostile, "phone", 40*day24)
	evil.Agent, evil.Client, evil.Address = hostile, hostile, hostile
	bound := g.app("a1", "Pixel 9", "phone", 5*time.Minute)
	bound.Bound, bound.Method = true, g.say.MethodPasskey()
	apps = []Device{
		bound, g.app("a2", "iPad", "tablet", 30*time.Hour), unknown,
		g.app("a4", longWord, "phone", 11*day24), g.app("a5", longWords, "tablet", 19*day24), evil,
		g.app("a7", rightToLeft, "phone", 50*day24), g.app("a8", override, "phone", 60*day24), g.app("a9", emoji, "phone", 70*day24),
	}
	return apps, []Device{g.current(), g.browser("b2", "Library computer", "Chrome on Windows", 3*time.Hour), strange}
}

func (g gallery) devices() []State {
	apps, browsers := g.many()
	page := func(name string, p DevicesPage) State {
		flash := p.Flash
		p.Shell, p.Now = g.in(g.say.DevicesTitle(), "devices"), g.now
		p.Flash = flash
		if strings.HasPrefix(name, "common password") {
			p.PasswordOffer = "/devices"
		}
		return State{"devices/" + name, Devices(p)}
	}
	alone, done := []Device{g.current()}, g.say.RevokeDone("Pixel 9")
	turned := g.app("a10", breakout, "phone", 80*day24)
	turned.Client, turned.Agent = breakout, breakout
	refused := &RenameRefusal{DeviceID: "a1", Value: "iPad", Problem: g.say.Error("Enter at most 64 characters.")}
	evil := &RenameRefusal{DeviceID: "b2", Value: hostile, Problem: hostile}
	told := func(tone Tone, text string) Shell { return Shell{Flash: &Flash{Tone: tone, Text: text}} }
	return []State{
		page("alone", DevicesPage{Browsers: alone}),
		page("a few", DevicesPage{Apps: apps[:2], Browsers: browsers[:2], Others: 3}),
		page("many", DevicesPage{Apps: apps, Browsers: browsers, Others: 11}),
		page("turned around", DevicesPage{Apps: []Device{turned, apps[7]}, Browsers: alone, Others: 2}),
		page("none", DevicesPage{}),
		page("signed out one", DevicesPage{Shell: Shell{Flash: &Flash{
			Tone: ToneSuccess, Text: done.Text, Names: done.Names, Detail: g.say.RevokeDoneApp(g.bound().Most, g.bound().Unchecked),
		}}, Apps: apps[1:2], Browsers: alone, Others: 1}),
		page("new account", DevicesPage{Shell: Shell{Flash: &Flash{
			Tone: ToneSuccess, Text: g.say.SignupWelcome(), Next: &Link{URL: "/security/setup", Text: g.say.SecuritySetUp()},
		}}, Browsers: alone}),
		page("told", DevicesPage{Shell: told(ToneInfo, g.say.OthersNotice()), Browsers: alone}),
		page("failed", DevicesPage{Shell: told(ToneError, hostile), Browsers: alone}),
		page("common password", DevicesPage{Apps: apps[:2], Browsers: browsers[:2], Others: 3}),
		page("common password and a message", DevicesPage{Shell: told(ToneSuccess, g.say.OwnPasswordDone()), Browsers: alone}),
		page("rename refused", DevicesPage{Apps: apps[:2], Browsers: browsers[:2], Others: 3, Rename: refused}),
		page("rename hostile", DevicesPage{Apps: apps[:2], Browsers: browsers[:2], Others: 3, Rename: evil}),
	}
}

// warnings are the devices page with what has gone wrong.
func (g gallery) warnings() []State {
	apps, browsers := g.many()
	page := func(name string, ended []Ended, alerts ...Alert) State {
		return State{"devices/" + name, Devices(DevicesPage{
			Shell: g.in(g.say.DevicesTitle(), "devices"), Now: g.now, Apps: apps[:2], Browsers: browsers[:2], Others: 3,
			Ended: ended, Alerts: alerts, AlertsSeen: "1762178709000000",
		})}
	}
	end := func(name, icon, reason string, since time.Duration) Ended {
		return Ended{Name: name, Icon: icon, Reason: reason, At: g.ago(since)}
	}
	stolen := end("old phone", "phone", g.say.EndReuse(), 25*time.Minute)
	stolen.Alarm = true
	theft := Alert{Theft: true, Device: "old phone", ID: "a5", At: g.ago(25 * time.Minute), Address: "198.51.100.90", Copied: g.copied("where the owner signed in")}
	evil := Alert{Theft: true, Device: hostile, ID: "a6", At: g.ago(30 * time.Hour), Copied: g.copied("elsewhere")}
	odd := Alert{Theft: true, Device: override, ID: "a8", At: g.ago(50 * time.Hour), Copied: g.copied("from one address")}
	before := Alert{Theft: true, Device: longWord, ID: "a9", At: g.ago(60 * time.Hour), Address: "192.0.2.99"}
	longest := Alert{Theft: true, Device: longWord, ID: "a9", At: g.ago(3 * time.Minute), Copied: g.copied("elsewhere")}
	fork := Alert{Device: "Pixel 9", ID: "a1", At: g.ago(4 * time.Hour), Address: "198.51.100.23"}
	return []State{
		page("a theft", []Ended{stolen}, theft),
		page("thefts and more", []Ended{stolen}, fork, longest, evil, odd, before),
		page("lost answers", nil, fork),
		page("signed out lately", []Ended{
			stolen, end("Pixel 7", "phone", g.say.EndOwner(), 2*time.Hour),
			end("Chrome on Windows", "laptop", g.say.EndSignOut(), 9*time.Hour),
			end("Library computer", "browser", g.say.EndIdle(), 30*time.Hour),
			end(longWord, "tablet", g.say.EndPassword(), 5*day24),
			end(hostile, "unknown", g.say.EndOperator(), 6*day24),
			end(rightToLeft, "phone", g.say.EndExpired(), 7*day24),
			end(breakout, "phone", g.say.EndOwner(), 8*day24),
			end(invisibleName, "phone", g.say.EndReplaced(), 20*day24),
		}),
	}
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
	return Bound{Most: g.say.DurationSeconds(32), Unchecked: g.say.DurationMinutes(15)}
}

func (g gallery) questions() []State {
	apps, browsers := g.many()
	one := func(name string, d Device) State {
		return State{"revoke/" + name, Revoke(RevokePage{Shell: g.in(g.say.RevokeTitle(), "devices"), Now: g.now, Device: d, Bound: g.bound()})}
	}
	unknown := func(name string, d Device) State {
		return State{"revoke/" + name, Revoke(RevokePage{Shell: g.in(g.say.RevokeTitle(), "devices"), Now: g.now, Device: d, Unknown: true, Bound: g.bound()})}
	}
	others := func(name string, devices []Device) State {
		return State{"revoke others/" + name, RevokeOthers(RevokeOthersPage{
			Shell: g.in(g.say.OthersTitle(), "devices"), Now: g.now, Devices: devices, Bound: g.bound(),
		})}
	}
	return []State{
		one("app", apps[0]), {"revoke/without lists", Revoke(RevokePage{
			Shell: g.in(g.say.RevokeTitle(), "devices"), Now: g.now, Device: apps[1], Bound: Bound{Most: g.say.DurationMinutes(15)},
		})}, one("browser", browsers[1]), one("this browser", browsers[0]),
		one("hostile", apps[5]), one("long", apps[3]), one("right to left", apps[6]),
		unknown("unknown app", apps[0]), unknown("unknown browser", browsers[1]),
		others("none", nil), others("one browser", browsers[1:2]), others("many", append(apps, browsers[1:]...)),
	}
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
		said(g.say.EventSignIn("Firefox on Linux"), Event{At: g.ago(20 * time.Second), Agent: "Firefox on Linux", Address: "203.0.113.7"}),
		said(CopiedText(g.say, g.copied(""), "Pixel 9"), Event{Alarm: true, At: g.ago(25 * time.Minute), Address: "198.51.100.90", Copied: g.copied("")}),
		{Text: g.say.EventSignInFailedMore(83), Alarm: true, At: g.ago(3 * time.Hour)},
		{Text: g.say.EventSignInFailed(), Alarm: true, At: g.ago(3 * time.Hour), Agent: "Chrome on Windows", Address: "192.0.2.99"},
		said(g.say.EventDeviceRenamed(override, rightToLeft), Event{At: g.ago(20 * time.Hour), Address: "203.0.113.7"}),
		said(g.say.EventSignOut(breakout), Event{At: g.ago(30 * time.Hour), Agent: breakout, Address: "203.0.113.7"}),
		said(g.say.EventSignIn(hostile), Event{At: g.ago(31 * time.Hour), Agent: hostile, Address: hostile}),
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
		activity("later page", ActivityPage{Events: events[4:], Older: "/activity?before=9", Newest: "/activity"}),
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
