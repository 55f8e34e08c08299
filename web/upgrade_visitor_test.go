package web_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// visitor is a browser or an app: an address in the network, and cookies.
type visitor struct {
	*upgraded
	base, ip string
	cookies  map[string]string
}

// visitor comes from an address, with a copy of the given cookies.
func (u *upgraded) visitor(ip string, cookies map[string]string) *visitor {
	v := &visitor{u, upgradeBase, ip, map[string]string{}}
	for name, value := range cookies {
		v.cookies[name] = value
	}
	return v
}

// plainly is visitor at the server without TLS.
func (u *upgraded) plainly(ip string, cookies map[string]string) *visitor {
	v := u.visitor(ip, cookies)
	v.base = upgradePlain
	return v
}

// recorder takes an answer as a connection would, whose deadline a long download moves.
type recorder struct{ *httptest.ResponseRecorder }

// SetWriteDeadline does nothing.
func (recorder) SetWriteDeadline(time.Time) error { return nil }

func (v *visitor) do(method, path, body string, headers ...string) reply {
	v.t.Helper()
	r := httptest.NewRequest(method, v.base+path, strings.NewReader(body)).WithContext(v.t.Context())
	r.RemoteAddr = v.ip + ":40000"
	r.Header.Set("User-Agent", firefox)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := recorder{httptest.NewRecorder()}
	v.site[v.base].ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		} else {
			v.cookies[c.Name] = c.Value
		}
	}
	return reply{w.Code, w.Header(), w.Body.String()}
}

func (v *visitor) get(path string) reply { v.t.Helper(); return v.do(http.MethodGet, path, "") }

var accountOfPage = regexp.MustCompile(`<meta name="account" content="([^"]+)"`)

// submit sends a form as the page that it stands on would: for the account that is signed in there.
func (v *visitor) submit(page, action string, form url.Values) reply {
	v.t.Helper()
	if found := accountOfPage.FindStringSubmatch(v.get(page).body); found != nil {
		form.Set("account", found[1])
	}
	return v.do(http.MethodPost, action, form.Encode(), "Content-Type", formType, "Origin", v.base)
}

// follow opens a mailed link and returns the address of its page.
func (v *visitor) follow(link string) (page string) {
	v.t.Helper()
	r := v.get(link)
	if r.status != http.StatusSeeOther {
		v.t.Fatalf("%s: %d %s", link, r.status, r.body)
	}
	return r.header.Get("Location")
}

// answer presses the button of a link's page.
func (v *visitor) answer(page string, form url.Values) reply {
	v.t.Helper()
	if r := v.get(page); r.status != http.StatusOK {
		v.t.Fatalf("%s: %d to %q %s", page, r.status, r.header.Get("Location"), r.body)
	}
	return v.submit(page, page, form)
}

func (v *visitor) login(email, password, device string, headers ...string) reply {
	v.t.Helper()
	body, err := json.Marshal(map[string]string{"email": email, "password": password, "device_name": device})
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(http.MethodPost, "/api/login", string(body), append(headers, "Content-Type", jsonType)...)
}

// signIn signs in on the portal.
func (v *visitor) signIn(email string) reply {
	v.t.Helper()
	return v.submit("/login", "/login", url.Values{"email": {email}, "password": {upgradePassword}})
}

func (v *visitor) refresh(token string, headers ...string) reply {
	v.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	return v.do(http.MethodPost, "/oauth/token", form.Encode(), append(headers, "Content-Type", formType)...)
}

// refreshed is refresh of a token that must be good.
func (v *visitor) refreshed(token string, headers ...string) phone {
	v.t.Helper()
	r := v.refresh(token, headers...)
	if r.status != http.StatusOK {
		v.t.Fatalf("refresh: %d %s", r.status, r.body)
	}
	return newPhone(v.t, r)
}

// reason is why a token is refused, or its status when it is not.
func (v *visitor) reason(token string, headers ...string) string {
	v.t.Helper()
	r := v.refresh(token, headers...)
	return cmp.Or(r.text(v.t, "reason"), r.text(v.t, "error"), http.StatusText(r.status))
}
