package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/dpop"
	"latchkey/auth/token"
	"latchkey/views"
	"latchkey/views/catalog"
	"latchkey/web/wire"
)

// pageError is an error whose page says more than its message and its status do.
type pageError struct {
	error
	fill func(catalog.Printer, *views.ErrorPage)
}

func (e *pageError) Unwrap() error { return e.error }

// judge reads an error and logs it, once. The log gets the cause, the answer does not.
func (s *Server) judge(w http.ResponseWriter, r *http.Request, err error) wire.Failure {
	return s.failures.Failure(w, r, err)
}

// failure judges the error of a request from an app. The answer carries a nonce if the proof needs one (RFC 9449 §8, §9).
func (s *Server) failure(w http.ResponseWriter, r *http.Request, err error) wire.Failure {
	f := s.judge(w, r, err)
	if f.Code == "use_dpop_nonce" {
		w.Header().Set("DPoP-Nonce", s.tokens.NewNonce())
	}
	return f
}

// answerAPI answers with problem details (RFC 9457).
func (s *Server) answerAPI(w http.ResponseWriter, r *http.Request, err error) {
	f := s.failure(w, r, err)
	s.challenge(w, r, &f)
	w.Header().Set("Cache-Control", "no-store")
	p := problem{
		Type: "about:blank", Title: http.StatusText(f.Status), Status: f.Status, Detail: f.Message, Code: f.Code, Errors: f.Fields, Request: request(r).ID,
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
	_ = wire.WriteJSON(w, f.Status, "application/problem+json", p)
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
func (s *Server) challenge(w http.ResponseWriter, r *http.Request, f *wire.Failure) {
	algs := `algs="` + strings.Join(dpop.Algs, " ") + `"`
	if !request(r).Guarded {
		return // what an Authorization header says where none is asked for means nothing
	}
	presented, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case f.Challenge == "Bearer":
		w.Header().Add("WWW-Authenticate", "DPoP "+algs)
	case f.Code == "invalid_token" && !strings.EqualFold(presented, string(token.SchemeDPoP)):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	case f.Code == "invalid_token", presented != "" && (f.Code == "invalid_dpop_proof" || f.Code == "use_dpop_nonce"):
		f.Status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `DPoP error="`+f.Code+`", `+algs)
	}
}

// answerOAuth answers as RFC 6749 §5.2 says. Wrong fields are a bad request there.
func (s *Server) answerOAuth(w http.ResponseWriter, r *http.Request, err error) {
	f := s.failure(w, r, err)
	if f.Status == http.StatusUnprocessableEntity {
		f.Status = http.StatusBadRequest
		if len(f.Fields) > 0 {
			f.Message = f.Fields[0].Field + ": " + f.Fields[0].Detail
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	_ = wire.WriteJSON(w, f.Status, wire.JSONType, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Reason      string `json:"reason,omitempty"`
	}{f.OAuth, f.Message, f.Reason})
}

// answerPage answers with an HTML page, or sends people whose browser is not signed in to the sign-in form.
func (s *Server) answerPage(w http.ResponseWriter, r *http.Request, err error) {
	pageHeaders(w.Header())
	own := auth.AsError(err)
	if own.Kind == auth.KindSignedOut {
		s.chooseLanguage(r, "")
		target := "/login"
		if key, ok := s.cookies.key(r); ok && request(r).Route == deleteRoute && s.deletions.Deleted(r.Context(), key) {
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
	s.attachSession(r, f.Status)
	s.chooseLanguage(r, accountLanguage(r))
	page := views.ErrorPage{
		Shell: s.shell(w, r, statusName(say(r), f.Status), ""), Status: f.Status, Text: say(r).Error(f.Message), RequestID: request(r).ID,
		Heading: statusName(say(r), f.Status),
	}
	if heading, ok := headings[f.Status]; ok {
		page.Heading = heading(say(r))
	}
	if p := (*pageError)(nil); errors.As(err, &p) {
		p.fill(say(r), &page)
	}
	if end := (*deadEnd)(nil); errors.As(err, &end) {
		end.fill(say(r), &page)
	}
	if f.RetryAfter > 0 {
		page.Text += " " + waitFor(say(r), f.RetryAfter)
		if r.Method == http.MethodGet {
			page.BackURL, page.BackText = localPath(r.URL.RequestURI()), say(r).ErrorTryAgain()
		}
	}
	if err := render(w, r, f.Status, views.Error(page)); err != nil {
		s.log.ErrorContext(r.Context(), "the error page could not be rendered", "request", request(r).ID, "cause", err.Error())
		http.Error(w, page.Heading, f.Status)
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
