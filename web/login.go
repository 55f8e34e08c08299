package web

import (
	"net/http"
	"strings"
	"unicode"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/views"
	"latchkey/views/catalog"
	"latchkey/web/wire"
)

// loginForm shows the sign-in form, or goes on where a signed-in person wanted to go.
func (s *Server) loginForm(w http.ResponseWriter, r *http.Request) error {
	next := localPath(r.URL.Query().Get("next"))
	if by, err := s.session(r); err == nil {
		if by.User.MustChoosePassword() {
			return redirect(w, r, choosePasswordPath(next))
		}
		return redirect(w, r, orDevices(next))
	} else if auth.AsError(err).Kind != auth.KindSignedOut {
		return err
	}
	s.cookies.mark(w, r) // so that the form, sent twice, comes with the same mark
	return s.renderLogin(w, r, http.StatusOK, views.LoginPage{Next: next})
}

// login signs a person in on this browser, and signs out the account that was signed in before. When the form was made for
// another account, it asks once more: the person does not know that it would sign another person out.
func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, "email", "password", "next", "account")
	if err != nil {
		return err
	}
	signIn, err := s.browserLogin(w, r, p)
	if err != nil {
		return err
	}
	page := views.LoginPage{Email: printable(p["email"]), Next: localPath(p["next"])}
	if by := signIn.Replaces; by != nil {
		page.Signed = &views.Account{ID: by.User.ID.String()}
		if p["account"] != page.Signed.ID && !by.Has(p["email"]) {
			page.Problems = signedInSince(say(r), by)
			return s.renderLogin(w, r, http.StatusConflict, page)
		}
	}
	signIn.Trusted = s.cookies.trusts(r)
	key, err := s.signIn.LoginBrowser(r.Context(), signIn)
	if step := secondStep(err); step != nil {
		return s.toSecondStep(w, r, step, p["next"])
	}
	if err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		page.Problems = problems
		return s.renderLogin(w, r, status, page)
	}
	if s.signIn.PasswordIsCommon(signIn.Password) {
		s.cookies.offerPassword(w, r, key.DeviceID)
	}
	return s.welcome(w, r, key, p["next"])
}

// signedInSince says that another person has signed in on this browser since the page was opened, and what a second try does.
func signedInSince(p catalog.Printer, by *browser.Session) views.FormProblems {
	told := p.LoginOtherPerson(by.User.Email)
	return views.FormProblems{Summary: told.Text, Names: told.Names}
}

func (s *Server) renderLogin(w http.ResponseWriter, r *http.Request, status int, page views.LoginPage) error {
	start, err := s.signIn.StartPasskey()
	if err != nil {
		return err
	}
	if start.Challenge != "" {
		page.Passkey = &views.PasskeyStart{Challenge: start.Challenge, Options: string(start.PublicKey)}
	}
	s.followApp(r, &page)
	page.Shell = s.shell(w, r, say(r).LoginTitle(), "")
	if page.Email == "" && page.Flash != nil {
		page.Email = page.Flash.Email
	}
	return render(w, r, status, views.Login(page))
}

// browserLogin reads a sign-in or sign-up on this browser.
func (s *Server) browserLogin(w http.ResponseWriter, r *http.Request, p wire.Params) (browser.Login, error) {
	from, err := s.caller(r)
	if err != nil {
		return browser.Login{}, err
	}
	from.Browser = s.cookies.mark(w, r)
	replaces, err := s.session(r)
	if err != nil && auth.AsError(err).Kind != auth.KindSignedOut {
		return browser.Login{}, err
	}
	return browser.Login{Email: p["email"], Password: p["password"], From: from, Replaces: replaces}, nil
}

// welcome keeps the new sign-in and goes on.
func (s *Server) welcome(w http.ResponseWriter, r *http.Request, key browser.Key, next string) error {
	if !key.Renewed {
		if err := s.cookies.setSession(w, r, key); err != nil {
			return err
		}
	}
	switch {
	case key.ChoosePassword:
		return redirect(w, r, choosePasswordPath(localPath(next)))
	case key.SetUp:
		return s.toSetup(w, r, key.UserID, key.DeviceID, localPath(next))
	}
	return redirect(w, r, orDevices(localPath(next)))
}

func orDevices(path string) string {
	if path == "" {
		return "/devices"
	}
	return path
}

// formProblems turns a refusal into what a form shows, when a form can show it, and logs it like any other.
func (s *Server) formProblems(w http.ResponseWriter, r *http.Request, err error) (problems views.FormProblems, status int, ok bool) {
	own := auth.AsError(err)
	switch own.Kind {
	case auth.KindInvalidRequest, auth.KindInvalidCredential, auth.KindAccountDisabled, auth.KindRateLimited,
		auth.KindUnavailable, auth.KindEmailTaken, auth.KindWrongPassword, auth.KindInvalidCode, auth.KindInvalidChallenge:
	default:
		return problems, 0, false
	}
	f := s.judge(w, r, err)
	problems = views.FormProblems{Summary: say(r).Error(f.Message), Fields: map[string]string{}}
	for _, field := range f.Fields {
		if problems.Fields[field.Field] == "" {
			problems.Fields[field.Field] = say(r).Error(field.Detail)
		}
	}
	if own.Kind == auth.KindInvalidRequest && len(problems.Fields) > 0 {
		problems.Summary = "" // what is wrong stands beside the fields
	}
	if f.RetryAfter > 0 {
		problems.Summary = say(r).TextTwo(problems.Summary, waitFor(say(r), f.RetryAfter))
	}
	if f.Status == http.StatusUnauthorized {
		f.Status = http.StatusUnprocessableEntity // 401 would ask for a WWW-Authenticate that no form has
	}
	return problems, f.Status, true
}

// longestEcho is how many characters of a refused value are shown again: more than any field takes.
const longestEcho = 512

// printable is a refused value as it is shown again, to be corrected: without what cannot be shown.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	if kept := []rune(s); len(kept) > longestEcho {
		s = string(kept[:longestEcho])
	}
	return s
}
