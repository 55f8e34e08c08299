package views

func (g gallery) docs() []State {
	page := func(name string, p DocsPage) State {
		p.Shell, p.BaseURL = g.out("API documentation"), "https://id.example.com"
		return State{"docs/" + name, Docs(p)}
	}
	return []State{
		page("usual", DocsPage{}),
		page("keys and nonces required", DocsPage{DPoPRequired: true, NonceRequired: true}),
	}
}
