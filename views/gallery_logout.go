package views

// logouts are the pages of apps that ask for a sign-out.
func (g gallery) logouts() []State {
	in, out := g.in(g.say.ActSignOut(), ""), g.out(g.say.ActSignOut())
	const back = "https://notes.example.com/bye?state=af0ifjsldkj"
	asked := []HiddenField{{"client_id", "notes-android"}, {"post_logout_redirect_uri", "https://notes.example.com/bye"}, {"state", hostile}}
	state := func(name string, p LogoutPage) State {
		p.Action = "/oauth/logout"
		return State{"logout/" + name, Logout(p)}
	}
	return []State{
		state("app and browser", LogoutPage{Shell: in, App: "Notes", Device: "Pixel 9", Asked: asked, Return: back}),
		state("app only", LogoutPage{Shell: out, App: "Notes", Device: "Pixel 9", Asked: asked, Return: back}),
		state("app without way back", LogoutPage{Shell: out, App: "Notes", Device: "Pixel 9"}),
		state("browser only", LogoutPage{Shell: in, App: "Notes", Asked: asked, Return: back}),
		state("browser for an unknown app", LogoutPage{Shell: in}),
		state("signed out", LogoutPage{Shell: out, App: "Notes", Return: "com.example.notes:/bye"}),
		state("signed out without way back", LogoutPage{Shell: out}),
		state("done", LogoutPage{Shell: out, App: "Notes", Device: "Pixel 9", Done: true}),
		state("app done", LogoutPage{Shell: in, App: "Notes", Device: "Pixel 9", Done: true}),
		state("hostile", LogoutPage{Shell: in, App: hostile, Device: hostile}),
		state("long", LogoutPage{Shell: in, App: longWord, Device: longWord}),
		state("right to left", LogoutPage{Shell: out, App: rightToLeft, Device: override, Return: back}),
	}
}
