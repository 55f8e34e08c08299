package web

import (
	"bytes"
	"io"
	"net/http"

	"latchkey/auth/browser"
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
	p, err := decodeOptional(&again, []string{formType}, "account")
	r.Body = io.NopCloser(&read)
	return p["account"], err
}

// otherAccount says that nothing was done, and what to do instead. A page that was opened before this program knew of the
// matter names no account.
func otherAccount(made string, by *browser.Session) error {
	if made == "" {
		return &httpError{
			status: http.StatusConflict, code: "page_out_of_date", heading: "This page is out of date",
			message: "Nothing was changed. The page was opened too long ago to tell which account it is about. Open it again, and repeat what you wanted to do.",
		}
	}
	return &httpError{
		status: http.StatusConflict, code: "other_account", heading: "Someone else is signed in here now", names: []string{by.User.Email}, backText: "Show this account's devices",
		message: "Nothing was changed. The page that you used was about another account; since it was opened, %s has signed in on this browser. If that is not you, sign out above, and sign in with your own account.",
	}
}
