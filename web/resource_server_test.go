package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/web"
)

// described is the parameter of challenges that names the document about our own API (RFC 9728 §5.1).
func (s *site) described() string {
	return `resource_metadata="` + s.config.Issuer + `/.well-known/oauth-protected-resource"`
}

func TestAResourceServerAsksAboutTokens(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		photos, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Photos", ID: "photos", Confidential: true})
		if err != nil {
			t.Fatal(err)
		}
		p := s.login("phone")
		basic := basicOf("photos", photos.Secret)
		ask := func(presented string, headers ...string) reply {
			return s.postForm("/oauth/introspect", url.Values{"token": {presented}, "token_type_hint": {"access_token"}}, headers...)
		}
		const inactive = `{"active":false}` + "\n"
		for name, r := range map[string]reply{
			"by Basic": ask(p.access, basic...), "in the body": s.postForm("/oauth/introspect", url.Values{"token": {p.access}, "client_id": {"photos"}, "client_secret": {photos.Secret}}),
			"in JSON":                   s.postJSON("/oauth/introspect", map[string]string{"token": p.access, "client_id": "photos", "client_secret": photos.Secret}),
			"with an access token, too": ask(p.access, append(bearer(p.access), basic...)...),
		} {
			m := r.json(t)
			if r.status != http.StatusOK || m["active"] != true || m["client_id"] != "app" || m["sid"] != p.id || m["token_type"] != "Bearer" ||
				r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Type") != jsonType || m["username"] != nil || strings.Contains(r.body, adaEmail) {
				t.Errorf("%s: %d %v %s", name, r.status, r.header, r.body)
			}
		}
		for name, presented := range map[string]string{"garbage": "x", "another client's device token": p.refresh, "a token cut": p.access[:len(p.access)-1]} {
			if r := ask(presented, basic...); r.status != http.StatusOK || r.body != inactive || r.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v %s", name, r.status, r.header, r.body)
			}
		}
		p = s.refreshed(p.refresh) // nothing was used up

		for name, c := range map[string]struct {
			r      reply
			status int
			code   string
		}{
			"nothing":               {ask(p.access), 401, "invalid_client"},
			"an access token alone": {ask(p.access, bearer(p.access)...), 401, "invalid_client"},
			"a public client":       {s.postForm("/oauth/introspect", url.Values{"token": {p.access}, "client_id": {"app"}}), 401, "invalid_client"},
			"a public client, by Basic without a secret": {ask(p.access, basicOf("app", "")...), 401, "invalid_client"},
			"an unknown client with a secret":            {s.postForm("/oauth/introspect", url.Values{"token": {p.access}, "client_id": {"none"}, "client_secret": {photos.Secret}}), 401, "invalid_client"},
			"a wrong secret":                             {ask(p.access, basicOf("photos", photos.Secret+"x")...), 401, "invalid_client"},
			"an unknown token from nobody":               {ask("x"), 401, "invalid_client"},
			"no token from nobody":                       {ask(""), 401, "invalid_client"},
			"no token":                                   {ask("", basic...), 400, "invalid_request"},
			"two tokens":                                 {s.postForm("/oauth/introspect", url.Values{"token": {p.access, p.access}}, basic...), 400, "invalid_request"},
			"a GET":                                      {s.request(http.MethodGet, "/oauth/introspect?token="+p.access, "", basic...), 405, "invalid_request"},
		} {
			if c.r.status != c.status || c.r.text(t, "error") != c.code || c.r.header.Get("Cache-Control") != "no-store" || strings.Contains(c.r.body, "active") {
				t.Errorf("%s: %d %s", name, c.r.status, c.r.body)
			}
		}
		s.signOut("by its owner", p.refresh)
		if r := ask(p.access, basic...); r.body != inactive {
			t.Errorf("signed out: %s", r.body)
		}
		if log := s.log.String(); strings.Contains(log, p.access) || strings.Contains(log, photos.Secret) {
			t.Error("a token or a secret is in the log")
		}
	})
}

func TestTheAPIAsksForAScope(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for id, scopes := range map[string][]string{"app": nil, "reader": {client.OwnDevicesRead}, "writer": {client.OwnDevicesWrite}, "photos": {"photos:read"}} {
			if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: id, ID: id, Scopes: scopes}); err != nil {
				t.Fatal(err)
			}
		}
		other := s.login("other")
		owner := newProver(t, s, "ES256")
		scheme := map[string]string{"Bearer": "", "DPoP": `algs="ES256 EdDSA Ed25519", `}
		for kind, algs := range scheme {
			for id, may := range map[string]string{"app": "rw", "reader": "r", "writer": "w", "photos": ""} {
				var headers []string
				if kind == "DPoP" {
					headers = []string{"DPoP", owner.proof("POST", "/api/login", "", nil)}
				}
				r := s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x", "client_id": id}, headers...)
				p := newPhone(t, r)
				for _, c := range []struct {
					needs, method, path, body string
					status                    int // if it is allowed
				}{
					{"", "GET", "/api/whoami", "", 200},
					{"r", "GET", "/api/devices", "", 200},
					{"w", "PATCH", "/api/devices/current", `{"name":"y"}`, 200},
					{"w", "PATCH", "/api/devices/" + other.id, `{"name":"z","password":"` + adaPassword + `"}`, 200},
					{"w", "POST", "/api/confirmation", `{"password":"` + adaPassword + `"}`, 200},
					{"w", "POST", "/api/confirmation/factor", `{"challenge":"` + noChallenge + `","method":"totp","code":"000000"}`, 401},
					{"w", "POST", "/api/confirmation/passkey", "", 403},
					{"w", "DELETE", "/api/devices/" + noDevice, `{"password":"wrong"}`, 404},
					{"w", "DELETE", "/api/devices/current", "", 204},
				} {
					headers := []string{"Authorization", kind + " " + p.access, "Content-Type", jsonType}
					if kind == "DPoP" {
						headers = append(headers, "DPoP", owner.proof(c.method, c.path, p.access, nil))
					}
					r := s.request(c.method, c.path, c.body, headers...)
					challenge := r.header.Get("WWW-Authenticate")
					code := ""
					if r.status >= 400 {
						code = r.text(t, "code")
					}
					name := map[string]string{"r": client.OwnDevicesRead, "w": client.OwnDevicesWrite}[c.needs]
					switch want := kind + ` error="insufficient_scope", scope="` + name + `", ` + algs + s.described(); {
					case id == "photos": // its tokens are for other servers
						if want := kind + ` error="invalid_token", ` + algs + s.described(); r.status != 401 || challenge != want {
							t.Errorf("%s, %s: %s %s: %d %q", kind, id, c.method, c.path, r.status, challenge)
						}
					case strings.Contains(may, c.needs):
						if r.status != c.status && kind == "Bearer" || code == "insufficient_scope" {
							t.Errorf("%s, %s: %s %s: %d %s", kind, id, c.method, c.path, r.status, r.body)
						}
					case r.status != http.StatusForbidden || code != "insufficient_scope" || challenge != want || strings.Contains(r.body, p.access):
						t.Errorf("%s, %s: %s %s: %d %q %s", kind, id, c.method, c.path, r.status, challenge, r.body)
					}
				}
				if id != "app" && id != "writer" { // it may sign itself out as any client may, and refresh before
					if kind == "Bearer" {
						p = s.refreshed(p.refresh)
					}
					headers := []string{}
					if kind == "DPoP" {
						headers = []string{"DPoP", owner.proof("POST", "/oauth/revoke", p.access, nil)}
					}
					if r := s.postForm("/oauth/revoke", url.Values{"token": {p.access}}, headers...); r.status != http.StatusOK {
						t.Errorf("%s, %s: revocation: %d %s", kind, id, r.status, r.body)
					}
					if kind == "Bearer" {
						s.refused(p.refresh, token.ReasonRevoked)
					}
				}
			}
		}
	})
}

// RFC 9728 §3: the path of the resource follows the well-known name, and the document names the resource.
func TestOurAPIDescribesItselfAsAProtectedResource(t *testing.T) {
	for path, change := range map[string]func(*services.Config, *web.Config){
		"":         nil,
		"/tenant":  func(a *services.Config, _ *web.Config) { a.Issuer += "/tenant" },
		"/a/b/":    func(a *services.Config, _ *web.Config) { a.Issuer += "/a/b/" },
		"/ä%20ö/x": func(a *services.Config, _ *web.Config) { a.Issuer += "/ä%20ö/x" },
	} {
		t.Run("issuer "+path, func(t *testing.T) {
			onSQLite(t, func(t *testing.T, s *site) {
				challenges := s.request(http.MethodGet, "/api/devices", "").header.Values("WWW-Authenticate")
				if len(challenges) != 2 {
					t.Fatal(challenges)
				}
				for _, challenge := range challenges {
					_, at, _ := strings.Cut(challenge, `resource_metadata="`)
					at, ours := strings.CutPrefix(strings.TrimSuffix(at, `"`), s.URL)
					r := s.request(http.MethodGet, at, "")
					var m struct {
						Resource  string   `json:"resource"`
						Servers   []string `json:"authorization_servers"`
						Scopes    []string `json:"scopes_supported"`
						Methods   []string `json:"bearer_methods_supported"`
						Algs      []string `json:"dpop_signing_alg_values_supported"`
						Described string   `json:"resource_documentation"`
					}
					d := json.NewDecoder(strings.NewReader(r.body))
					d.DisallowUnknownFields()
					if err := d.Decode(&m); err != nil || !ours || r.status != http.StatusOK || r.header.Get("Cache-Control") != "public, max-age=300" {
						t.Fatalf("%s: %d %s", challenge, r.status, r.body)
					}
					if m.Resource != s.config.Issuer || len(m.Servers) != 1 || m.Servers[0] != m.Resource || len(m.Scopes) != 2 || len(m.Methods) != 1 || m.Methods[0] != "header" || len(m.Algs) != 3 || m.Described != s.URL+"/docs" {
						t.Errorf("%+v", m)
					}
				}
				for _, other := range []string{"/", "/other", "/tenant/x"} {
					if r := s.request(http.MethodGet, "/.well-known/oauth-protected-resource"+other, ""); r.status != http.StatusNotFound {
						t.Errorf("%s: %d %s", other, r.status, r.body)
					}
				}
			}, func(a *services.Config, w *web.Config) {
				if change != nil {
					change(a, w)
				}
			})
		})
	}
}
