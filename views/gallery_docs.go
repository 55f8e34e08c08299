package views

func (g gallery) docs() []State {
	of := func(title string, p DocsPage) DocsPage {
		p.Shell, p.BaseURL, p.Issuer, p.EventKinds = g.out(title), "https://id.example.com", "https://id.example.com", []string{"account_created", "sign_in", "sign_in_failed", "sign_out", "device_revoked"}
		p.WebhookTypes = []string{"user.created", "device.signed_in", "device.revoked", "user.deleted"}
		return p
	}
	keys := DocsPage{DPoPRequired: true, NonceRequired: true}
	page := func(name, kind string, p DocsPage) State {
		part, _ := DocsPartNamed(name)
		return State{"docs/" + name + kind, DocsOf(part, of(part.Title, p))}
	}
	list := []State{{"docs/all", Docs(of("API documentation", DocsPage{}))}}
	for _, part := range docsParts {
		list = append(list, page(part.Name, "", DocsPage{}))
	}
	return append(list, page("browser", " keys required", keys), page("form", " keys required", keys), page("app", " keys and nonces required", keys))
}
