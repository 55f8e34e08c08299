package web_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/web"
)

// serverMetadata is what RFC 8414, RFC 7009, RFC 9126, RFC 9207, RFC 9449, OpenID Connect Discovery and MSC4191 register, as far as it is used here. A
// member that is not one of these is a mistake.
type serverMetadata struct {
	Issuer            string   `json:"issuer"`
	Authorization     string   `json:"authorization_endpoint"`
	Pushed            string   `json:"pushed_authorization_request_endpoint"`
	Token             string   `json:"token_endpoint"`
	UserInfo          string   `json:"userinfo_endpoint"`
	Revocation        string   `json:"revocation_endpoint"`
	JWKS              string   `json:"jwks_uri"`
	Documentation     string   `json:"service_documentation"`
	Responses         []string `json:"response_types_supported"`
	Modes             []string `json:"response_modes_supported"`
	Grants            []string `json:"grant_types_supported"`
	Scopes            []string `json:"scopes_supported"`
	Challenges        []string `json:"code_challenge_methods_supported"`
	Prompts           []string `json:"prompt_values_supported"`
	Subjects          []string `json:"subject_types_supported"`
	IDTokenAlgs       []string `json:"id_token_signing_alg_values_supported"`
	Claims            []string `json:"claims_supported"`
	ACRs              []string `json:"acr_values_supported"`
	Locales           []string `json:"ui_locales_supported"`
	TokenAuth         []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuth    []string `json:"revocation_endpoint_auth_methods_supported"`
	Device            string   `json:"device_authorization_endpoint"`
	EndSession        string   `json:"end_session_endpoint"`
	Backchannel       bool     `json:"backchannel_logout_supported"`
	BackchannelSID    bool     `json:"backchannel_logout_session_supported"`
	Introspection     string   `json:"introspection_endpoint"`
	IntrospectionAuth []string `json:"introspection_endpoint_auth_methods_supported"`
	Resources         []string `json:"protected_resources"`
	DPoPAlgs          []string `json:"dpop_signing_alg_values_supported"`
	Iss               bool     `json:"authorization_response_iss_parameter_supported"`
	ClaimsParam       bool     `json:"claims_parameter_supported"`
	RequestParam      bool     `json:"request_parameter_supported"`
	RequestURI        bool     `json:"request_uri_parameter_supported"`
	Account           string   `json:"account_management_uri"`
	AccountActions    []string `json:"account_management_actions_supported"`
}

func (s *site) metadata(t *testing.T, path string) (m serverMetadata) {
	t.Helper()
	r := s.request(http.MethodGet, path, "")
	d := json.NewDecoder(strings.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || r.status != http.StatusOK || r.header.Get("Content-Type") != jsonType || r.header.Get("Cache-Control") != "public, max-age=300" {
		t.Fatalf("%d %v %s: %v", r.status, r.header, r.body, err)
	}
	return m
}

func TestEveryWordOfTheMetadataIsTrue(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		m := s.metadata(t, "/.well-known/oauth-authorization-server")
		post := func(address string, form url.Values, headers ...string) reply {
			path, ours := strings.CutPrefix(address, s.URL)
			if !ours {
				t.Fatalf("%s is not here", address)
			}
			return s.postForm(path, form, headers...)
		}
		p := s.login("phone")
		if c := joseVerified(t, s, "ES256", p.access); c.Issuer != m.Issuer || m.Issuer != s.URL || m.JWKS != s.URL+"/.well-known/jwks.json" {
			t.Errorf("issuer %s, iss %s, keys at %s", m.Issuer, c.Issuer, m.JWKS)
		}

		if openID := s.metadata(t, "/.well-known/openid-configuration"); !reflect.DeepEqual(openID, m) {
			t.Errorf("OpenID Connect says %+v, OAuth %+v", openID, m)
		}
		m.provesItsSignIn(t, s)
		if !slices.Equal(m.Grants, []string{"authorization_code", "client_credentials", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"}) || !slices.Equal(m.Responses, []string{"code"}) {
			t.Errorf("grants %v, response types %v", m.Grants, m.Responses)
		}
		for _, grant := range []string{"password", "implicit"} {
			if r := post(m.Token, url.Values{"grant_type": {grant}, "refresh_token": {p.refresh}}); r.text(t, "error") != "unsupported_grant_type" {
				t.Errorf("%s: %d %s", grant, r.status, r.body)
			}
		}

		// none: a public client says who it is and proves nothing; a secret in HTTP Basic is refused.
		methods := []string{"none", "client_secret_basic", "client_secret_post"}
		if !slices.Equal(m.TokenAuth, methods) || !slices.Equal(m.RevocationAuth, methods) {
			t.Errorf("client authentication %v, %v", m.TokenAuth, m.RevocationAuth)
		}
		m.leadsIntoTheAccount(t, s, p.id)
		if m.EndSession != s.URL+"/oauth/logout" || !m.Backchannel || !m.BackchannelSID {
			t.Errorf("sign-outs: %+v", m)
		}
		for _, address := range []string{m.Token, m.Revocation} {
			r := post(address, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}, "token": {p.refresh}}, "Authorization", "Basic YXBwOnNlY3JldA==")
			if r.status != http.StatusUnauthorized || r.text(t, "error") != "invalid_client" {
				t.Errorf("%s with a secret: %d %s", address, r.status, r.body)
			}
		}
		r := post(m.Token, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}, "client_id": {"app"}})
		if r.status != http.StatusOK {
			t.Fatalf("refresh: %d %s", r.status, r.body)
		}
		p = newPhone(t, r)
		if r := post(m.Revocation, url.Values{"token": {p.refresh}, "client_id": {"app"}}); r.status != http.StatusOK {
			t.Errorf("revocation: %d %s", r.status, r.body)
		}
		s.refused(p.refresh, token.ReasonRevoked)

		if want := []string{"client_secret_basic", "client_secret_post"}; !slices.Equal(m.IntrospectionAuth, want) || !slices.Equal(m.Scopes, []string{"openid", "email", "offline_access", "own_devices:read", "own_devices:write"}) || !slices.Equal(m.Resources, []string{s.URL}) {
			t.Errorf("%+v", m)
		}
		if r := post(m.Introspection, url.Values{"token": {"x"}}); r.status != http.StatusUnauthorized || r.text(t, "error") != "invalid_client" {
			t.Errorf("introspection by nobody: %d %s", r.status, r.body)
		}
		if len(m.DPoPAlgs) == 0 {
			t.Error("no algorithms for proofs")
		}
		for _, alg := range m.DPoPAlgs {
			if r := newProver(t, s, alg).login(alg); r.status != http.StatusOK || r.text(t, "token_type") != "DPoP" {
				t.Errorf("a proof by %s: %d %s", alg, r.status, r.body)
			}
		}
		if r := newProver(t, s, "RS256").login("RS256"); r.status != http.StatusBadRequest {
			t.Errorf("a proof by RS256, which is not listed: %d %s", r.status, r.body)
		}
		path, ours := strings.CutPrefix(m.Documentation, s.URL)
		if r := s.request(http.MethodGet, path, ""); !ours || r.status != http.StatusOK || !strings.Contains(r.body, "</html>") {
			t.Errorf("documentation at %s: %d", m.Documentation, r.status)
		}
	})
}

// provesItsSignIn holds what the metadata says of sign-ins through the browser against one of each.
func (m serverMetadata) provesItsSignIn(t *testing.T, s *site) {
	t.Helper()
	s.addNotes()
	defer func() {
		if err := s.auth.Clients.Remove(t.Context(), "notes"); err != nil {
			t.Error(err)
		}
	}()
	if m.Authorization != s.URL+"/oauth/authorize" || m.Pushed != s.URL+"/oauth/par" || m.UserInfo != s.URL+"/oauth/userinfo" || !m.Iss || m.ClaimsParam || m.RequestParam || m.RequestURI {
		t.Errorf("%+v", m)
	}
	b := s.signedIn()
	claims := map[string]bool{}
	for _, mode := range append(m.Modes, "fragment") {
		r := b.get("/oauth/authorize?" + asked("response_mode", mode, "prompt", "none").Encode())
		if got := strings.Contains(r.body+r.header.Get("Location"), "interaction_required"); got != slices.Contains(m.Modes, mode) {
			t.Errorf("response_mode %s: %d %s", mode, r.status, r.header.Get("Location"))
		}
	}
	for _, prompt := range append(m.Prompts, "create") {
		r := b.get("/oauth/authorize?" + asked("prompt", prompt).Encode())
		if bad := strings.Contains(r.header.Get("Location"), "invalid_request"); r.status != http.StatusSeeOther || bad == slices.Contains(m.Prompts, prompt) {
			t.Errorf("prompt %s: %d %s", prompt, r.status, r.header.Get("Location"))
		}
	}
	for _, method := range append(m.Challenges, "plain") {
		r := b.get("/oauth/authorize?" + asked("code_challenge_method", method).Encode())
		if bad := strings.Contains(r.header.Get("Location"), "invalid_request"); bad == slices.Contains(m.Challenges, method) {
			t.Errorf("%s: %s", method, r.header.Get("Location"))
		}
	}
	for _, scope := range []string{strings.Join(m.Scopes[:3], " "), "openid"} { // the others are what a client is registered for
		r := s.redeem(b.answered(b.allows(b.asks("scope", scope+" profile", "acr_values", m.ACRs[0])), notesURI).Get("code"))
		if r.text(t, "scope") != scope {
			t.Errorf("scope %q, want %q", r.text(t, "scope"), scope)
		}
		header, body := jwtParts(t, r.text(t, "id_token"))
		if !slices.Contains(m.IDTokenAlgs, header["alg"].(string)) || !slices.Contains(m.ACRs, body["acr"].(string)) {
			t.Errorf("%v %v", header, body)
		}
		for claim := range body {
			claims[claim] = true
		}
	}
	if got := slices.Sorted(maps.Keys(claims)); !slices.Equal(got, slices.Sorted(slices.Values(m.Claims))) {
		t.Errorf("claims %q, said to be %q", got, m.Claims)
	}
	for _, locale := range m.Locales {
		if lang := b.shown(b.asks("ui_locales", locale)).one("html").attr("lang"); lang != locale {
			t.Errorf("ui_locales=%s: the page speaks %s", locale, lang)
		}
	}
	if !slices.Equal(m.Subjects, []string{"public"}) || !slices.Equal(m.Locales, []string{"en"}) {
		t.Errorf("%v %v", m.Subjects, m.Locales)
	}
}

// leadsIntoTheAccount follows every action that the metadata name (MSC4191 of Matrix).
func (m serverMetadata) leadsIntoTheAccount(t *testing.T, s *site, device string) {
	t.Helper()
	path, ours := strings.CutPrefix(m.Account, s.URL)
	if !ours || len(m.AccountActions) == 0 || !slices.IsSorted(m.AccountActions) {
		t.Fatalf("%s %q", m.Account, m.AccountActions)
	}
	b, seen := s.signedIn(), map[string]bool{}
	for _, action := range m.AccountActions {
		page := b.get(path + "?" + url.Values{"action": {action}, "device_id": {device}}.Encode()).header.Get("Location")
		b.shown(page).one("h1")
		seen[page] = true
	}
	for _, page := range []string{"/devices", "/devices/" + device, "/devices/" + device + "/revoke", "/security", "/security/delete"} {
		if !seen[page] {
			t.Errorf("no action leads to %s: %v", page, seen)
		}
	}
}

// jwtParts reads a token without checking it.
func jwtParts(t *testing.T, text string) (header, body map[string]any) {
	t.Helper()
	parts := strings.Split(text, ".")
	for i, to := range []*map[string]any{&header, &body} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, to); err != nil {
			t.Fatal(err)
		}
	}
	return header, body
}

// RFC 8414 §3.1: the path of an issuer follows the well-known part. In OpenID Connect Discovery §4 it stands before.
func TestAnIssuerWithAPathIsFoundByItsMetadata(t *testing.T) {
	for issuer, path := range map[string]string{
		"/tenant":                           "/tenant",
		"/tenant/":                          "/tenant",
		"/a/b":                              "/a/b",
		"":                                  "",
		"https://accounts.example.com/here": "/here", // a proxy of that host sends the path on
	} {
		t.Run("issuer "+issuer, func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				const known = "/.well-known/oauth-authorization-server"
				m := s.metadata(t, known+path)
				want := issuer
				if !strings.HasPrefix(issuer, "https:") {
					want = s.URL + issuer
				}
				// The endpoints are at the base URL, wherever the issuer is.
				if m.Issuer != want || m.Token != s.URL+"/oauth/token" || joseVerified(t, s, "ES256", s.login("phone").access).Issuer != want {
					t.Errorf("%+v", m)
				}
				for _, openID := range []string{"/.well-known/openid-configuration" + path, path + "/.well-known/openid-configuration"} {
					if got := s.metadata(t, openID); !reflect.DeepEqual(got, m) {
						t.Errorf("%s: %+v", openID, got)
					}
					if r := s.request(http.MethodGet, openID, "", "Origin", "https://any.example"); r.header.Get("Access-Control-Allow-Origin") != "*" {
						t.Errorf("%s: scripts of other origins cannot read it", openID)
					}
				}
				if r := s.request(http.MethodGet, "/other/.well-known/openid-configuration", ""); r.status != http.StatusNotFound {
					t.Errorf("below a path of another issuer: %d", r.status)
				}
				for _, other := range []string{"/", "/other", "/tenant/x"} {
					if r := s.request(http.MethodGet, known+other, ""); r.status == http.StatusOK {
						t.Errorf("%s: %s", other, r.body)
					}
				}
			}, func(a *services.Config, _ *web.Config) {
				if strings.HasPrefix(issuer, "https:") {
					a.Issuer = issuer
				} else {
					a.Issuer += issuer
				}
			})
		})
	}
}
