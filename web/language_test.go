package web_test

import (
	"bytes"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/models/modelstest"
	"latchkey/web"
)

// The pseudo-languages stand for German and Arabic here: what is chosen is the same for any.
func TestAPageSpeaksTheLanguageThatWasChosenOrAskedFor(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t))
	server := s.again(web.Config{BaseURL: "https://id.example.com", Secret: bytes.Repeat([]byte{7}, 32)})
	if err := server.Offer("en", "ar-XB", "en-XA"); err != nil {
		t.Fatal(err)
	}
	get := func(path, accept, cookie string) reply {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("Accept-Language", accept)
		return server.do(r, cookie)
	}
	for _, c := range []struct{ name, path, accept, cookie, lang, vary string }{
		{"nothing is asked for", "/login", "", "", `<html lang="en">`, "Accept-Language, Cookie"},
		{"asked for by the browser", "/login", "ar, en;q=0.5", "", `<html lang="ar-XB" dir="rtl">`, "Accept-Language, Cookie"},
		{"chosen", "/login", "ar", "__Host-latchkey-language=en-XA", `<html lang="en-XA">`, "Accept-Language, Cookie"},
		{"chosen, and not offered any longer", "/login", "ar", "__Host-latchkey-language=de", `<html lang="ar-XB" dir="rtl">`, "Accept-Language, Cookie"},
		{"on an error's page of no route", "/nowhere", "ar", "", `<html lang="ar-XB" dir="rtl">`, "Accept-Language, Cookie"},
		{"the manual stays English, for caches", "/docs/app", "ar", "__Host-latchkey-language=en-XA", `<html lang="en">`, "Accept-Encoding"},
	} {
		r := get(c.path, c.accept, c.cookie)
		lang, _, _ := strings.Cut(strings.TrimPrefix(c.lang, `<html lang="`), `"`)
		if !strings.Contains(r.body, c.lang) || r.header.Get("Content-Language") != lang || !strings.Contains(strings.Join(r.header.Values("Vary"), ", "), c.vary) {
			t.Errorf("%s: %d, %v, no %s", c.name, r.status, r.header, c.lang)
		}
		if c.path == "/docs/app" && strings.Contains(strings.Join(r.header.Values("Vary"), ", "), "Language") {
			t.Errorf("%s: the manual varies by language: %q", c.name, r.header.Values("Vary"))
		}
	}

	form := server.post("/language", "", url.Values{"language": {"en-XA"}, "next": {"/forgot"}})
	cookie := form.setCookies(t)["__Host-latchkey-language"]
	if form.status != http.StatusSeeOther || form.header.Get("Location") != "/forgot" || cookie == nil || cookie.Value != "en-XA" || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("%d %v", form.status, form.header)
	}
	if r := server.post("/language", "", url.Values{"language": {"en"}, "next": {"//evil.example"}}); r.header.Get("Location") != "/" {
		t.Errorf("it leads to %q", r.header.Get("Location"))
	}
	if r := server.post("/language", "", url.Values{"language": {"de"}}); r.status != http.StatusUnprocessableEntity || r.header.Get("Set-Cookie") != "" {
		t.Errorf("one that is not offered: %d %v", r.status, r.header)
	}
	for asked, here := range map[string]string{
		"/forgot": "/forgot", "/forgot?x=1&token=secret": "/forgot", "/login?next=%2Factivity%3Fkind%3Dwarnings&token=secret": "/login?next=%2Factivity%3Fkind%3Dwarnings",
		"/reset?token=secret": "/reset", "/no%2Fwhere?kind=a%26b&q=ada%40example.org": "/no%2Fwhere?kind=a%26b",
	} {
		r := get(asked, "", "")
		if !strings.Contains(r.body, `action="/language"`) || !strings.Contains(r.body, `name="next" value="`+html.EscapeString(here)+`"`) || strings.Contains(r.body, "secret") {
			t.Errorf("%s: no choice, or it does not lead back to %s", asked, here)
		}
	}
	for range 60 {
		form = server.post("/language", "", url.Values{"language": {"en"}})
	}
	if form.status != http.StatusTooManyRequests || form.header.Get("Set-Cookie") != "" {
		t.Errorf("one network chose too often: %d %v", form.status, form.header)
	}
	if r := s.browser().get("/login"); strings.Contains(r.body, `action="/language"`) {
		t.Error("there is a choice where one language is complete")
	}
	wrong := server.do(formIn(t, "/login", "ar", url.Values{"email": {adaEmail}, "password": {"a wrong one, surely"}}), "")
	if strings.Contains(wrong.body, "is wrong.") {
		t.Error("a refusal is in English: " + wrong.body)
	}
	if strings.Contains(wrong.body, `action="/language"`) {
		t.Error("a form's answer offers a choice, which would lose what it shows")
	}
}

// formIn is a form that asks for a language.
func formIn(t *testing.T, path, accept string, form url.Values) *http.Request {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", formType)
	r.Header.Set("Accept-Language", accept)
	return r
}
