package web

import (
	"net/http"

	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/views"
)

// setupForm leads through the set-up of a second factor.
func (s *Server) setupForm(w http.ResponseWriter, r *http.Request, by *signin.Session) error {
	page := views.SetupPage{Next: localPath(r.URL.Query().Get("next"))}
	if r.URL.Query().Get("method") == "app" && !by.User.SecondFactor {
		app, err := s.factors.StartApp(by)
		if err != nil {
			return err
		}
		page.App = appSetup(app)
	}
	return s.renderSetup(w, r, http.StatusOK, page)
}

// renderSetup shows the part that comes next: a factor, or the recovery codes. With both there is nothing left to set up.
func (s *Server) renderSetup(w http.ResponseWriter, r *http.Request, status int, page views.SetupPage) error {
	by := request(r).session
	o, err := s.factors.Overview(r.Context(), by)
	if err != nil {
		return err
	}
	if by.User.SecondFactor && o.CodesLeft > 0 {
		return redirect(w, r, orDevices(page.Next))
	}
	page.Required, page.Staff, page.Codes = s.signIn.MustSetUp(by.User), by.User.Role == models.RoleSupport, by.User.SecondFactor
	needs := s.factors.NeedsConfirmation(by)
	if page.Codes {
		needs = s.factors.CodesNeedConfirmation(by, o)
	} else if s.signIn.HasPasskeys() {
		if page.Add, err = s.startPasskey(r); err != nil {
			return err
		}
	}
	if needs {
		c, err := s.confirmPart(r, "current_password")
		if err != nil {
			return err
		}
		page.Confirm = &c
	}
	page.Shell = s.shell(w, r, "Set up two-step sign-in", "")
	return render(w, r, status, views.Setup(page))
}
