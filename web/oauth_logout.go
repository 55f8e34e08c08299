package web

import (
	"cmp"
	"net/http"
	"net/url"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/logout"
	"latchkey/views"
	"latchkey/web/wire"
)

const oauthLogoutPath = "/oauth/logout"

// askedLogout are the parameters of an app that asks for a sign-out (OpenID Connect RP-Initiated Logout 1.0 §2). logout_hint, which
// is for servers with several sessions in one browser, means nothing here.
var askedLogout = []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"}

// longestLogout is how many bytes the parameters of a POST may have, to stand in the URL of a page.
const longestLogout = 12 << 10

// oauthLogoutForm asks the person whether to sign out. A GET ends nothing: any site can send a browser here.
func (s *Server) oauthLogoutForm(w http.ResponseWriter, r *http.Request) error {
	p, err := wire.DecodeQuery(r, askedLogout...)
	if err != nil {
		return err
	}
	by, err := s.logoutSession(r)
	if err != nil {
		return err
	}
	q, err := s.logouts.Ask(r.Context(), logoutRequest(p), by)
	if err != nil {
		return err
	}
	page := logoutPage(q)
	page.Action = oauthLogoutPath
	for _, name := range askedLogout {
		switch {
		case p[name] == "":
		case name == "ui_locales": // what answers the form speaks that language, too
			page.Action += "?" + url.Values{name: {p[name]}}.Encode()
		default:
			page.Asked = append(page.Asked, views.HiddenField{Name: name, Value: p[name]})
		}
	}
	formAction(w.Header(), q.Return)
	return s.renderLogout(w, r, page)
}

// oauthLogout signs out what the person chose on our page, and leads to where the app asked for. A form of another site is only a question,
// like a GET: it leads to our page.
func (s *Server) oauthLogout(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, append(askedLogout, "end", "account")...)
	if err != nil {
		return err
	}
	ends, ours := map[string]logout.Ends{"app": {App: true}, "browser": {Browser: true}, "both": {App: true, Browser: true}}[p["end"]]
	if !ours || s.checkOrigin(r) != nil {
		return redirectToLogout(w, r, p)
	}
	by, err := s.logoutSession(r)
	if err != nil {
		return err
	}
	if by != nil && p["account"] != by.User.ID.String() {
		return otherAccount(p["account"], by, logoutAddress(p))
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	q, err := s.logouts.End(r.Context(), logoutRequest(p), by, ends, from)
	if err != nil {
		return err
	}
	if by != nil && q.By == nil && q.App == nil && q.Client == nil { // nothing that was asked for can end
		return redirectToLogout(w, r, p)
	}
	if q.By != nil || by == nil {
		s.cookies.clearSession(w, r)
		request(r).session = nil
	}
	if q.Return != "" {
		w.Header().Set("Location", q.Return)
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	page := logoutPage(q)
	page.Done = true
	return s.renderLogout(w, r, page)
}

// redirectToLogout leads to the page that asks, with what another site posted. Cookies come along only there: they are SameSite=Lax.
func redirectToLogout(w http.ResponseWriter, r *http.Request, p wire.Params) error {
	address := logoutAddress(p)
	if len(address) > longestLogout {
		return &wire.Error{Status: http.StatusRequestEntityTooLarge, Code: "payload_too_large", Message: "The request is too long."}
	}
	return redirect(w, r, address)
}

// logoutAddress is the address of the page that asks, with what the app asked for.
func logoutAddress(p wire.Params) string {
	asked := url.Values{}
	for _, name := range askedLogout {
		if p[name] != "" {
			asked.Set(name, p[name])
		}
	}
	return oauthLogoutPath + "?" + asked.Encode()
}

// logoutSession is who is signed in on this browser, or nil.
func (s *Server) logoutSession(r *http.Request) (*browser.Session, error) {
	by, err := s.session(r)
	if err != nil {
		if auth.AsError(err).Kind == auth.KindSignedOut {
			err = nil
		}
		return nil, err
	}
	request(r).session = by
	s.chooseLanguage(r, by.User.Language)
	return by, nil
}

func logoutRequest(p wire.Params) logout.Request {
	return logout.Request{IDTokenHint: p["id_token_hint"], ClientID: p["client_id"], PostLogoutURI: p["post_logout_redirect_uri"], State: p["state"]}
}

func logoutPage(q logout.Question) (page views.LogoutPage) {
	page.Return = q.Return
	if q.Client != nil {
		page.App = q.Client.Name
	}
	if q.App != nil {
		page.App, page.Device = cmp.Or(page.App, q.App.ClientID), q.App.Name
	}
	return page
}

func (s *Server) renderLogout(w http.ResponseWriter, r *http.Request, page views.LogoutPage) error {
	page.Shell = s.shell(w, r, say(r).ActSignOut(), "")
	page.Languages = nil // its choice would lead back without what the app asked
	return render(w, r, http.StatusOK, views.Logout(page))
}
