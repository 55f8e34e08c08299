package web

import (
	"bytes"
	"io"
	"net/http"
	"net/url"

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
			return otherAccount(made, by, formPage(r))
		}
		return h(w, r, by)
	}
}

// peek reads fields of a form whose body can be read again.
func peek(r *http.Request, wanted ...string) (wire.Params, error) {
	var read bytes.Buffer
	again := *r
	again.Body = io.NopCloser(io.TeeReader(r.Body, &read))
	p, err := wire.DecodeOptional(&again, []string{wire.FormType}, wanted...)
	r.Body = io.NopCloser(&read)
	return p, err
}

// madeFor reads the account that a form was made for, "" when it does not say.
func madeFor(r *http.Request) (string, error) {
	p, err := peek(r, "account")
	return p["account"], err
}

// formNext reads where a form leads on to.
func formNext(r *http.Request) (string, error) {
	p, err := peek(r, "next")
	return localPath(p["next"]), err
}

// asking are the pages on which a person answers an app, each with the fields of its form that can stand in its address. The app's
// request must not be lost when the form cannot be taken yet: the app waits for an answer.
var asking = map[string][]string{
	consentPath:     {"request", "device_name"},
	deviceCodePath:  {"request", "device_name", "user_code"},
	oauthLogoutPath: askedLogout,
}

// formPage is the address of the page on which a form stands that answers an app, as it was filled in, or where another form leads on to.
// It is "" for most forms.
func formPage(r *http.Request) string {
	names := asking[r.URL.Path]
	if names == nil {
		next, _ := formNext(r) // a form that cannot be read leads nowhere
		return next
	}
	p, err := peek(r, names...)
	query := url.Values{}
	for _, name := range names {
		if p[name] != "" {
			query.Set(name, p[name])
		}
	}
	if err != nil || len(query) == 0 {
		return ""
	}
	return localPath(r.URL.Path + "?" + query.Encode())
}

// otherAccount says that nothing was done, and what to do instead: with the page that the form stood on, where there is one to go back
// to. A page that was opened before this program knew of the matter names no account.
func otherAccount(made string, by *browser.Session, back string) error {
	if made == "" {
		return &pageError{
			error: &wire.Error{Status: http.StatusConflict, Code: "page_out_of_date", Message: "the page was made before forms named their account"},
			fill: func(p catalog.Printer, page *views.ErrorPage) {
				page.Heading, page.Text, page.BackURL = p.ErrorOutOfDate(), p.ErrorOutOfDateText(), back
			},
		}
	}
	return &pageError{
		error: &wire.Error{Status: http.StatusConflict, Code: "other_account", Message: "the form was made for another account"},
		fill: func(p catalog.Printer, page *views.ErrorPage) {
			text := p.ErrorOtherAccountText(by.User.Email)
			page.Heading, page.Text, page.Names, page.BackURL = p.ErrorOtherAccount(), text.Text, text.Names, back
			if back == "" {
				page.BackText = p.ErrorOtherAccountBack()
			}
		},
	}
}
