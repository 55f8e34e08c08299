package views

func (g gallery) docs() []State {
	page := func(name string, p DocsPage) State {
		p.Shell, p.BaseURL, p.Issuer, p.EventKinds = g.out("API documentation"), "https://id.example.com", "https://id.example.com", "account_created sign_in sign_in_failed sign_out device_revoked"
		return State{"docs/" + name, Docs(p)}
	}
	return []State{
		page("usual", DocsPage{}),
		page("keys and nonces required", DocsPage{DPoPRequired: true, NonceRequired: true}),
	}
}
