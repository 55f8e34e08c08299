package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/dpop"
	"latchkey/auth/token"
	"latchkey/views"
	"latchkey/views/catalog"
)

// answer is how a kind of failure looks from outside.
type answer struct {
	status int
	code   string // of problem details
	oauth  string // RFC 6749 §5.2, RFC 7009 §2.2.1
}

// answers maps every kind. A kind that is missing here would be answered as internal.
var answers = map[auth.Kind]answer{
	auth.KindInternal:            {http.StatusInternalServerError, "internal", "temporarily_unavailable"},
	auth.KindInvalidRequest:      {http.StatusUnprocessableEntity, "invalid_request", "invalid_request"},
	auth.KindInvalidCredential:   {http.StatusUnauthorized, "invalid_credentials", "invalid_grant"},
	auth.KindAccountDisabled:     {http.StatusForbidden, "account_disabled", "invalid_grant"},
	auth.KindChoosePassword:      {http.StatusForbidden, "password_change_required", "invalid_grant"},
	auth.KindTooManyDevices:      {http.StatusConflict, "too_many_devices", "invalid_grant"},
	auth.KindRateLimited:         {http.StatusTooManyRequests, "rate_limited", "temporarily_unavailable"},
	auth.KindUnavailable:         {http.StatusServiceUnavailable, "unavailable", "temporarily_unavailable"},
	auth.KindNotFound:            {http.StatusNotFound, "not_found", "invalid_request"},
	auth.KindSignedOut:           {http.StatusUnauthorized, "signed_out", "invalid_grant"},
	auth.KindInvalidToken:        {http.StatusUnauthorized, "invalid_token", "invalid_token"},
	auth.KindInvalidGrant:        {http.StatusBadRequest, "invalid_grant", "invalid_grant"},
	auth.KindDeadLink:            {http.StatusGone, "link_dead", "invalid_request"},
	auth.KindUsedLink:            {http.StatusGone, "link_dead", "invalid_request"},
	auth.KindNotAllowed:          {http.StatusForbidden, "not_allowed", "invalid_request"},
	auth.KindInvalidProof:        {http.StatusBadRequest, "invalid_dpop_proof", "invalid_dpop_proof"},
	auth.KindUseNonce:            {http.StatusBadRequest, "use_dpop_nonce", "use_dpop_nonce"},
	auth.KindReauthentication:    {http.StatusForbidden, "reauthentication_required", "invalid_request"},
	auth.KindWrongPassword:       {http.StatusForbidden, "invalid_credentials", "invalid_grant"},
	auth.KindSignupClosed:        {http.StatusNotFound, "not_found", "invalid_request"},
	auth.KindEmailTaken:          {http.StatusConflict, "email_taken", "invalid_request"},
	auth.KindSecondFactor:        {http.StatusForbidden, "second_factor_required", "invalid_grant"},
	auth.KindSetUpFactor:         {http.StatusForbidden, "second_factor_setup_required", "invalid_grant"},
	auth.KindInvalidCode:         {http.StatusUnauthorized, "invalid_code", "invalid_grant"},
	auth.KindInvalidChallenge:    {http.StatusUnauthorized, "invalid_challenge", "invalid_grant"},
	auth.KindInvalidConfirmation: {http.StatusForbidden, "invalid_confirmation", "invalid_grant"},
	auth.KindUnauthorizedClient:  {http.StatusUnprocessableEntity, "invalid_request", "unauthorized_client"},
}

// httpError is a failure of the protocol itself, before auth was asked.
type httpError struct {
	status  int
	code    string // of problem details
	oauth   string // empty: invalid_request
	message string
	// fill says on a page what the message and the status do not say; nil: there is nothing else to say.
	fill func(catalog.Printer, *views.ErrorPage)
	// challenge is WWW-Authenticate.
	challenge string
	// acceptEncoding is Accept-Encoding, of a refused Content-Encoding (RFC 9110 §12.5.3).
	acceptEncoding string
	cause          error
}

func (e *httpError) Error() string { return e.message }
func (e *httpError) Unwrap() error { return e.cause }

var (
	errNoRoute = &httpError{status: http.StatusNotFound, code: "not_found", message: "This page does not exist. Check the link and try again."}
	errMethod  = &httpError{status: http.StatusMethodNotAllowed, code: "method_not_allowed", message: "This page cannot be used with that method."}
)

// failure is one error, ready to be answered in any form.
type failure struct {
	answer
	message    string
	reason     string
	fields     []auth.FieldProblem
	retryAfter time.Duration
	challenge  string
}

// judge reads an error and logs it, once. The log gets the cause, the answer does not.
func (s *Server) judge(w http.ResponseWriter, r *http.Request, err error) failure {
	var f failure
	var protocol *httpError
	if errors.As(err, &protocol) {
		f = failure{answer: answer{protocol.status, protocol.code, "invalid_request"}, message: protocol.message, challenge: protocol.challenge}
		if protocol.oauth != "" {
			f.oauth = protocol.oauth
		}
		if protocol.acceptEncoding != "" {
			w.Header().Set("Accept-Encoding", protocol.acceptEncoding)
		}
		if protocol.cause != nil {
			err = protocol.cause
		}
	} else {
		own := auth.AsError(err)
		known, ok := answers[own.Kind]
		if !ok {
			known = answers[auth.KindInternal]
		}
		f = failure{answer: known, message: own.Message, reason: own.Reason, fields: own.Fields, retryAfter: own.RetryAfter}
	}
	if f.status == http.StatusInternalServerError && f.retryAfter == 0 {
		f.retryAfter = 5 * time.Second
	}
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((f.retryAfter+time.Second-1)/time.Second), 10))
	}
	if f.challenge != "" {
		w.Header().Set("WWW-Authenticate", f.challenge)
	}
	if f.code == "use_dpop_nonce" {
		w.Header().Set("DPoP-Nonce", s.tokens.NewNonce())
	}
	if s.metrics != nil {
		s.metrics.refused(f.code, f.reason)
	}
	level := slog.LevelInfo
	if f.status >= http.StatusInternalServerError && r.Context().Err() == nil && !auth.Busy(err) && !errors.Is(err, errStopping) {
		level = slog.LevelError
	}
	if !errors.Is(err, errNoRoute) {
		s.log.Log(r.Context(), level, "refused", "request", request(r).id, "route", request(r).route, "status", f.status, "code", f.code,
			"reason", f.reason, "cause", err.Error())
	}
	return f
}

// answerAPI answers with problem details (RFC 9457).
func (s *Server) answerAPI(w http.ResponseWriter, r *http.Request, err error) {
	f := s.judge(w, r, err)
	s.challenge(w, r, &f)
	w.Header().Set("Cache-Control", "no-store")
	p := problem{
		Type: "about:blank", Title: http.StatusText(f.status), Status: f.status, Detail: f.message, Code: f.code, Errors: f.fields, Request: request(r).id,
	}
	switch own := auth.AsError(err); own.Kind {
	case auth.KindChoosePassword, auth.KindSetUpFactor:
		p.Setup = s.base + "/login"
	case auth.KindInvalidCode:
		if own.Counted {
			p.AttemptsLeft = &own.AttemptsLeft
		}
	case auth.KindSecondFactor:
		if step := secondStep(err); step != nil {
			p.Challenge, p.Methods, p.PublicKey = step.Challenge, step.Methods, step.PublicKey
			p.ExpiresIn = int64(challenge.AppLife / time.Second) // of both: sign-in and confirmation
		}
	default: // the others have no member of their own
	}
	_ = writeJSON(w, f.status, "application/problem+json", p)
}

// problem is a refusal as problem details (RFC 9457), with the members that help the app to go on.
type problem struct {
	Type    string              `json:"type"`
	Title   string              `json:"title"`
	Status  int                 `json:"status"`
	Detail  string              `json:"detail"`
	Code    string              `json:"code"`
	Errors  []auth.FieldProblem `json:"errors,omitempty"`
	Setup   string              `json:"setup_uri,omitempty"`
	Request string              `json:"request_id"`

	Challenge    string             `json:"challenge,omitempty"`
	Methods      []challenge.Method `json:"methods,omitzero"`
	PublicKey    json.RawMessage    `json:"public_key,omitempty"`
	ExpiresIn    int64              `json:"expires_in,omitempty"` // seconds, of the challenge
	AttemptsLeft *int64             `json:"attempts_left,omitempty"`
}

// challenge says how an access token is to be presented (RFC 6750 §3, RFC 9449 §7.1). A bad proof is a bad request
// where tokens are given out, and unauthorised where they are used.
func (s *Server) challenge(w http.ResponseWriter, r *http.Request, f *failure) {
	algs := `algs="` + strings.Join(dpop.Algs, " ") + `"`
	if !request(r).guarded {
		return // what an Authorization header says where none is asked for means nothing
	}
	presented, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case f.challenge == "Bearer":
		w.Header().Add("WWW-Authenticate", "DPoP "+algs)
	case f.code == "invalid_token" && !strings.EqualFold(presented, string(token.SchemeDPoP)):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	case f.code == "invalid_token", presented != "" && (f.code == "invalid_dpop_proof" || f.code == "use_dpop_nonce"):
		f.status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `DPoP error="`+f.code+`", `+algs)
	}
}

// answerOAuth answers as RFC 6749 §5.2 says. Wrong fields are a bad request there.
func (s *Server) answerOAuth(w http.ResponseWriter, r *http.Request, err error) {
	f := s.judge(w, r, err)
	if f.status == http.StatusUnprocessableEntity {
		f.status = http.StatusBadRequest
		if len(f.fields) > 0 {
			f.message = f.fields[0].Field + ": " + f.fields[0].Detail
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	_ = writeJSON(w, f.status, jsonType, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Reason      string `json:"reason,omitempty"`
	}{f.oauth, f.message, f.reason})
}

// answerPage answers with an HTML page, or sends people whose browser is not signed in to the sign-in form.
func (s *Server) answerPage(w http.ResponseWriter, r *http.Request, err error) {
	pageHeaders(w.Header())
	own := auth.AsError(err)
	if own.Kind == auth.KindSignedOut {
		s.chooseLanguage(r, "")
		target := "/login"
		if key, ok := s.cookies.key(r); ok && request(r).route == deleteRoute && s.deletions.Deleted(r.Context(), key) {
			s.farewell(w, r) // the form was sent twice
			_ = redirect(w, r, target)
			return
		}
		if s.cookies.has(r) {
			s.cookies.clearSession(w, r)
			s.cookies.flash(w, r, views.ToneInfo, say(r).LoginSignedOut())
		}
		if r.Method == http.MethodGet && r.URL.Path != "/devices" {
			target += "?next=" + url.QueryEscape(afterSignIn(r))
		}
		_ = redirect(w, r, target)
		return
	}
	f := s.judge(w, r, err)
	s.attachSession(r, f.status)
	s.chooseLanguage(r, accountLanguage(r))
	page := views.ErrorPage{
		Shell: s.shell(w, r, statusName(say(r), f.status), ""), Status: f.status, Text: say(r).Error(f.message), RequestID: request(r).id,
		Heading: statusName(say(r), f.status),
	}
	if heading, ok := headings[f.status]; ok {
		page.Heading = heading(say(r))
	}
	if protocol := (*httpError)(nil); errors.As(err, &protocol) && protocol.fill != nil {
		protocol.fill(say(r), &page)
	}
	if end := (*deadEnd)(nil); errors.As(err, &end) {
		end.fill(say(r), &page)
	}
	if f.retryAfter > 0 {
		page.Text += " " + waitFor(say(r), f.retryAfter)
		if r.Method == http.MethodGet {
			page.BackURL, page.BackText = localPath(r.URL.RequestURI()), say(r).ErrorTryAgain()
		}
	}
	if err := render(w, r, f.status, views.Error(page)); err != nil {
		s.log.ErrorContext(r.Context(), "the error page could not be rendered", "request", request(r).id, "cause", err.Error())
		http.Error(w, page.Heading, f.status)
	}
}

// afterSignIn is where a person goes on to. A look or a search that another site began is not gone on to: the sign-in in between
// would make it look like the person's own.
func afterSignIn(r *http.Request) string {
	if crossSite(r) && strings.HasPrefix(r.URL.Path, "/support") {
		return "/support"
	}
	return r.URL.RequestURI()
}

// attachSession finds out who is signed in, where the request was refused before anybody asked, so that the page can keep its
// header and its way on. It costs a cookie that can be read one query; a server in trouble is asked nothing more.
func (s *Server) attachSession(r *http.Request, status int) {
	if request(r).session != nil || status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return
	}
	if by, err := s.session(r); err == nil {
		request(r).session = by
	}
}

// statusNames are the names of the statuses that pages have.
var statusNames = map[int]func(catalog.Printer) string{
	http.StatusBadRequest:            catalog.Printer.ErrorNameBadRequest,
	http.StatusForbidden:             catalog.Printer.ErrorNameForbidden,
	http.StatusNotFound:              catalog.Printer.ErrorNameNotFound,
	http.StatusMethodNotAllowed:      catalog.Printer.ErrorNameMethod,
	http.StatusRequestTimeout:        catalog.Printer.ErrorNameTimeout,
	http.StatusConflict:              catalog.Printer.ErrorNameConflict,
	http.StatusGone:                  catalog.Printer.ErrorNameGone,
	http.StatusRequestEntityTooLarge: catalog.Printer.ErrorNameTooLarge,
	http.StatusUnsupportedMediaType:  catalog.Printer.ErrorNameMediaType,
	http.StatusMisdirectedRequest:    catalog.Printer.ErrorNameMisdirected,
	http.StatusUnprocessableEntity:   catalog.Printer.ErrorNameUnprocessable,
	http.StatusTooManyRequests:       catalog.Printer.ErrorNameTooMany,
	http.StatusInternalServerError:   catalog.Printer.ErrorNameInternal,
	http.StatusServiceUnavailable:    catalog.Printer.ErrorNameUnavailable,
}

// statusName is the name of a status (RFC 9110 §15).
func statusName(p catalog.Printer, status int) string {
	if name, ok := statusNames[status]; ok {
		return name(p)
	}
	return http.StatusText(status)
}

// accountLanguage is the language of the account that is signed in, as far as the request knows.
func accountLanguage(r *http.Request) string {
	if by := request(r).session; by != nil {
		return by.User.Language
	}
	return ""
}

// headings say what a status means; another status is told by its name.
var headings = map[int]func(catalog.Printer) string{
	http.StatusForbidden:             catalog.Printer.ErrorHeadingForbidden,
	http.StatusNotFound:              catalog.Printer.ErrorHeadingNotFound,
	http.StatusGone:                  catalog.Printer.ErrorHeadingGone,
	http.StatusMethodNotAllowed:      catalog.Printer.ErrorHeadingMethod,
	http.StatusRequestEntityTooLarge: catalog.Printer.ErrorHeadingTooLarge,
	http.StatusTooManyRequests:       catalog.Printer.ErrorHeadingTooMany,
	http.StatusInternalServerError:   catalog.Printer.ErrorHeadingInternal,
	http.StatusServiceUnavailable:    catalog.Printer.ErrorHeadingUnavailable,
}

// waitFor says how long to wait, in words.
func waitFor(p catalog.Printer, d time.Duration) string {
	switch seconds := int((d + time.Second - 1) / time.Second); {
	case seconds < 120:
		return p.WaitSeconds(max(seconds, 1))
	case seconds < 2*60*60:
		return p.WaitMinutes((seconds + 59) / 60)
	default:
		return p.WaitHours((seconds + 3599) / 3600)
	}
}
