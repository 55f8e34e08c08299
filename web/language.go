package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"latchkey/auth"
	"latchkey/views"
	"latchkey/views/catalog"
	"latchkey/web/wire"
)

// CheckLanguages refuses a language that the portal is not translated into, and names those that it is.
func CheckLanguages(tags []string) error {
	_, err := catalog.NewChoice(tags, catalog.Complete)
	return err
}

// say is how a handler speaks: in the language of the person who reads the answer.
func say(r *http.Request) catalog.Printer { return request(r).printer }

// chooseLanguage decides in which language a request is answered: the one that was chosen in this browser, otherwise the account's, or ""
// as long as no one knows it, otherwise the one that its Accept-Language asks for.
func (s *Server) chooseLanguage(r *http.Request, account string) {
	if info := request(r); !info.english {
		info.printer = s.languages.Pick(wishedLanguages(r)+r.Header.Get("Accept-Language"), s.cookies.language(r), account)
	}
}

// wishLanguages is for a page that learns only later what an app asked for.
func (s *Server) wishLanguages(r *http.Request, wish string) {
	if info := request(r); !info.english && wish != "" {
		info.printer = s.languages.Pick(languagesOf(wish)+r.Header.Get("Accept-Language"), s.cookies.language(r), accountLanguage(r))
	}
}

// wishedLanguages are those that an app asked for with ui_locales (OpenID Connect Core §3.1.2.1), as a beginning of an Accept-Language: on the
// page itself, or on the one that the person goes on to.
func wishedLanguages(r *http.Request) string {
	asked := r.URL.Query()
	wish := asked.Get("ui_locales")
	if next, err := url.Parse(asked.Get("next")); wish == "" && err == nil {
		wish = next.Query().Get("ui_locales")
	}
	return languagesOf(wish)
}

// languagesOf writes tags as the beginning of an Accept-Language.
func languagesOf(wish string) string {
	if len(wish) > longestEcho {
		return ""
	}
	var tags strings.Builder
	for tag := range strings.FieldsSeq(wish) {
		if languageTag.MatchString(tag) { // another text would spoil the header behind it
			tags.WriteString(tag + ",")
		}
	}
	return tags.String()
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// english speaks to those for whom nothing is translated.
func (s *Server) english() catalog.Printer { return catalog.Printer{}.Named(s.brand.Name) }

// inEnglish is for pages that no one translates: developers' and the support staff's.
func (s *Server) inEnglish(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.speakEnglish(r)
		h(w, r)
	}
}

func (s *Server) speakEnglish(r *http.Request) {
	request(r).printer, request(r).english = s.english(), true
}

// language keeps the language that a person chose at the bottom of a page, in the browser and, of a person who is signed in, on the
// account, and leads back to that page. It is a form, for a GET changes nothing: a link on another site, or one that a browser fetches
// early, must not turn a person's pages into another language.
func (s *Server) language(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, "language", "next", "account")
	if err != nil {
		return err
	}
	if !s.languages.Has(p["language"]) {
		return &wire.Error{Status: http.StatusUnprocessableEntity, Code: "invalid_request", Message: "This language isn’t available here. Choose another one."}
	}
	from, err := s.caller(r)
	if err == nil {
		err = s.languageOf.Count(r.Context(), from)
	}
	if err != nil {
		return err
	}
	by, err := s.session(r)
	switch {
	case err == nil && by.User.ID.String() == p["account"]: // otherwise another person has signed in here since the page was opened
		err = s.languageOf.Set(r.Context(), by, p["language"], from)
		if err != nil && auth.AsError(err).Kind == auth.KindRateLimited {
			err = nil // this browser can still be read in the language of its person, even if a thief used up the changes of the account
		}
	case err != nil && auth.AsError(err).Kind == auth.KindSignedOut:
		err = nil
	}
	if err != nil {
		return err
	}
	s.cookies.keepLanguage(w, p["language"])
	next := localPath(p["next"])
	if next == "" {
		next = "/"
	}
	return redirect(w, r, next)
}

// signupLanguage is the language of a page on which a person signs up, or "" where there is no other to choose.
func (s *Server) signupLanguage(r *http.Request) string {
	if len(s.languages.Tags()) < 2 {
		return ""
	}
	return say(r).Tag().String()
}

// appLanguage is signupLanguage for a sign-up in an app, whose request may say it in Accept-Language.
func (s *Server) appLanguage(r *http.Request) string {
	s.chooseLanguage(r, "")
	return s.signupLanguage(r)
}

// offerLanguages puts the choice of languages on a page, to which it leads back. What a form answered cannot be shown again: new
// recovery codes, or what was typed, would be lost. Pages in English alone have nothing to choose.
func (s *Server) offerLanguages(r *http.Request, shell *views.Shell) {
	if r.Method == http.MethodGet && !request(r).english {
		shell.Languages, shell.Here = s.languages.Offered(), here(r)
	}
}

// shownBy are the parameters that choose what a page shows: paging, filter, and where its form leads on.
var shownBy = []string{"before", "kind", "next", "request", "secure", "ui_locales", "unknown"}

// listedBy are those that choose among a person's devices.
var listedBy = []string{"all", "device", "page", "q"}

// here is the page's own address, for a form that leads back to it. What else stands in a query does not come to the page: it may be a
// secret.
func here(r *http.Request) string {
	asked, kept := r.URL.Query(), url.Values{}
	names := shownBy
	if strings.HasPrefix(r.URL.Path, "/devices") {
		names = slices.Concat(shownBy, listedBy)
	}
	for _, name := range names {
		if asked.Has(name) {
			kept[name] = asked[name]
		}
	}
	path := r.URL.EscapedPath()
	if len(kept) > 0 {
		path += "?" + kept.Encode()
	}
	return localPath(path)
}

// languageHeaders say in which language a page is, and by what it was chosen (RFC 9110 §8.5, §12.5.5).
func languageHeaders(h http.Header, r *http.Request) {
	h.Set("Content-Language", say(r).Tag().String())
	if h.Get("Cache-Control") == "no-store" {
		h.Add("Vary", "Accept-Language, Cookie")
	}
}
