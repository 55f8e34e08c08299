package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/operator"
	"latchkey/auth/token"
	"latchkey/static"
	"latchkey/views"
	"latchkey/views/catalog"
	"latchkey/web/wire"
)

// handler does its work or says why not; the adapters below turn the error into an answer.
type handler func(w http.ResponseWriter, r *http.Request) error

// page answers errors with an HTML page, and chooses its language. It refuses cross-site form posts.
func (s *Server) page(h handler) http.Handler { return s.pageFrom(s.checkOrigin, h) }

// anySite is page for forms that every site may send here, for they change nothing.
func (s *Server) anySite(h handler) http.Handler {
	return s.pageFrom(func(*http.Request) error { return nil }, h)
}

func (s *Server) pageFrom(checkOrigin func(*http.Request) error, h handler) http.Handler {
	return s.compressed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pageHeaders(w.Header())
		s.chooseLanguage(r, "")
		err := checkOrigin(r)
		if err != nil {
			message := "This request came from another website, so we stopped it. Open this website yourself and try again."
			if errors.Is(err, errPlainHTTP) {
				message = fmt.Sprintf("This page was opened over an insecure connection. Open %s instead.", s.base)
			}
			err = &wire.Error{Status: http.StatusForbidden, Code: "cross_site", Message: message, Cause: err}
		} else {
			err = h(w, r)
		}
		if err != nil {
			s.answerPage(w, r, err)
		}
	}))
}

// checkOrigin refuses requests that another site's page sent. Browsers without Fetch Metadata, and any browser that speaks plain
// http to a host other than localhost, are judged by the Origin header alone: its host must be the request's, or the base
// URL's where a proxy does not pass the Host header on. With an https base URL a page of the same host that came over plain
// http is another site: anybody on the network could have written it.
func (s *Server) checkOrigin(r *http.Request) error {
	if err := s.crossOrigin.Check(r); err != nil {
		return err
	}
	if s.https && r.Header.Get("Sec-Fetch-Site") == "" && r.Method != http.MethodGet && r.Method != http.MethodHead &&
		strings.HasPrefix(strings.ToLower(r.Header.Get("Origin")), "http://") {
		return errPlainHTTP
	}
	return nil
}

var errPlainHTTP = errors.New("the page came over plain http")

// signedIn is page for people whose browser is signed in; others go to the sign-in form and come back. People whose password was
// generated choose their own first, and people who must have a second factor set one up.
func (s *Server) signedIn(h func(w http.ResponseWriter, r *http.Request, by *browser.Session) error) http.Handler {
	return s.setUp(func(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
		if s.factors.MustSetUp(by.User) {
			return redirect(w, r, withNext("/security/setup", comeBack(r)))
		}
		return h(w, r, by)
	})
}

// setUp is signedIn for the pages on which a second factor is set up.
func (s *Server) setUp(h func(w http.ResponseWriter, r *http.Request, by *browser.Session) error) http.Handler {
	return s.anyPassword(func(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
		if by.User.MustChoosePassword() {
			return redirect(w, r, choosePasswordPath(comeBack(r)))
		}
		return h(w, r, by)
	})
}

// comeBack is where a person goes on after what must come first: to the page that they asked for, or on which a form stood that answers
// an app.
func comeBack(r *http.Request) string {
	if r.Method != http.MethodGet {
		return formPage(r)
	}
	return afterSignIn(r)
}

// anyPassword is signedIn for what people with a generated password can do as well: choose their own, and see and sign out devices,
// which never waits for anything.
func (s *Server) anyPassword(h func(w http.ResponseWriter, r *http.Request, by *browser.Session) error) http.Handler {
	return s.page(func(w http.ResponseWriter, r *http.Request) error {
		by, err := s.session(r)
		if err != nil {
			return err
		}
		request(r).session = by
		s.chooseLanguage(r, by.User.Language)
		by.Keep = s.keeper(w, r)
		if key, ok := s.cookies.key(r); ok {
			if err := s.cookies.renew(w, r, key); err != nil {
				return err
			}
		}
		return h(w, r, by)
	})
}

// supportOnly is signedIn for the support staff. Other people who are signed in get 404. People who are
// not signed in go to the sign-in form, as from every guarded page. The support desk is in English; that it does not exist, people are told
// in their language, as of any page.
func (s *Server) supportOnly(h func(w http.ResponseWriter, r *http.Request, by *browser.Session) error) http.Handler {
	return s.signedIn(func(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
		if !by.Support() {
			return wire.ErrNoRoute
		}
		s.speakEnglish(r)
		return h(w, r, by)
	})
}

// api answers errors with problem details (RFC 9457).
func (s *Server) api(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.apps.AnswerProblem(w, r, err)
		}
	})
}

// bearer is api for requests with an access token (RFC 6750) that has a scope, or for any access token (anyScope).
func (s *Server) bearer(scope string, h func(w http.ResponseWriter, r *http.Request, claims *token.Claims) error) http.Handler {
	return s.api(func(w http.ResponseWriter, r *http.Request) error {
		claims, err := s.apps.Authenticate(w, r, scope)
		if err != nil {
			return err
		}
		return h(w, r, claims)
	})
}

// backend asks for an access token of a backend's own, with a scope.
func (s *Server) backend(scope string, h func(w http.ResponseWriter, r *http.Request, by operator.Backend) error) http.Handler {
	return s.api(func(w http.ResponseWriter, r *http.Request) error {
		by, err := s.apps.AuthenticateBackend(w, r, scope)
		if err != nil {
			return err
		}
		return h(w, r, by)
	})
}

// oauth answers errors as RFC 6749 §5.2 says.
func (s *Server) oauth(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Pragma", "no-cache") // RFC 6749 §5.1
		if err := h(w, r); err != nil {
			s.apps.AnswerOAuth(w, r, err)
		}
	})
}

// openID is oauth for requests with an access token that has the scope openid.
func (s *Server) openID(h func(w http.ResponseWriter, r *http.Request, claims *token.Claims) error) http.Handler {
	return s.oauth(func(w http.ResponseWriter, r *http.Request) error {
		claims, err := s.apps.AuthenticateOpenID(w, r)
		if err != nil {
			return err
		}
		return h(w, r, claims)
	})
}

// caller is who sent the request. No request is refused for its User-Agent.
func (s *Server) caller(r *http.Request) (auth.Caller, error) {
	from := s.proxies.client(r.RemoteAddr, r.Header.Values("X-Forwarded-For"))
	if from.NetworkUnknown {
		s.noteUnknownClient(r)
	}
	from.UserAgent, from.Browser = auth.CleanAgent(r.UserAgent()), s.cookies.knownMark(r)
	return from, nil
}

// noteUnknownClient counts a request whose proxy did not tell the client's address, and warns once. Requests that no limit
// counts, such as a load balancer's own GET /readyz, do not come here.
func (s *Server) noteUnknownClient(r *http.Request) {
	info := request(r)
	if info.unknownClient {
		return
	}
	info.unknownClient = true
	s.metrics.UnknownClient()
	s.unknownClient.Do(func() {
		s.log.WarnContext(r.Context(), "a trusted proxy passed a request on without the client's address: it must set X-Forwarded-For, or all such clients share one part of the sign-in queue")
	})
}

// render writes a page that is complete, or none at all.
func render(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	var b bytes.Buffer
	if err := page.Render(catalog.With(r.Context(), say(r)), &b); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	languageHeaders(w.Header(), r)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a browser that hung up gets no answer
	return nil
}

// shell is what every page shares. It takes the waiting message, so it is called right before rendering.
func (s *Server) shell(w http.ResponseWriter, r *http.Request, title, active string) views.Shell {
	shell := views.Shell{
		Title: title, Active: active, Flash: s.cookies.takeFlash(w, r), SignupOpen: s.accounts.Config().SignupOpen,
		Assets: s.Assets(), Brand: s.Brand(),
	}
	s.offerLanguages(r, &shell)
	if by := request(r).session; by != nil {
		shell.Clock = by.Device.LastSeenAt
		shell.Account = &views.Account{ID: by.User.ID.String(), Email: by.User.Email, Support: by.Support()}
		if s.cookies.offersPassword(r, by.Device.ID) {
			shell.PasswordOffer = "/devices"
			if r.Method == http.MethodGet {
				shell.PasswordOffer = here(r)
			}
		}
	}
	return shell
}

// Assets are the addresses of the embedded files.
func (s *Server) Assets() views.Assets {
	light, dark := static.ColoursOf(s.brand.Accent)
	a := views.Assets{
		Styles: []string{s.files.URL("pico.min.css"), s.files.URL("app.css")}, Script: s.files.URL("app.js"),
		Touch: s.files.TouchIcon(), Manifest: manifestPath, Grounds: []views.Ground{{Scheme: "light", Colour: light.Paper}, {Scheme: "dark", Colour: dark.Paper}},
	}
	for _, i := range s.files.Icons() {
		if i.Small() {
			a.Icons = append(a.Icons, views.Icon(i))
		}
	}
	return a
}

// Brand is what pages show of the operator's own, beside the name.
func (s *Server) Brand() views.Brand { return s.brand.views(s.files.Logo()) }

func redirect(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}
