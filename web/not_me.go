package web

import (
	"net/http"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// notMeForm says what the link "This wasn't me" will do, and asks. Once it is used, the person chooses a new password here.
func (s *Server) notMeForm(w http.ResponseWriter, r *http.Request, secret string) error {
	link, err := s.accounts.FindNotMe(r.Context(), secret)
	switch {
	case err != nil && auth.AsError(err).Kind == auth.KindUsedLink && link.Locked:
		return s.renderLocked(w, r, notMeLink.at(secret), http.StatusOK, views.LockedPage{Email: link.Email, Moved: link.Moved})
	case err != nil && auth.AsError(err).Kind == auth.KindUsedLink:
		return s.unlocked(w, r, "")
	case err != nil:
		return err
	}
	page := views.NotMePage{Action: notMeLink.at(secret), Email: link.Email, Device: link.DeviceName, Since: link.Since, At: link.At}
	if link.OfFactor {
		page.Factor = &views.NotMeFactor{Gone: link.Factor.ID == uuid.Nil, App: link.Factor.Kind == models.FactorTOTP, Name: link.Factor.Name}
	}
	page.Shell = s.shell(w, r, say(r).NotMeTitle(), "")
	return render(w, r, http.StatusOK, views.NotMe(page))
}

// factorsRemoved says which factors an act removed, or "" where it removed none. gone is a models.FactorsGone.
func factorsRemoved(p catalog.Printer, gone string) string {
	g, ok := models.ParseFactorsGone(gone)
	if !ok {
		return ""
	}
	return views.FactorsRemoved(p, g.Passkeys, g.App, g.Codes)
}

// notMe signs out what the link is about and locks the password, without a sign-in.
func (s *Server) notMe(w http.ResponseWriter, r *http.Request, secret string) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	done, err := s.accounts.AnswerNotMe(r.Context(), secret, from)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return err
	}
	if err == nil {
		text := say(r).NotMeDone()
		if done.Revoked == 0 {
			text = say(r).NotMeDoneLocked()
		}
		s.cookies.leave(w, r, views.Flash{Tone: views.ToneSuccess, Text: text, Detail: factorsRemoved(say(r), done.Factors.String())})
	}
	return redirect(w, r, notMeLink.at(secret))
}

// notMePassword mails the owner of the account that was locked a link to a new password.
func (s *Server) notMePassword(w http.ResponseWriter, r *http.Request, secret string) error {
	link, err := s.accounts.FindNotMe(r.Context(), secret)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return err
	}
	return s.mailLocked(w, r, notMeLink.at(secret), views.LockedPage{Email: link.Email, Moved: link.Moved}, func(from auth.Caller) error {
		return s.accounts.ResetAfterNotMe(r.Context(), secret, from)
	})
}
