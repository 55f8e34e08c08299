package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/views"
)

// recoveryCodes tells how many recovery codes are left, and offers new ones.
func (s *Server) recoveryCodes(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	return s.renderCodes(w, r, http.StatusOK, views.FormProblems{})
}

// recoveryCodesMake makes new recovery codes and shows them, this once.
func (s *Server) recoveryCodesMake(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "guided", "next")
	if err != nil {
		return err
	}
	o, err := s.factors.Overview(r.Context(), by)
	if err != nil {
		return err
	}
	codes, err := s.factors.NewCodes(r.Context(), by, c, c.From)
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).CodesRefused())
		if auth.AsError(err).Kind == auth.KindNotAllowed || !ok {
			return err
		}
		if p["guided"] != "" {
			return s.renderSetup(w, r, status, views.SetupPage{Ticket: p["ticket"], Next: localPath(p["next"]), Problems: problems})
		}
		return s.renderCodes(w, r, status, problems)
	}
	page := views.RecoveryCodesPage{Codes: codes, MadeAt: by.Device.LastSeenAt, Replaced: o.CodesLeft > 0, Next: localPath(p["next"])}
	page.Shell = s.shell(w, r, say(r).CodesTitle(), "security")
	w.Header().Set("Cache-Control", "no-store")
	return render(w, r, http.StatusOK, views.RecoveryCodes(page))
}

func (s *Server) renderCodes(w http.ResponseWriter, r *http.Request, status int, problems views.FormProblems) error {
	by := request(r).session
	o, err := s.factors.Overview(r.Context(), by)
	if err != nil {
		return err
	}
	page := views.CodesPage{Now: by.Device.LastSeenAt, SecondStep: by.User.SecondFactor, Left: o.CodesLeft, MadeAt: o.CodesMadeAt, Problems: problems}
	if page.Confirm, err = s.confirmPart(r); err != nil {
		return err
	}
	page.Shell = s.shell(w, r, say(r).CodesTitle(), "security")
	return render(w, r, status, views.Codes(page))
}
