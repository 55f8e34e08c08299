package web

import (
	"bytes"
	"io"
	"net/http"

	"latchkey/auth/browser"
	"latchkey/views"
	"latchkey/views/catalog"
	"latchkey/web/wire"
)

// form is signedIn for what a page's form sends. It refuses a form that was made for another account: another person may
// have signed in on this browser since that page was opened.
func (s *Server) form(h func(w http.ResponseWriter, r *http.Request, by *browser.Session) error) http.Handler {
	return s.signedIn(ownForm(h))
}

// anyPasswordForm is form for what people with a generated password can do as well.
func (s *Server) anyPasswordForm(h func(w http.ResponseWriter, r *http.Request, by *browser.Session) error) http.Handler {
	return s.anyPassword(ownForm(h))
}

// setUpForm is form for what people can do who must set up a second factor.
func (s *Server) setUpForm(h func(w http.ResponseWriter, r *http.Request, by *browser.Session) error) http.Handler {
	return s.setUp(ownForm(h))
}

// supportForm is form for the support staff.
func (s *Server) supportForm(h func(w http.ResponseWriter, r *http.Request, by *browser.Session) error) http.Handler {
	return s.supportOnly(ownForm(h))
}

func ownForm(h func(w http.ResponseWriter, r *http.Request, by *browser.Session) error) func(http.ResponseWriter, *http.Request, *browser.Session) error {
	return func(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
		made, err := madeFor(r)
		if err != nil {
			return err
		}
		if made != by.User.ID.String() {
			return otherAccount(made, by)
		}
		return h(w, r, by)
	}
}

// madeFor reads the account that a form was made for, "" when it does not say. The body can be read again.
func madeFor(r *http.Request) (string, error) {
	var read bytes.Buffer
	again := *r
	again.Body = io.NopCloser(io.TeeReader(r.Body, &read))
	p, err := wire.DecodeOptional(&again, []string{wire.FormType}, "account")
	r.Body = io.NopCloser(&read)
	return p["account"], err
}

// formNext reads where a form leads on to. The body can be read again.
func formNext(r *http.Request) (string, error) {
	var read bytes.Buffer
	again := *r
	again.Body = io.NopCloser(io.TeeReader(r.Body, &read))
	p, err := wire.DecodeOptional(&again, []string{wire.FormType}, "next")
	r.Body = io.NopCloser(&read)
	return localPath(p["next"]), err
}

// otherAccount says that nothing was done, and what to do instead. A page that was opened before this program knew of the
// matter names no account.
func otherAccount(made string, by *browser.Session) error {
	if made == "" {
		return &pageError{
			error: &wire.Error{Status: http.StatusConflict, Code: "page_out_of_date", Message: "the page was made before forms named their account"},
			fill: func(p catalog.Printer, page *views.ErrorPage) {
				page.Heading, page.Text = p.ErrorOutOfDate(), p.ErrorOutOfDateText()
			},
		}
	}
	return &pageError{
		error: &wire.Error{Status: http.StatusConflict, Code: "other_account", Message: "the form was made for another account"},
		fill: func(p catalog.Printer, page *views.ErrorPage) {
			text := p.ErrorOtherAccountText(by.User.Email)
			page.Heading, page.Text, page.Names, page.BackText = p.ErrorOtherAccount(), text.Text, text.Names, p.ErrorOtherAccountBack()
		},
	}
}
