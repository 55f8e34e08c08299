package web

import (
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"latchkey/auth/browser"
	"latchkey/auth/factor"
	"latchkey/models"
	"latchkey/views"
)

// setupForm leads through the set-up of a second factor.
func (s *Server) setupForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	q := r.URL.Query()
	page := views.SetupPage{Next: localPath(q.Get("next")), Ticket: q.Get("ticket"), Mailed: q.Get("code") == codeMailed}
	if q.Get("method") == "app" && !by.User.SecondFactor {
		app, err := s.factors.StartApp(by)
		if err != nil {
			return err
		}
		page.App = appSetup(app)
	}
	return s.renderSetup(w, r, http.StatusOK, page)
}

// toSetup leads to the set-up of a second factor, right after a sign-in.
func (s *Server) toSetup(w http.ResponseWriter, r *http.Request, user, device uuid.UUID, next string) error {
	ticket, err := s.factors.SetUpTicket(user, device)
	if err != nil {
		return err
	}
	return redirect(w, r, withNext("/security/setup?ticket="+url.QueryEscape(ticket), next))
}

// toCodes leads to the recovery codes, right after the first factor.
func (s *Server) toCodes(w http.ResponseWriter, r *http.Request, by *browser.Session, next string) error {
	ticket, err := s.factors.CodesTicket(by.User.ID, by.Device.ID)
	if err != nil {
		return err
	}
	return redirect(w, r, withNext("/security/setup?ticket="+url.QueryEscape(ticket), next))
}

// codeMailed marks the address of the set-up page after a code was mailed.
const codeMailed = "mailed"

// setupCode mails the code that the support staff need for the set-up.
func (s *Server) setupCode(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, err := decodePage(r, "next", "method", "ticket")
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
		return s.renderSetup(w, r, status, views.SetupPage{Next: next, Ticket: p["ticket"], Problems: problems})
	}
	message := notice(views.ToneSuccess, say(r).SetupCodeSent(by.User.Email))
	message.Detail = say(r).SetupCodeSentDetail(int(factor.EnrolLife.Minutes()))
	s.cookies.leave(w, r, message)
	query := url.Values{"code": {codeMailed}}
	if next != "" {
		query.Set("next", next)
	}
	for _, name := range []string{"method", "ticket"} {
		if p[name] != "" {
			query.Set(name, p[name])
		}
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
	page.Required, page.Staff, page.Codes = s.factors.MustSetUp(by.User), by.User.Role == models.RoleSupport, by.User.SecondFactor
	page.NeedsCode, page.CanMail = s.factors.NeedsCode(by), s.factors.CanMailCode()
	needs := s.factors.NeedsConfirmation(by, page.Ticket)
	if page.Codes {
		needs = s.factors.CodesNeedConfirmation(by, o, page.Ticket)
	} else if s.factors.HasPasskeys() {
		if page.Add, err = s.startPasskey(r); err != nil {
			return err
		}
	}
	if !needs {
		page.Confirm = nil
	} else {
		c, err := s.confirmPart(r)
		if err != nil {
			return err
		}
		page.Confirm = &c
	}
	page.Shell = s.shell(w, r, say(r).SetupTitle(), "security")
	return render(w, r, status, views.Setup(page))
}
