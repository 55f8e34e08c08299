package web

import (
	"fmt"
	"net/http"
	"net/url"

	"latchkey/auth/factor"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/views"
)

// setupForm leads through the set-up of a second factor.
func (s *Server) setupForm(w http.ResponseWriter, r *http.Request, by *signin.Session) error {
	page := views.SetupPage{Next: localPath(r.URL.Query().Get("next")), Mailed: r.URL.Query().Get("code") == codeMailed}
	if r.URL.Query().Get("method") == "app" && !by.User.SecondFactor {
		app, err := s.factors.StartApp(by)
		if err != nil {
			return err
		}
		page.App = appSetup(app)
	}
	return s.renderSetup(w, r, http.StatusOK, page)
}

// codeMailed marks the address of the set-up page after a code was mailed.
const codeMailed = "mailed"

// setupCode mails the code that the support staff need for the set-up.
func (s *Server) setupCode(w http.ResponseWriter, r *http.Request, by *signin.Session) error {
	p, err := decodePage(r, "next", "method")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	next := localPath(p["next"])
	if err := s.factors.MailCode(r.Context(), by, from); err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		return s.renderSetup(w, r, status, views.SetupPage{Next: next, Problems: problems})
	}
	s.cookies.leave(w, r, views.Flash{Tone: views.ToneSuccess, Text: "We have mailed a code to %s.", Names: []string{by.User.Email}, Detail: fmt.Sprintf("It is good for %d minutes.", int(factor.EnrolLife.Minutes()))})
	query := url.Values{"code": {codeMailed}}
	if next != "" {
		query.Set("next", next)
	}
	if p["method"] == "app" {
		query.Set("method", "app")
	}
	return redirect(w, r, "/security/setup?"+query.Encode())
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
	page.NeedsCode, page.CanMail = s.factors.NeedsCode(by), s.factors.CanMailCode()
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
	page.Shell = s.shell(w, r, "Protect your account", "")
	return render(w, r, status, views.Setup(page))
}
