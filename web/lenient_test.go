package web_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth/token"
)

// Apps have an HTTP layer that adds an Authorization header to every request. At the OAuth endpoints only HTTP Basic is
// client authentication (RFC 6749 §2.3.1, RFC 7009 §2.1), and a public client needs none.
func TestOnlyBasicIsClientAuthentication(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		bearer, dpop := "Bearer "+p.access, "DPoP x"
		for name, headers := range map[string][]string{
			"Bearer":                        {bearer},
			"bearer in small letters":       {"bearer x"},
			"an expired Bearer":             {"Bearer x.y.z"},
			"DPoP":                          {dpop},
			"empty":                         {""},
			"a scheme alone":                {"Bearer"},
			"garbage":                       {"!!"},
			"a token without a scheme":      {"x.y.z"},
			"Digest":                        {`Digest username="a"`},
			"a scheme that begins alike":    {"Basically YXBwOg=="},
			"several":                       {bearer, dpop},
			"several alike":                 {bearer, bearer},
			"several in one, by a comma":    {"Bearer x, DPoP y"},
			"Basic beside Bearer":           {bearer, "Basic YXBwOg=="},
			"Basic before Bearer":           {"basic YXBwOg==", bearer},
			"Basic of nobody":               {"Basic Og=="},
			"Basic with spaces between":     {"Basic   YXBwOg=="},
			"the same Basic twice":          {"Basic YXBwOg==", "Basic YXBwOg=="},
			"not UTF-8":                     {"Bearer \xff"},
			"a long one":                    {"Bearer " + strings.Repeat("a", 10_000)},
			"Negotiate from a corporate OS": {"Negotiate YII="},
		} {
			with := func(more ...string) (list []string) {
				for _, h := range headers {
					list = append(list, "Authorization", h)
				}
				return append(list, more...)
			}
			r := s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}, "client_id": {"app"}}, with()...)
			if r.status != http.StatusOK {
				t.Errorf("%s, refresh: %d %s", name, r.status, r.body)
				continue
			}
			if r = s.postJSON("/oauth/token", map[string]string{"grant_type": "refresh_token", "refresh_token": newPhone(t, r).refresh}, with()...); r.status != http.StatusOK {
				t.Errorf("%s, refresh in JSON: %d %s", name, r.status, r.body)
				continue
			}
			p = newPhone(t, r)
			if r := s.postForm("/oauth/revoke", url.Values{"token": {"lk1.x"}}, with()...); r.status != http.StatusOK {
				t.Errorf("%s, sign-out: %d %s", name, r.status, r.body)
			}
		}
		for name, c := range map[string]struct {
			headers []string
			status  int
			code    string
		}{
			"Basic without credentials": {[]string{"Basic"}, 401, "invalid_client"},
			"Basic that is no base64":   {[]string{"Basic !"}, 401, "invalid_client"},
			"Basic without a colon":     {[]string{"Basic YXBw"}, 401, "invalid_client"},
			"Basic with a password":     {[]string{bearer, "Basic YXBwOnNlY3JldA=="}, 401, "invalid_client"},
			"two clients by Basic":      {[]string{"Basic YXBwOg==", "Basic b3RoZXI6"}, 400, "invalid_request"},
			"another client by Basic":   {[]string{bearer, "Basic b3RoZXI6"}, 400, "invalid_grant"},
		} {
			var list []string
			for _, h := range c.headers {
				list = append(list, "Authorization", h)
			}
			r := s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}}, list...)
			if r.status != c.status || r.text(t, "error") != c.code || (c.status == 401) != strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic") {
				t.Errorf("%s: %d %v %s", name, r.status, r.header, r.body)
			}
		}
		s.refreshed(p.refresh)
	})
}

// The same HTTP layer signs in: what the header says must not turn a bad request into a refused access token.
func TestAnAuthorizationHeaderIsIgnoredAtSignIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "ES256")
		body := map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x"}
		wrong := owner.proof("POST", "/oauth/token", "", nil)
		for _, header := range []string{"Bearer x", "DPoP x", "", "Basic !", "Basic YXBwOnNlY3JldA=="} {
			if r := s.postJSON("/api/login", body, "Authorization", header); r.status != http.StatusOK {
				t.Errorf("%q: %d %s", header, r.status, r.body)
			}
			r := s.postJSON("/api/login", body, "Authorization", header, "DPoP", wrong)
			if r.status != http.StatusBadRequest || r.text(t, "code") != "invalid_dpop_proof" || r.header.Get("WWW-Authenticate") != "" {
				t.Errorf("%q, with a wrong proof: %d %v %s", header, r.status, r.header, r.body)
			}
		}
	})
}

func TestAUserAgentNeverShutsAnAppOut(t *testing.T) {
	long := strings.Repeat("ü", 300)
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		for name, c := range map[string]struct{ agent, kept string }{
			"Latin-1":                    {"Mus\xe9e/1.0 (Android)", "Mus\ufffde/1.0 (Android)"},
			"not UTF-8":                  {"Phone \xff\xfe", "Phone \ufffd"},
			"cut in a character":         {"Phone \xe2\x82", "Phone \ufffd"},
			"a surrogate":                {"Phone \xed\xa0\x80!", "Phone \ufffd!"},
			"a tab":                      {"Phone\t1", "Phone1"},
			"a C1 control":               {"Phone\u0085 1", "Phone 1"},
			"nothing but controls":       {"\u0085\u0086", ""},
			"512 bytes and more":         {long, long[:512]},
			"the cap inside a character": {"x" + long, ("x" + long)[:511]},
			"bad bytes behind the cap":   {strings.Repeat("a", 512) + "\xff", strings.Repeat("a", 512)},
			"bad bytes that grow":        {strings.Repeat("\xffa", 400), strings.Repeat("\ufffda", 128)},
			"right-to-left":              {"\u202ephone", "\u202ephone"},
			"markup":                     {`<script>alert(1)</script>`, `<script>alert(1)</script>`},
			"quotes and SQL":             {`'; DROP TABLE devices; --"`, `'; DROP TABLE devices; --"`},
			"empty":                      {"", ""},
		} {
			headers := []string{"User-Agent", c.agent}
			r := s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x"}, headers...)
			if r.status != http.StatusOK {
				t.Errorf("%s, sign-in: %d %s", name, r.status, r.body)
				continue
			}
			p := newPhone(t, r)
			r = s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}}, headers...)
			if r.status != http.StatusOK {
				t.Errorf("%s, refresh: %d %s", name, r.status, r.body)
				continue
			}
			p = newPhone(t, r)
			r = s.request(http.MethodGet, "/api/devices", "", append(headers, bearer(p.access)...)...)
			if kept := r.json(t)["devices"].([]any)[0].(map[string]any)["user_agent"]; r.status != http.StatusOK || kept != c.kept {
				t.Errorf("%s, devices: %d, kept %q, want %q", name, r.status, kept, c.kept)
			}
			if r := s.request(http.MethodDelete, "/api/devices/current", "", append(headers, bearer(p.access)...)...); r.status != http.StatusNoContent {
				t.Errorf("%s, sign-out: %d %s", name, r.status, r.body)
			}
			if b.agent = c.agent; b.get("/devices").status != http.StatusOK {
				t.Errorf("%s: the portal refuses", name)
			}
		}
	})
}

// What clients send in good faith, and the lines that let a server take it:
//   - charset: JSON has none, and one that is sent means nothing (RFC 8259 §11); a form's is UTF-8 whatever is said (RFC 6749 appendix B,
//     WHATWG URL §5). Its value is a token in any case or a quoted string (RFC 9110 §8.3.2).
//   - a byte-order mark before JSON may be ignored (RFC 8259 §8.1), and before a form no name begins with one.
//   - parameters that are not known must be ignored (RFC 6749 §3.2), so it does not matter how often they come; those that are
//     known must not be repeated (the same).
//   - a raw line end is nothing that a form can hold (WHATWG URL §5.2 writes it as %0D%0A): it is what the tool that sent the file added.
func TestBodiesInGoodFaithAreTaken(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		login := `{"email":"` + adaEmail + `","password":"` + adaPassword + `","device_name":"x"}`
		asJSON := func(token string) string {
			return `{"grant_type":"refresh_token","refresh_token":"` + token + `"}`
		}
		asForm := func(token string) string { return "grant_type=refresh_token&refresh_token=" + token }
		charsets := []string{
			"; charset=utf-8", "; charset=UTF-8", "; charset=utf8", "; charset=UTF8", `; charset="utf-8"`, `; charset="UTF8"`, ";charset=Utf-8", "; Charset=utf-8",
			"; charset=us-ascii", "; charset=US-ASCII", "; charset=ascii", "; charset=ISO-8859-1", `; charset="iso-8859-1"`, "; charset=iso-8859-15", "; charset=latin1",
			"; charset=windows-1252", "; charset=", "; charset", ";", "; boundary=x; charset=utf-8", "; odata=verbose",
		}
		p := s.login("phone")
		refresh := func(name, mediaType, body string) {
			t.Helper()
			r := s.request("POST", "/oauth/token", body, "Content-Type", mediaType, "Content-Encoding", "identity")
			if r.status != http.StatusOK {
				t.Errorf("%s: %d %s", name, r.status, r.body)
				return
			}
			p = newPhone(t, r)
		}
		for _, charset := range charsets {
			if r := s.request("POST", "/api/login", `{"email":"`+adaEmail+`"}`, "Content-Type", jsonType+charset); r.status != http.StatusUnprocessableEntity {
				t.Errorf("sign-in without a password%s: %d %s", charset, r.status, r.body)
			}
			for _, mediaType := range []string{formType, "APPLICATION/X-WWW-Form-Urlencoded"} {
				refresh(mediaType+charset, mediaType+charset, asForm(p.refresh))
			}
			refresh("JSON"+charset, jsonType+charset, asJSON(p.refresh))
			if r := s.request("POST", "/login", "email=a", "Content-Type", formType+charset); r.status != http.StatusUnprocessableEntity {
				t.Errorf("portal%s: %d", charset, r.status)
			}
		}
		for _, c := range []struct {
			name, mediaType string
			body            func() string
		}{
			{"a byte-order mark at the token endpoint", jsonType, func() string { return "\ufeff" + asJSON(p.refresh) }},
			{"a byte-order mark before a form", formType, func() string { return "\ufeff" + asForm(p.refresh) }},
			{"a line end behind a form", formType, func() string { return asForm(p.refresh) + "\n" }},
			{"a line end as Windows has it", formType, func() string { return asForm(p.refresh) + "\r\n" }},
			{"an unknown parameter twice", formType, func() string {
				return asForm(p.refresh) + "&resource=https://a.example&resource=https://b.example&x=&x="
			}},
			{"a scope, which means nothing here", formType, func() string { return "scope=a&" + asForm(p.refresh) }},
			{"an unknown parameter that is no UTF-8", formType, func() string { return asForm(p.refresh) + "&x=%ff&x=%fe" }},
		} {
			refresh(c.name, c.mediaType, c.body())
		}
		for name, c := range map[string]struct{ path, mediaType, body string }{
			"a byte-order mark":                         {"/api/login", jsonType, "\ufeff" + login},
			"line ends around JSON":                     {"/api/login", jsonType, "\r\n" + login + "\r\n"},
			"an unknown member twice":                   {"/api/login", jsonType, strings.Replace(login, "{", `{"x":1,"x":[2],`, 1)},
			"a line end behind the token to revoke":     {"/oauth/revoke", formType, "token=" + p.refresh + "\n\n"},
			"characters beyond ASCII in UTF-8, by name": {"/api/login", jsonType + "; charset=utf8", strings.Replace(login, `"x"`, `"Köln"`, 1)},
			"no compression, by name":                   {"/api/login", jsonType, login},
		} {
			if r := s.request("POST", c.path, c.body, "Content-Type", c.mediaType, "Content-Encoding", "identity"); r.status != http.StatusOK {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		s.refused(p.refresh, token.ReasonRevoked)
	})
}

func TestBodiesThatSayAnotherCharsetAreRefusedClearly(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		utf16 := "\xff\xfe{\x00}\x00"
		for name, c := range map[string]struct {
			path, mediaType, body string
			status                int
		}{
			"Latin-1 that is Latin-1":        {"/api/login", jsonType + "; charset=iso-8859-1", "{\"device_name\":\"K\xf6ln\"}", 415},
			"Latin-1 that may be two things": {"/api/login", jsonType + "; charset=iso-8859-1", "{\"device_name\":\"K\u00f6ln\"}", 415},
			"ASCII that is none":             {"/api/login", jsonType + "; charset=us-ascii", "{\"device_name\":\"K\u00f6ln\"}", 415},
			"UTF-16":                         {"/api/login", jsonType + "; charset=utf-16", utf16, 415},
			"UTF-16 in ASCII":                {"/api/login", jsonType + "; charset=utf-16le", "{}", 415},
			"EBCDIC":                         {"/api/login", jsonType + "; charset=ibm037", "{}", 415},
			"UTF-7":                          {"/oauth/token", formType + "; charset=utf-7", "grant_type=refresh_token&refresh_token=" + p.refresh, 415},
			"a form in Windows-1252":         {"/oauth/token", formType + "; charset=windows-1252", "grant_type=refresh_token&refresh_token=\x80", 415},
			"no charset and no UTF-8":        {"/api/login", jsonType, "{\"device_name\":\"K\xf6ln\"}", 400},
			"a portal form in Latin-1":       {"/login", formType + "; charset=latin1", "email=\xf6", 415},
			"a rename in Latin-1":            {"/api/devices/current", jsonType + "; charset=latin1", "{\"name\":\"\xf6\"}", 415},
		} {
			method := "POST"
			if strings.HasPrefix(c.path, "/api/devices") {
				method = "PATCH"
			}
			r := s.request(method, c.path, c.body, append(bearer(p.access), "Content-Type", c.mediaType)...)
			if r.status != c.status || !strings.Contains(r.body, "UTF-8") {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		for _, coding := range []string{"gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "compress", "gzip, identity", "identity, br", "nonsense"} {
			for path, mediaType := range map[string]string{"/api/login": jsonType, "/oauth/token": formType, "/oauth/revoke": jsonType, "/login": formType, "/api/devices/current": jsonType} {
				for _, method := range []string{"POST", "PATCH", "DELETE"} {
					if (path == "/api/devices/current") == (method == "POST") || path != "/api/devices/current" && method != "POST" {
						continue
					}
					r := s.request(method, path, "\x1f\x8b\x08\x00\xff", append(bearer(p.access), "Content-Type", mediaType, "Content-Encoding", coding)...)
					// RFC 9110 §15.5.16: 415 for a content coding too, and §12.5.3: Accept-Encoding says which would do.
					if r.status != http.StatusUnsupportedMediaType || !strings.Contains(r.body, "Content-Encoding") || r.header.Get("Accept-Encoding") != "identity" {
						t.Errorf("%s %s in %s: %d %v %s", method, path, coding, r.status, r.header, r.body)
					}
				}
			}
		}
		s.refreshed(p.refresh)
	})
}

// unsized is a body whose length is not known before it is sent: it goes out chunked.
type unsized struct{ io.Reader }

func TestABodyThatMayBeLeftOutMaySayNothing(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p, other := s.login("phone"), s.login("other").id // who says nothing has not said the password either
		for name, c := range map[string]struct {
			body    io.Reader
			headers []string
		}{
			"chunked and empty":                     {unsized{strings.NewReader("")}, nil},
			"chunked and empty, as JSON":            {unsized{strings.NewReader("")}, []string{"Content-Type", jsonType}},
			"chunked and empty, as a form":          {unsized{strings.NewReader("")}, []string{"Content-Type", formType}},
			"chunked and empty, as gzip":            {unsized{strings.NewReader("")}, []string{"Content-Encoding", "gzip"}},
			"empty, as JSON":                        {strings.NewReader(""), []string{"Content-Type", jsonType}},
			"a line end":                            {strings.NewReader("\r\n"), []string{"Content-Type", jsonType}},
			"null":                                  {strings.NewReader("null"), []string{"Content-Type", jsonType}},
			"null, chunked, with a byte-order mark": {unsized{strings.NewReader("\ufeff null\n")}, []string{"Content-Type", jsonType + "; charset=utf8"}},
			"an empty object":                       {unsized{strings.NewReader("{}")}, []string{"Content-Type", jsonType}},
			"no password":                           {strings.NewReader(`{"password":null}`), []string{"Content-Type", jsonType}},
		} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.URL+"/api/devices/"+other, c.body)
			if err != nil {
				t.Fatal(err)
			}
			for i, h := 0, append(bearer(p.access), c.headers...); i < len(h); i += 2 {
				request.Header.Set(h[i], h[i+1])
			}
			if r := send(t, http.DefaultClient, request); r.status != http.StatusForbidden || r.text(t, "code") != "reauthentication_required" {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		for name, c := range map[string]struct {
			body, mediaType string
			status          int
		}{
			"a text":             {`"null"`, jsonType, 400},
			"a list":             {`[]`, jsonType, 400},
			"null and more":      {`null null`, jsonType, 400},
			"null in letters":    {`NULL`, jsonType, 400},
			"text of no type":    {`{}`, "", 415},
			"text of other type": {`null`, formType, 415},
		} {
			headers := bearer(p.access)
			if c.mediaType != "" {
				headers = append(headers, "Content-Type", c.mediaType)
			}
			if r := s.request(http.MethodDelete, "/api/devices/current", c.body, headers...); r.status != c.status {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		p = s.refreshed(p.refresh)
		if r := s.request(http.MethodDelete, "/api/devices/current", "null", append(bearer(p.access), "Content-Type", jsonType)...); r.status != http.StatusNoContent {
			t.Errorf("null: %d %s", r.status, r.body)
		}
	})
}
