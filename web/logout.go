package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

// logout signs this browser out. A person who is signed out already is told the same. Where the form names a place to go on to, another
// person can sign in and go there.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	next, err := formNext(r)
	if err != nil {
		return err
	}
	by, err := s.session(r)
	if err == nil {
		request(r).session = by
		made, madeErr := madeFor(r)
		if madeErr != nil {
			return madeErr
		}
		if made != by.User.ID.String() {
			return otherAccount(made, by, next)
		}
		from, callerErr := s.caller(r)
		if callerErr != nil {
			return callerErr
		}
		err = s.browsers.SignOut(r.Context(), by, from)
	}
	if err != nil && auth.AsError(err).Kind != auth.KindSignedOut {
		return err
	}
	s.cookies.clearSession(w, r)
	s.cookies.flash(w, r, views.ToneSuccess, say(r).LogoutDone())
	return redirect(w, r, withNext("/login", next))
}
