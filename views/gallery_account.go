package views

import "time"

const day24 = 24 * time.Hour

func (g gallery) browser(id, name, agent string, seen time.Duration) Device {
	return Device{
		ID: id, Name: name, Icon: "browser", Agent: agent, Address: "203.0.113.7",
		CreatedAt: g.ago(seen + 12*day24), LastSeenAt: g.ago(seen), ExpiresAt: g.now.Add(18 * day24),
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
	d.Icon, d.Current = "laptop", true
	return d
}

// many is a full house: ordinary devices, then names that try something.
func (g gallery) many() (apps, browsers []Device) {
	unknown := g.app("a3", "phone (2)", "unknown", 9*day24)
	unknown.Agent, unknown.Client, unknown.Address = "Unknown app", "", ""
	strange := g.browser("b3", "Unknown browser", "Unknown browser", 20*day24)
	strange.Icon, strange.Address = "unknown", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"
	strange.ExpiresAt = g.now.Add(3 * time.Hour)
	evil := g.app("a6", hostile, "phone", 40*day24)
	evil.Agent, evil.Client, evil.Address = hostile, hostile, hostile
	bound := g.app("a1", "Pixel 9", "phone", 5*time.Minute)
	bound.Bound = true
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
		p.Shell, p.Now = g.in("Devices", "devices"), g.now
		p.Flash = flash
		return State{"devices/" + name, Devices(p)}
	}
	alone := []Device{g.current()}
	refused := &RenameRefusal{DeviceID: "a1", Value: "iPad", Problem: "You have a device of that name already."}
	evil := &RenameRefusal{DeviceID: "b2", Value: hostile, Problem: hostile}
	said := func(tone Tone, text string) Shell { return Shell{Flash: &Flash{Tone: tone, Text: text}} }
	return []State{
		page("alone", DevicesPage{Browsers: alone}),
		page("a few", DevicesPage{Apps: apps[:2], Browsers: browsers[:2], Others: 3}),
		page("many", DevicesPage{Apps: apps, Browsers: browsers, Others: 11}),
		page("none", DevicesPage{}),
		page("signed out one", DevicesPage{Shell: said(ToneSuccess, "Signed out Pixel 9."), Apps: apps[1:2], Browsers: alone, Others: 1}),
		page("told", DevicesPage{Shell: said(ToneInfo, "That device was signed out already."), Browsers: alone}),
		page("failed", DevicesPage{Shell: said(ToneError, "Nothing was changed: "+hostile), Browsers: alone}),
		page("rename refused", DevicesPage{Apps: apps[:2], Browsers: browsers[:2], Others: 3, Rename: refused}),
		page("rename hostile", DevicesPage{Apps: apps[:2], Browsers: browsers[:2], Others: 3, Rename: evil}),
	}
}

func (g gallery) questions() []State {
	apps, browsers := g.many()
	one := func(name string, d Device) State {
		return State{"revoke/" + name, Revoke(RevokePage{Shell: g.in("Sign out a device", "devices"), Now: g.now, Device: d, AccessTTL: "15 minutes"})}
	}
	others := func(name string, devices []Device) State {
		return State{"revoke others/" + name, RevokeOthers(RevokeOthersPage{
			Shell: g.in("Sign out all other devices", "devices"), Now: g.now, Devices: devices, AccessTTL: "15 minutes",
		})}
	}
	return []State{
		one("app", apps[0]), one("browser", browsers[1]), one("this browser", browsers[0]),
		one("hostile", apps[5]), one("long", apps[3]), one("right to left", apps[6]),
		others("none", nil), others("one browser", browsers[1:2]), others("many", append(apps, browsers[1:]...)),
	}
}

func (g gallery) account() []State {
	events := []Event{
		{Text: "Signed in on Firefox on Linux", At: g.ago(20 * time.Second), Agent: "Firefox on Linux", Address: "203.0.113.7"},
		{Text: "Signed out Pixel 9: its token was used twice, which only a copy explains", Alarm: true, At: g.ago(25 * time.Minute), Agent: "Notes 4.2 on Android", Address: "192.0.2.99"},
		{Text: "Wrong password", Alarm: true, At: g.ago(3 * time.Hour), Agent: "Chrome on Windows", Address: "192.0.2.99"},
		{Text: "Renamed iPad to " + rightToLeft, At: g.ago(20 * time.Hour), Address: "203.0.113.7"},
		{Text: "Signed in on " + hostile, At: g.ago(31 * time.Hour), Agent: hostile, Address: hostile},
		{Text: "Signed in on " + longWord, At: g.ago(4 * day24), Agent: longWords},
		{Text: "Account created", At: g.ago(400 * day24)},
	}
	activity := func(name string, p ActivityPage) State {
		p.Shell, p.Now = g.in("Activity", "activity"), g.now
		return State{"activity/" + name, Activity(p)}
	}
	security := func(name string, p FormProblems) State {
		return State{"security/" + name, Security(SecurityPage{Shell: g.in("Security", "security"), PasswordMin: 12, Problems: p})}
	}
	wrong := FormProblems{Summary: "Your password was not changed.", Fields: map[string]string{
		"current_password": "This is not your current password.",
		"new_password":     "At least 12 characters are needed.",
	}}
	return []State{
		activity("empty", ActivityPage{}),
		activity("first page", ActivityPage{Events: events, Older: "/activity?before=7"}),
		activity("later page", ActivityPage{Events: events[4:], Older: "/activity?before=9", Newest: "/activity"}),
		security("empty", FormProblems{}),
		security("refused", wrong),
	}
}
