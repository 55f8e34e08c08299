package views

import "slices"

// full is a room with as many devices of an app as there may be.
func (g gallery) full(app string, most int) Room {
	apps, _ := g.many()
	apps = apps[:most]
	slices.Reverse(apps) // longest unseen first
	return Room{Full: true, App: app, Most: most, Devices: apps}
}

// fullOfAll is a room for all apps, with devices of all names.
func (g gallery) fullOfAll(app string) Room {
	apps, _ := g.many()
	slices.Reverse(apps)
	return Room{Full: true, App: app, Most: 100, OfAll: true, Devices: apps, More: true}
}

// consents are the pages of a sign-in on an app through the browser.
func (g gallery) consents() []State {
	ask := func(name string, p ConsentPage) State {
		p.Shell, p.Request = g.in(g.say.ConsentTitle(), ""), "Zm9vYmFyYmF6cXV4"
		return State{"consent/" + name, Consent(p)}
	}
	all := ConsentGets{Who: true, Email: true, Devices: true, Act: true}
	name := g.say.ConsentDeviceDefault("Notes", "Pixel 9").String()
	refused := FormProblems{Summary: g.say.ConsentRefused(), Fields: map[string]string{
		"device_name":      g.say.Error("Enter a name for the device."),
		"current_password": g.say.Error("That’s not your password. Try again."),
	}}
	chosen := g.full("Notes", 3)
	chosen.Picked = chosen.Devices[0].ID
	unfit := ErrorPage{Shell: g.in("", ""), Status: 400, Heading: g.say.ConsentUnfit(), Text: g.say.ConsentUnfitText(), RequestID: "7K3QW2VXN5ABCDEF", Detail: "This redirect_uri is not registered for the app."}
	unfit.Title = unfit.Heading
	over := ErrorPage{Shell: g.in("", ""), Status: 410, Heading: g.say.ConsentOver(), Text: g.say.ConsentOverText()}
	over.Title = over.Heading
	return []State{
		ask("app", ConsentPage{App: "Notes", DeviceName: name, Gets: all}),
		ask("website", ConsentPage{App: "Notes", Host: "notes.example.com", DeviceName: name, Gets: ConsentGets{Who: true}}),
		ask("password", ConsentPage{App: "Notes", DeviceName: name, Gets: all, Confirm: &Confirm{}}),
		ask("second factor", ConsentPage{App: "Notes", Host: "notes.example.com", DeviceName: name, Gets: all, Confirm: &Confirm{SecondFactor: true, HasCode: true, HasApp: true, HasRecovery: true, Passkey: askedPasskey}}),
		ask("refused", ConsentPage{App: "Notes", Gets: all, Confirm: &Confirm{}, Problems: refused}),
		ask("full", ConsentPage{App: "Notes", Host: "notes.example.com", DeviceName: name, Gets: all, Room: g.full("Notes", 3)}),
		ask("full chosen", ConsentPage{App: "Notes", DeviceName: name, Gets: ConsentGets{Who: true}, Room: chosen, Confirm: &Confirm{}, Problems: FormProblems{
			Summary: g.say.ConsentRefused(), Fields: map[string]string{"current_password": g.say.Error("That’s not your password. Try again.")},
		}}),
		ask("full refused", ConsentPage{App: "Notes", DeviceName: name, Gets: all, Room: g.full("Notes", 3), Confirm: &Confirm{}, Problems: FormProblems{
			Summary: g.say.ConsentRefused(), Fields: map[string]string{"replace": g.say.Error("Choose the device to sign out."), "current_password": g.say.Error("That’s not your password. Try again.")},
		}}),
		ask("full one", ConsentPage{App: "Notes", DeviceName: name, Gets: ConsentGets{Who: true}, Room: g.full("Notes", 1)}),
		ask("full of all", ConsentPage{App: hostile, DeviceName: name, Gets: ConsentGets{Who: true}, Room: g.fullOfAll(hostile)}),
		ask("full of others", ConsentPage{App: "Notes", Room: Room{Full: true, OfAll: true, Most: 100, App: "Notes"}}),
		ask("other account", ConsentPage{App: "Notes", Other: true}),
		ask("hostile", ConsentPage{App: hostile, Host: longWord + ".example", DeviceName: hostile, Gets: all}),
		ask("long", ConsentPage{App: longWord, Host: "xn--" + longWord + ".example", DeviceName: longWords, Gets: all}),
		{"consent/back", FormPost(FormPostPage{Shell: g.in(g.say.ConsentBack(), ""), Action: "https://notes.example.com/cb", Fields: []FormPostField{{"code", "lkc_x"}, {"state", hostile}}})},
		{"consent/unfit", Error(unfit)},
		{"consent/over", Error(over)},
		{"login/to an app", Login(LoginPage{Shell: g.out(g.say.LoginTitle()), App: "Notes", Email: "leila.haddad@example.org", Passkey: askedPasskey, Next: "/authorize?request=Zm9v"})},
		{"login/to a hostile app", Login(LoginPage{Shell: g.out(g.say.LoginTitle()), App: hostile})},
	}
}
