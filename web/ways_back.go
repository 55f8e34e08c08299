package web

import (
	"net/http"

	"latchkey/auth/browser"
	"latchkey/views"
)

// waysBack shows the open ways back.
func (s *Server) waysBack(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	return s.renderWaysBack(w, r, http.StatusOK, views.WaysBackPage{})
}

// waysBackEnd ends the ways back that the person may end.
func (s *Server) waysBackEnd(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	_, c, err := s.decodeConfirmed(w, r, "current_password")
	if err != nil {
		return err
	}
	ended, err := s.addresses.EndWaysBack(r.Context(), by, c)
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).FormerRefused())
		if !ok {
			return err
		}
		return s.renderWaysBack(w, r, status, views.WaysBackPage{Problems: problems})
	}
	if ended == 0 {
		s.cookies.flash(w, r, views.ToneInfo, say(r).FormerNothing())
	} else {
		s.cookies.flash(w, r, views.ToneSuccess, say(r).FormerDone())
	}
	return redirect(w, r, "/security/ways-back")
}

func (s *Server) renderWaysBack(w http.ResponseWriter, r *http.Request, status int, page views.WaysBackPage) error {
	ways, err := s.addresses.WaysBack(r.Context(), request(r).session)
	if err != nil {
		return err
	}
	for _, way := range ways {
		page.WaysBack = append(page.WaysBack, views.WayBack{Email: way.Email, Until: way.Until})
		page.CanEnd = page.CanEnd || way.Later
	}
	if page.CanEnd {
		if page.Confirm, err = s.confirmPart(r); err != nil {
			return err
		}
	}
	page.Shell = s.shell(w, r, say(r).FormerTitle(), "security")
	return render(w, r, status, views.WaysBack(page))
}
