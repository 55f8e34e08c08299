package web_test

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
)

// basicOf is HTTP Basic as it stands, without the encoding of RFC 6749.
func basicOf(id, secret string) []string {
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(id, secret)
	return []string{"Authorization", r.Header.Get("Authorization")}
}

func TestAConfidentialClientAuthenticates(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		const id = "web~1"
		web, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Web", ID: id, Confidential: true, RedirectURIs: []string{"https://app.example.com/cb"}})
		if err != nil {
			t.Fatal(err)
		}
		other, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Other", ID: "other", Confidential: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes", ID: "notes"}); err != nil {
			t.Fatal(err)
		}
		p, public := newPhone(t, s.loginBy(id, "web", web.Secret)), newPhone(t, s.loginBy("notes", "phone"))
		form := func(pairs ...string) url.Values {
			v := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}, "token": {p.refresh}}
			for i := 0; i < len(pairs); i += 2 {
				v.Set(pairs[i], pairs[i+1])
			}
			return v
		}
		wrong := web.Secret[:len(web.Secret)-1] + "!"
		for name, secret := range map[string]string{"no secret": "", "a wrong secret": wrong, "the secret of another": other.Secret} {
			body := map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x", "client_id": id, "client_secret": secret}
			for _, path := range []string{"/api/login", "/api/login/passkey"} {
				r := s.postJSON(path, body)
				if r.status != http.StatusUnauthorized || r.text(t, "code") != "invalid_client" || r.header.Get("WWW-Authenticate") == "" || strings.Contains(r.body, web.Secret) {
					t.Errorf("%s with %s: %d %s", path, name, r.status, r.body)
				}
			}
		}
		if r := s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x", "client_id": id}, basicOf(id, web.Secret)...); r.text(t, "code") != "invalid_client" {
			t.Errorf("/api/login with the secret by Basic: %d %s", r.status, r.body)
		}
		if r := s.loginBy("notes", "x", "ignored"); r.status != http.StatusOK {
			t.Errorf("/api/login of a public client with a secret: %d %s", r.status, r.body)
		}
		for _, path := range []string{"/oauth/token", "/oauth/revoke"} {
			for _, c := range []struct {
				name    string
				form    url.Values
				headers []string
				status  int
				code    string
			}{
				{"nothing", form(), nil, 401, "invalid_client"},
				{"the id alone", form("client_id", id), nil, 401, "invalid_client"},
				{"the id alone, by Basic", form(), basicOf(id, ""), 401, "invalid_client"},
				{"a wrong secret", form("client_id", id, "client_secret", wrong), nil, 401, "invalid_client"},
				{"a wrong secret, by Basic", form(), basicOf(id, wrong), 401, "invalid_client"},
				{"its hash", form("client_id", id, "client_secret", hex.EncodeToString(web.SecretHash)), nil, 401, "invalid_client"},
				{"the secret of another", form("client_id", id, "client_secret", other.Secret), nil, 401, "invalid_client"},
				{"a public client", form("client_id", "notes"), nil, 401, "invalid_client"},
				{"a public client with the secret, by Basic", form(), basicOf("notes", web.Secret), 401, "invalid_client"},
				{"the secret without an id", form("client_secret", web.Secret), nil, 401, "invalid_client"},
				{"an empty id, by Basic", form(), basicOf("", web.Secret), 401, "invalid_client"},
				{"malformed Basic", form(), basicOf("%zz", web.Secret), 401, "invalid_client"},
				{"both secrets", form("client_id", id, "client_secret", web.Secret), basicOf(id, web.Secret), 400, "invalid_request"},
				{"two ids", form("client_id", "notes"), basicOf(id, web.Secret), 400, "invalid_request"},
				{"two Basics", form(), append(basicOf(id, web.Secret), basicOf("notes", "")...), 400, "invalid_request"},
				{"the secret twice", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}, "token": {p.refresh}, "client_id": {id}, "client_secret": {web.Secret, web.Secret}}, nil, 400, "invalid_request"},
				{"another confidential client", form(), basicOf("other", other.Secret), 400, "invalid_grant"},
			} {
				r := s.postForm(path, c.form, c.headers...)
				challenge := strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic ")
				if r.status != c.status || r.text(t, "error") != c.code || challenge != (c.status == 401) || r.header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s with %s: %d %v %s", path, c.name, r.status, r.header.Values("WWW-Authenticate"), r.body)
				}
				if strings.Contains(r.body, web.Secret) {
					t.Errorf("%s with %s repeats the secret", path, c.name)
				}
			}
		}
		if r := s.postForm("/oauth/token", url.Values{"client_id": {id}, "client_secret": {wrong}}); r.text(t, "error") != "invalid_client" {
			t.Errorf("the client is judged after the rest: %d %s", r.status, r.body)
		}

		encoded := strings.NewReplacer("~", "%7E").Replace(id)
		for name, headers := range map[string][]string{"plain": basicOf(id, web.Secret), "encoded": basicOf(encoded, url.QueryEscape(web.Secret)), "with its id in the body, too": basicOf(id, web.Secret)} {
			v := form()
			if strings.HasPrefix(name, "with") {
				v.Set("client_id", id)
			}
			r := s.postForm("/oauth/token", v, headers...)
			if r.status != http.StatusOK {
				t.Fatalf("Basic, %s: %d %s", name, r.status, r.body)
			}
			p = newPhone(t, r)
		}
		r := s.postForm("/oauth/token", form("client_id", id, "client_secret", web.Secret))
		if r.status != http.StatusOK {
			t.Fatalf("in the body: %d %s", r.status, r.body)
		}
		p = newPhone(t, r)
		if r := s.postJSON("/oauth/token", map[string]string{"grant_type": "refresh_token", "refresh_token": p.refresh, "client_id": id, "client_secret": web.Secret}); r.status != http.StatusOK {
			t.Errorf("in JSON: %d %s", r.status, r.body)
		} else {
			p = newPhone(t, r)
		}

		// A token that was used before is evidence of theft only if its client presents it.
		spent := p.refresh
		for range 3 {
			s.clock.Advance(time.Minute)
			p = newPhone(t, s.postForm("/oauth/token", form(), basicOf(id, web.Secret)...))
		}
		if r := s.postForm("/oauth/token", form("refresh_token", spent)); r.text(t, "error") != "invalid_client" {
			t.Errorf("an old token without the secret: %d %s", r.status, r.body)
		}
		p = newPhone(t, s.postForm("/oauth/token", form(), basicOf(id, web.Secret)...))

		// Access tokens sign their device out as the device tokens do.
		if r := s.postForm("/oauth/revoke", url.Values{"token": {p.access}}); r.text(t, "error") != "invalid_client" {
			t.Errorf("its access token alone: %d %s", r.status, r.body)
		}
		if r := s.postForm("/oauth/revoke", url.Values{"token": {public.access}}, basicOf(id, web.Secret)...); r.text(t, "error") != "invalid_grant" {
			t.Errorf("another's access token: %d %s", r.status, r.body)
		}
		if r := s.postForm("/oauth/revoke", url.Values{"token": {public.refresh}}, basicOf(id, web.Secret)...); r.text(t, "error") != "invalid_grant" {
			t.Errorf("another's refresh token: %d %s", r.status, r.body)
		}
		public = s.refreshed(public.refresh)
		for _, of := range []string{p.refresh, p.refresh, p.access, "unknown"} {
			if r := s.postForm("/oauth/revoke", url.Values{"token": {of}}, basicOf(id, web.Secret)...); r.status != http.StatusOK || r.body != "{}\n" {
				t.Errorf("revocation: %d %s", r.status, r.body)
			}
		}
		if r := s.postForm("/oauth/token", form(), basicOf(id, web.Secret)...); r.text(t, "reason") != token.ReasonRevoked {
			t.Errorf("after the revocation: %d %s", r.status, r.body)
		}

		// Public clients are served as before, whatever they send beside their id.
		for _, v := range []url.Values{{}, {"client_id": {"notes"}}, {"client_secret": {"x"}}, {"client_id": {"notes"}, "client_secret": {"x"}}} {
			v.Set("grant_type", "refresh_token")
			v.Set("refresh_token", public.refresh)
			r := s.postForm("/oauth/token", v)
			if r.status != http.StatusOK {
				t.Fatalf("a public client: %d %s", r.status, r.body)
			}
			public = newPhone(t, r)
		}
		if log := s.log.String(); strings.Contains(log, web.Secret) || strings.Contains(log, wrong) {
			t.Error("a secret is in the log")
		}
	})
}

func TestARefreshStaysOneStatementAndSecretsAreReadOften(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		web, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Web", ID: "web", Confidential: true, RedirectURIs: []string{"https://app.example.com/cb"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes", ID: "notes"}); err != nil {
			t.Fatal(err)
		}
		p, public := newPhone(t, s.loginBy("web", "web", web.Secret)), newPhone(t, s.loginBy("notes", "phone"))
		cost := func(refresh string, headers ...string) (statements int64, r reply) {
			before := s.statements.Load()
			r = s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, headers...)
			return s.statements.Load() - before, r
		}
		s.clock.Advance(client.ReadEvery)       // the sign-ins read the clients, for their scopes
		for i, want := range []int64{2, 1, 1} { // the first reads them again
			n, r := cost(p.refresh, basicOf("web", web.Secret)...)
			if n != want || r.status != http.StatusOK {
				t.Fatalf("refresh %d of the confidential client: %d statements, %d %s", i, n, r.status, r.body)
			}
			p = newPhone(t, r)
			if n, r = cost(public.refresh); n != 1 || r.status != http.StatusOK {
				t.Fatalf("refresh %d of the public client: %d statements, %d %s", i, n, r.status, r.body)
			}
			public = newPhone(t, r)
		}
		// Another process makes a new secret: this one goes by it within ReadEvery.
		next, err := client.New(s.store, s.clock.Now, s.auth.Limits).Update(t.Context(), "web", client.Change{NewSecret: true})
		if err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(client.ReadEvery)
		if _, r := cost(p.refresh, basicOf("web", web.Secret)...); r.text(t, "error") != "invalid_client" {
			t.Errorf("the old secret: %d %s", r.status, r.body)
		}
		if _, r := cost(p.refresh, basicOf("web", next.Secret)...); r.status != http.StatusOK {
			t.Errorf("the new secret: %d %s", r.status, r.body)
		}
	})
}

func TestGuessesOfAClientSecretAreLimited(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		web, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Web", ID: "web", Confidential: true})
		if err != nil {
			t.Fatal(err)
		}
		p := newPhone(t, s.loginBy("web", "web", web.Secret))
		var statuses []int
		for range ratelimit.MaxNetSecrets + 2 {
			r := s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}}, basicOf("web", "wrong")...)
			statuses = append(statuses, r.status)
			if r.status == http.StatusTooManyRequests && (r.header.Get("Retry-After") == "" || r.text(t, "error") != "temporarily_unavailable") {
				t.Errorf("%v %s", r.header, r.body)
			}
		}
		if want := append(slices.Repeat([]int{401}, ratelimit.MaxNetSecrets), 429, 429); !slices.Equal(statuses, want) {
			t.Errorf("%v", statuses)
		}
		if r := s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}}, basicOf("web", web.Secret)...); r.status != http.StatusOK {
			t.Errorf("strangers lock the client out: %d %s", r.status, r.body)
		}
	})
}
