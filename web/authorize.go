package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/grant"
	"latchkey/views"
	"latchkey/views/catalog"
	"latchkey/web/api"
	"latchkey/web/wire"
)

// consentPath is the page that asks a signed-in person about an authorization request.
const consentPath = "/authorize"

// authorize is the authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): it checks the request and leads to the page that asks the
// person. With prompt=none it answers at once. It changes nothing else, so other sites may post to it.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) error {
	p, err := authorizeParams(r)
	if err != nil {
		return unfit(err)
	}
	q, err := s.authorizeRequest(r, p)
	if err != nil {
		return s.refuseGrant(w, r, err)
	}
	if q.Asks(grant.PromptNone) {
		return s.authorizeSilently(w, r, q)
	}
	path := consentPath + "?request=" + q.Text
	if q.Locales != "" {
		path += "&ui_locales=" + url.QueryEscape(q.Locales)
	}
	return redirect(w, r, path)
}

// authorizeParams reads the parameters from the query or, of a POST, from the body (OpenID Connect Core §3.1.2.1).
func authorizeParams(r *http.Request) (p grant.Params, err error) {
	sent, err := url.ParseQuery(r.URL.RawQuery)
	if r.Method == http.MethodPost {
		if err = r.ParseForm(); err == nil {
			sent = r.PostForm
		}
	}
	if err != nil {
		return p, wire.BadBody("The parameters aren’t well-formed.", nil)
	}
	for _, name := range grant.InstallationNames {
		if sent.Has(name) {
			return p, auth.InvalidField(name, "Push it, or send it with the token request: it never goes into a URL.")
		}
	}
	p.Values = map[string]string{}
	for _, name := range grant.Names {
		switch list := sent[name]; len(list) {
		case 0:
		case 1:
			p.Values[name] = list[0]
		default:
			p.Values[name], p.Repeated = list[0], append(p.Repeated, name)
		}
	}
	return p, nil
}

func (s *Server) authorizeRequest(r *http.Request, p grant.Params) (q grant.Sealed, err error) {
	if grant.IsPushed(p) {
		return s.grants.Pushed(r.Context(), p)
	}
	checked, err := s.grants.Check(r.Context(), p)
	if err != nil {
		return q, err
	}
	return s.grants.Seal(checked)
}

func (s *Server) authorizeSilently(w http.ResponseWriter, r *http.Request, q grant.Sealed) error {
	by, err := s.session(r)
	if err != nil && auth.AsError(err).Kind != auth.KindSignedOut {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	name, err := s.deviceNameFor(r, q.Request)
	if err != nil {
		return s.refuseGrant(w, r, err)
	}
	code, err := s.grants.Silent(r.Context(), q, by, name, from)
	if err != nil {
		return s.refuseGrant(w, r, err)
	}
	return s.answerGrant(w, r, code.Request, views.FormPostField{Name: "code", Value: code.Text})
}

// consentForm asks a signed-in person whether the app may sign in.
func (s *Server) consentForm(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	q, err := s.grants.Open(r.Context(), r.URL.Query().Get("request"))
	if err != nil {
		return s.refuseConsent(w, r, err)
	}
	s.wishLanguages(r, q.Locales)
	name, err := s.deviceNameFor(r, q.Request)
	if err != nil {
		return s.refuseGrant(w, r, err)
	}
	return s.renderConsent(w, r, http.StatusOK, q, views.ConsentPage{DeviceName: typedName(r, name)})
}

// typedName is the device name that a person typed before the session ended, or else a suggestion.
func typedName(r *http.Request, suggested string) string {
	if typed, problem := auth.DeviceName(r.URL.Query().Get("device_name")); problem == "" {
		return typed
	}
	return suggested
}

// followApp tells on the sign-in form which app the person goes on to, in the language that it asked for, and fills in whom it expects. An app
// that leads into the account may name that person, too.
func (s *Server) followApp(r *http.Request, page *views.LoginPage) {
	next, err := url.Parse(page.Next)
	if err == nil && next.Path == api.AccountPath && page.Email == "" {
		page.Email = printable(next.Query().Get("login_hint"))
	}
	if err != nil || next.Path != consentPath {
		return
	}
	q, c, err := s.grants.Waiting(r.Context(), next.Query().Get("request"))
	if err != nil {
		return // the next page tells
	}
	page.App = cmp.Or(c.Name, c.ID)
	if page.Email == "" {
		page.Email = q.LoginHint
	}
	s.wishLanguages(r, q.Locales)
}

// consent takes the person's answer, and leads back to the app with it.
func (s *Server) consent(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "request", "device_name", "replace", "choice")
	if err != nil {
		return err
	}
	if q, _, err := s.grants.Waiting(r.Context(), p["request"]); err == nil {
		s.wishLanguages(r, q.Locales)
	}
	if p["choice"] != "allow" {
		return s.refuseConsent(w, r, s.grants.Deny(r.Context(), p["request"]))
	}
	code, err := s.grants.Approve(r.Context(), by, grant.Approval{Sealed: p["request"], DeviceName: p["device_name"], Replace: p["replace"], Confirmation: c, From: c.From})
	if err == nil {
		return s.answerGrant(w, r, code.Request, views.FormPostField{Name: "code", Value: code.Text})
	}
	if refusal := (*grant.Refusal)(nil); errors.As(err, &refusal) {
		return s.refuseConsent(w, r, err)
	}
	if auth.AsError(err).Kind == auth.KindTooManyDevices { // since the page was opened
		return redirect(w, r, consentPath+"?request="+url.QueryEscape(p["request"]))
	}
	problems, status, ok := s.refusedAct(w, r, err, c, say(r).ConsentRefused())
	if !ok {
		return s.refuseGrant(w, r, err)
	}
	q, err := s.grants.Open(r.Context(), p["request"])
	if err != nil {
		return s.refuseGrant(w, r, err)
	}
	return s.renderConsent(w, r, status, q, views.ConsentPage{DeviceName: printable(p["device_name"]), Room: views.Room{Picked: p["replace"]}, Problems: problems})
}

func (s *Server) renderConsent(w http.ResponseWriter, r *http.Request, status int, q grant.Sealed, page views.ConsentPage) error {
	by := request(r).session
	c, err := s.grants.Client(r.Context(), q.Request)
	if err != nil {
		return s.refuseGrant(w, r, err)
	}
	page.Other = !q.Expects(by)
	if !page.Other && s.grants.NeedsProof(q.Request, c, by) {
		part, err := s.confirmPart(r)
		if err != nil {
			return err
		}
		page.Confirm = &part
	}
	if !page.Other {
		if page.Room, err = s.roomPart(r, c, page.Room.Picked); err != nil {
			return err
		}
	}
	page.App, page.Request = cmp.Or(c.Name, c.ID), q.Text
	if u, err := url.Parse(q.RedirectURI); err == nil && u.Scheme == "https" {
		page.Host = u.Host
	}
	page.Gets = consentGets(c, q.Scope)
	page.Shell = s.shell(w, r, say(r).ConsentTitle(), "")
	formAction(w.Header(), q.RedirectURI)
	return render(w, r, status, views.Consent(page))
}

// deviceNameFor is the name that the app gets unless the person types another: what the app suggests, or the app's own name with what the
// browser runs on.
func (s *Server) deviceNameFor(r *http.Request, q grant.Request) (string, error) {
	if q.DeviceName != "" {
		return q.DeviceName, nil
	}
	c, err := s.grants.Client(r.Context(), q)
	if err != nil {
		return "", err
	}
	name := cmp.Or(c.Name, c.ID)
	if on := auth.DescribeAgent(auth.CleanAgent(r.UserAgent())).Device; on != "" {
		name = say(r).ConsentDeviceDefault(name, on).String()
	}
	if long := []rune(name); len(long) > auth.MaxDeviceName {
		name = string(long[:auth.MaxDeviceName])
	}
	return name, nil
}

// refuseGrant answers an authorization request that was refused: at the app's redirect URI, once that is certain, and with a page before
// (RFC 6749 §4.1.2.1).
func (s *Server) refuseGrant(w http.ResponseWriter, r *http.Request, err error) error {
	if refusal := (*grant.Refusal)(nil); errors.As(err, &refusal) {
		return s.answerGrant(w, r, refusal.Request, views.FormPostField{Name: "error", Value: refusal.Code},
			views.FormPostField{Name: "error_description", Value: refusal.Description})
	}
	switch auth.AsError(err).Kind {
	case auth.KindInvalidRequest, auth.KindUnauthorizedClient, auth.KindDeadLink:
		return unfit(err)
	default:
		return err
	}
}

// refuseConsent is refuseGrant for the page that asks the person. To a request that was answered, or is too old, the person comes by going
// back: the app has its answer, and gets no second one.
func (s *Server) refuseConsent(w http.ResponseWriter, r *http.Request, err error) error {
	if refusal := (*grant.Refusal)(nil); errors.As(err, &refusal) && refusal.Code == grant.ErrRequestURI {
		return &pageError{
			error: &wire.Error{Status: http.StatusGone, Code: "link_dead", Message: "The authorization request was answered or is too old.", Cause: err},
			fill: func(p catalog.Printer, page *views.ErrorPage) {
				page.Heading, page.Text = p.ConsentOver(), p.ConsentOverText()
			},
		}
	}
	return s.refuseGrant(w, r, err)
}

// unfit is the page about a request that cannot be answered at the app. What is wrong with it stands there for the app's developers.
func unfit(err error) error {
	own, detail := auth.AsError(err), ""
	if protocol := (*wire.Error)(nil); errors.As(err, &protocol) {
		detail = protocol.Message
	} else if own.Kind != auth.KindDeadLink {
		detail = own.Message
	}
	if len(own.Fields) > 0 {
		detail = own.Fields[0].Field + ": " + own.Fields[0].Detail
	}
	return &pageError{
		error: &wire.Error{Status: http.StatusBadRequest, Code: "invalid_request", Message: "The authorization request was refused.", Cause: err},
		fill: func(p catalog.Printer, page *views.ErrorPage) {
			page.Heading, page.Text, page.Detail = p.ConsentUnfit(), p.ConsentUnfitText(), detail
		},
	}
}

// answerGrant leads back to the app (RFC 6749 §4.1.2, RFC 9207). The URI was checked: it is the client's.
func (s *Server) answerGrant(w http.ResponseWriter, r *http.Request, q grant.Request, fields ...views.FormPostField) error {
	if q.State != "" {
		fields = append(fields, views.FormPostField{Name: "state", Value: q.State})
	}
	fields = append(fields, views.FormPostField{Name: "iss", Value: s.apps.Issuer()})
	if q.Mode == grant.ModeFormPost {
		formAction(w.Header(), q.RedirectURI)
		page := views.FormPostPage{Shell: s.shell(w, r, say(r).ConsentBack(), ""), Action: q.RedirectURI, Fields: fields, Go: true}
		return render(w, r, http.StatusOK, views.FormPost(page))
	}
	answer := url.Values{}
	for _, f := range fields {
		answer.Set(f.Name, f.Value)
	}
	joint := "?"
	if strings.Contains(q.RedirectURI, joint) {
		joint = "&"
	}
	w.Header().Set("Location", q.RedirectURI+joint+answer.Encode())
	w.WriteHeader(http.StatusSeeOther) // not 307, which would post a password on (RFC 9700 §4.12)
	return nil
}
