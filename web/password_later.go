package web

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/sessions"

	"latchkey/auth/browser"
)

// offerPassword lets this sign-in's pages offer a change of password. The offer has a cookie of its own, bound to the browser's
// device: the next sign-in judges its password again. A cookie that cannot be kept is not worth an error.
func (c *cookies) offerPassword(w http.ResponseWriter, r *http.Request, device uuid.UUID) {
	session := sessions.NewSession(c.session, c.prefix+"-password")
	options := *c.session.Options
	session.Options = &options
	session.Values["device"] = device.String()
	_ = c.session.Save(r, w, session)
}

// offersPassword tells whether this device's sign-in offers a change of password.
func (c *cookies) offersPassword(r *http.Request, device uuid.UUID) bool {
	name := c.prefix + "-password"
	if _, err := r.Cookie(name); err != nil {
		return false
	}
	session, err := c.session.New(r, name)
	offered, _ := session.Values["device"].(string)
	return err == nil && offered == device.String()
}

// withdrawPassword ends the offer: it was put off, or followed.
func (c *cookies) withdrawPassword(w http.ResponseWriter, r *http.Request) {
	if name := c.prefix + "-password"; hasCookie(r, name) {
		c.expire(w, name)
	}
}

func hasCookie(r *http.Request, name string) bool {
	_, err := r.Cookie(name)
	return err == nil
}

// passwordLater puts the change of a common password off until the next sign-in.
func (s *Server) passwordLater(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	p, err := decodePage(r, "next")
	if err != nil {
		return err
	}
	s.cookies.withdrawPassword(w, r)
	return redirect(w, r, orDevices(localPath(p["next"])))
}
