package web

import (
	"net/http"

	"latchkey/auth/webhook"
	"latchkey/models"
	"latchkey/views"
	"latchkey/web/wire"
)

// docs is the first page of the manual for developers of apps. It is the same for everybody, so that caches may keep it: no message and
// it shows no one's account.
func (s *Server) docs(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", wire.PublicMaxAge)
	return render(w, r, http.StatusOK, views.Docs(s.docsPage("API documentation")))
}

// docsOf is another page of the manual, or a file of the reference clients.
func (s *Server) docsOf(w http.ResponseWriter, r *http.Request) error {
	part, ok := views.DocsPartNamed(r.PathValue("name"))
	if !ok {
		return s.docsFile(w, r)
	}
	w.Header().Set("Cache-Control", wire.PublicMaxAge)
	return render(w, r, http.StatusOK, views.DocsOf(part, s.docsPage(part.Title)))
}

func (s *Server) docsPage(title string) views.DocsPage {
	return views.DocsPage{
		Shell:   views.Shell{Title: title, SignupOpen: s.accounts.Config().SignupOpen, Assets: s.Assets(), Brand: s.Brand()},
		BaseURL: s.base, Issuer: s.apps.Issuer(), DPoPRequired: s.signIn.Config().DPoPRequired, NonceRequired: s.tokens.Config().NonceRequired, EventKinds: exportedKinds(), WebhookTypes: webhook.Types(),
	}
}

// exportedKinds are the kinds of event in an account's data: all but the last one, which is written when the account is gone.
func exportedKinds() (list []string) {
	for _, kind := range models.EventKinds {
		if kind != models.EventAccountDeleted {
			list = append(list, string(kind))
		}
	}
	return list
}
