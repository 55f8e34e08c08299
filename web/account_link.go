package web

import (
	"net/http"

	"latchkey/auth/browser"
	"latchkey/web/api"
)

// accountLink leads from an app into the account, without credentials: the browser has its own session. It changes nothing, whatever the
// action is called.
func (s *Server) accountLink(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	q := r.URL.Query()
	page, err := api.AccountPage(q.Get("action"), q.Get("device_id"))
	if err != nil {
		return err
	}
	return redirect(w, r, page)
}
