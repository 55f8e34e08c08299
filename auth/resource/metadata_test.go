package resource

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"latchkey/auth/keyring"
)

// RFC 9728 §3.1 and §3.3: the document is where its resource says, and names that resource.
func TestAResourceServerDescribesItself(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	for resource, at := range map[string]string{
		theAudience: theAudience + metadataName, theAudience + "/": theAudience + metadataName, theAudience + "/photos": theAudience + metadataName + "/photos",
		theAudience + "/a/b/": theAudience + metadataName + "/a/b/", theAudience + "/a?tenant=1": theAudience + metadataName + "/a?tenant=1",
		"https://API.example.com:443/x": theAudience + metadataName + "/x", "http://localhost:8081/x": "http://localhost:8081" + metadataName + "/x",
	} {
		v := i.verifier(func(c *Config) {
			c.DPoP.BaseURL = theAudience
			c.Metadata = Metadata{Resource: resource, Scopes: []string{"photos:read"}, Name: "Photos", Documentation: "https://example.com/docs"}
		})
		mux := http.NewServeMux()
		mux.Handle("GET "+v.MetadataPath(), v.Metadata())
		mux.Handle("/photos", v.Middleware(http.NotFoundHandler()))
		refused := httptest.NewRecorder()
		mux.ServeHTTP(refused, httptest.NewRequest(http.MethodGet, theAudience+"/photos", nil))
		named := `resource_metadata="` + at + `"`
		if got := refused.Header().Values("WWW-Authenticate"); !reflect.DeepEqual(got, []string{"Bearer " + named, "DPoP " + algs + ", " + named}) {
			t.Errorf("%s: %q", resource, got)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, at, nil))
		var m map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Fatalf("%s: %d %v %s", resource, w.Code, w.Header(), w.Body)
		}
		if want := map[string]any{
			"resource": resource, "authorization_servers": []any{theIssuer}, "scopes_supported": []any{"photos:read"}, "bearer_methods_supported": []any{"header"},
			"resource_name": "Photos", "resource_documentation": "https://example.com/docs", "dpop_signing_alg_values_supported": []any{"ES256", "EdDSA", "Ed25519"},
		}; !reflect.DeepEqual(m, want) {
			t.Errorf("%s: %v", resource, m)
		}
		post := httptest.NewRecorder()
		v.Metadata().ServeHTTP(post, httptest.NewRequest(http.MethodPost, at, nil))
		if post.Code != http.StatusMethodNotAllowed || post.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("POST: %d %v", post.Code, post.Header())
		}
	}
	for _, bad := range []string{"photos", "http://api.example.com", "https://", "https://u@api.example.com", theAudience + "/#x", theAudience + "/#", theAudience + `/"x`, theAudience + "/a b", "ftp://api.example.com"} {
		if _, err := New(Config{Issuer: theIssuer, Audience: theAudience, Metadata: Metadata{Resource: bad}}); err == nil || !strings.Contains(err.Error(), "Metadata.Resource") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	bare := i.verifier(nil)
	if bare.MetadataPath() != "" {
		t.Error(bare.MetadataPath())
	}
}

func TestARouteMayDemandScopes(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v := i.verifier(func(c *Config) { c.Metadata.Resource = theAudience })
	const (
		read    = `scope="photos:read"`
		lacking = `Bearer error="insufficient_scope", error_description="the token lacks a scope", `
		named   = `, resource_metadata="` + theAudience + metadataName + `"`
	)
	for _, test := range []struct {
		name      string
		claims    map[string]any
		all       []Demand
		status    int
		challenge string
	}{
		{"it has it", map[string]any{"scope": "openid photos:read"}, []Demand{Scope("photos:read")}, 200, ""},
		{"it has both", map[string]any{"scope": "photos:write photos:read"}, []Demand{Scope("photos:read", "photos:write")}, 200, ""},
		{"it has one of both", map[string]any{"scope": "photos:write"}, []Demand{Scope("photos:read", "photos:write")}, 403, lacking + `scope="photos:read photos:write"` + named},
		{"another", map[string]any{"scope": "photos:reader xphotos:read PHOTOS:READ"}, []Demand{Scope("photos:read")}, 403, lacking + read + named},
		{"none", map[string]any{"scope": ""}, []Demand{Scope("photos:read")}, 403, lacking + read + named},
		{"no claim", nil, []Demand{Scope("photos:read")}, 403, lacking + read + named},
		{"no demand", nil, nil, 200, ""},
		{"neither scope nor level", nil, []Demand{ACR(TwoFactors), Scope("photos:read")}, 403, lacking + read + named},
		{"the scope, not the level", map[string]any{"scope": "photos:read"}, []Demand{Scope("photos:read"), ACR(TwoFactors)}, 401, `Bearer error="insufficient_user_authentication", error_description="a different authentication level is required", acr_values="aal2"` + named},
		{"a list", map[string]any{"scope": []string{"photos:read"}}, []Demand{Scope("photos:read")}, 401, `Bearer error="invalid_token", error_description="its claims are not what they should be"` + named},
	} {
		w := askRoute(t, v, test.all, "Authorization", "Bearer "+i.token(test.claims))
		if got := w.Header().Get("WWW-Authenticate"); w.Code != test.status || got != test.challenge {
			t.Errorf("%s: %d %q, want %q", test.name, w.Code, got, test.challenge)
		}
	}
	c := must[*Claims](t)(v.Verify(t.Context(), i.token(map[string]any{"scope": "a b"})))
	c.Scopes()[0] = "changed" // must not reach the cache
	if got := c.Scopes(); !reflect.DeepEqual(got, []string{"a", "b"}) || !c.HasScope("b") || c.HasScope("c") {
		t.Errorf("%q", got)
	}
	if c := must[*Claims](t)(v.Verify(t.Context(), i.token(nil))); c.Scopes() != nil || c.HasScope("") {
		t.Errorf("%q", c.Scopes())
	}
	if c := must[*Claims](t)(v.Verify(t.Context(), i.token(map[string]any{"scope": ""}))); c.Scopes() == nil {
		t.Error("an empty scope is taken for none")
	}
}
