package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"latchkey/auth"
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
		if r.URL.Path != "/devices" {
			target = withNext(target, comeBack(r))
		}
		_ = redirect(w, r, target)
		return
	}
	f := s.judge(w, r, err)
	s.attachSession(r, f.Status)
	s.chooseLanguage(r, accountLanguage(r))
	page := views.ErrorPage{
		Shell: s.shell(w, r, "", ""), Status: f.Status, Text: say(r).Error(f.Message), RequestID: request(r).ID,
		Heading: http.StatusText(f.Status),
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
	offerAgain(r, f, &page)
	page.Title = page.Heading
	if err := render(w, r, f.Status, views.Error(page)); err != nil {
		s.log.ErrorContext(r.Context(), "the error page could not be rendered", "request", request(r).ID, "cause", err.Error())
		http.Error(w, page.Heading, f.Status)
	}
}

// offerAgain says on an error's page when and how to try again, where that may help. A form is not sent again from here: it may have
// been carried out.
func offerAgain(r *http.Request, f wire.Failure, page *views.ErrorPage) {
	switch {
	case f.RetryAfter > 0 && f.Status == http.StatusTooManyRequests && page.Heading == say(r).ErrorHeadingTooMany() && page.Text == say(r).Error(tooMany):
		page.Text = waitFor(say(r), f.RetryAfter) // the heading says the rest
	case f.RetryAfter > 0:
		page.Text = say(r).TextTwo(page.Text, waitFor(say(r), f.RetryAfter))
	case f.Status < http.StatusInternalServerError || page.BackURL != "":
		return
	case r.Method != http.MethodGet:
		page.Text = say(r).TextTwo(page.Text, say(r).ErrorGoBack())
	}
	if r.Method == http.MethodGet {
		page.BackURL, page.BackText = localPath(r.URL.RequestURI()), say(r).ErrorTryAgain()
	}
}

// tooMany is what auth says where there is no more to say about a limit.
const tooMany = "Too many attempts."

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

// accountLanguage is the language of the account that is signed in, as far as the request knows.
func accountLanguage(r *http.Request) string {
	if by := request(r).session; by != nil {
		return by.User.Language
	}
	return ""
}

// headings say what a status means; another status is told by its name (RFC 9110 §15).
var headings = map[int]func(catalog.Printer) string{
	http.StatusBadRequest:            catalog.Printer.ErrorHeadingRefused,
	http.StatusForbidden:             catalog.Printer.ErrorHeadingForbidden,
	http.StatusNotFound:              catalog.Printer.ErrorHeadingNotFound,
	http.StatusMethodNotAllowed:      catalog.Printer.ErrorHeadingRefused,
	http.StatusRequestTimeout:        catalog.Printer.ErrorHeadingTimeout,
	http.StatusConflict:              catalog.Printer.ErrorHeadingRefused,
	http.StatusGone:                  catalog.Printer.ErrorHeadingGone,
	http.StatusRequestEntityTooLarge: catalog.Printer.ErrorHeadingTooLarge,
	http.StatusUnsupportedMediaType:  catalog.Printer.ErrorHeadingRefused,
	http.StatusMisdirectedRequest:    catalog.Printer.ErrorHeadingMisdirected,
	http.StatusUnprocessableEntity:   catalog.Printer.ErrorHeadingRefused,
	http.StatusTooManyRequests:       catalog.Printer.ErrorHeadingTooMany,
	http.StatusInternalServerError:   catalog.Printer.ErrorHeadingRefused,
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
