package resource

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/keyring"
)

// askRoute sends a request to a route with demands.
func askRoute(t *testing.T, v *Verifier, all []Demand, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r, w := httptest.NewRequest(http.MethodGet, theAudience+"/photos", nil), httptest.NewRecorder()
	withHeaders(headers...)(r)
	v.Require(all...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := ClaimsFrom(r.Context()); !ok {
			t.Error("no claims")
		}
	})).ServeHTTP(w, r)
	return w
}

func TestARouteMayDemandALevelAndAnAge(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	now := time.Now().Truncate(time.Second).Add(500 * time.Millisecond)
	i.now = func() time.Time { return now }
	loose, strict := i.verifier(nil), i.verifier(func(c *Config) { c.Leeway = -1 })
	const (
		level = `Bearer error="insufficient_user_authentication", error_description="a different authentication level is required"`
		age   = `Bearer error="insufficient_user_authentication", error_description="more recent authentication is required"`
	)
	proved := func(acr any, ago int64) map[string]any {
		return map[string]any{"acr": acr, "auth_time": now.Unix() - ago, "amr": []string{"pwd"}}
	}
	none := map[string]any{}
	for _, test := range []struct {
		name      string
		claims    map[string]any
		all       []Demand
		challenge string // "": let through
		strict    string // without leeway, if that differs
	}{
		{"no demand, an old token", none, nil, "", ""},
		{"two factors, from two", proved("aal2", 9999), []Demand{ACR(TwoFactors)}, "", ""},
		{"two factors, from one", proved("aal1", 0), []Demand{ACR(TwoFactors)}, level + `, acr_values="aal2"`, ""},
		{"two factors, in capitals", proved("AAL2", 0), []Demand{ACR(TwoFactors)}, level + `, acr_values="aal2"`, ""},
		{"one factor, from one", proved("aal1", 0), []Demand{ACR(OneFactor)}, "", ""},
		{"one factor, from two", proved("aal2", 0), []Demand{ACR(OneFactor)}, "", ""},
		{"one factor, from an unknown level", proved("other", 0), []Demand{ACR(OneFactor)}, level + `, acr_values="aal1"`, ""},
		{"one of several levels, the second", proved("gold", 0), []Demand{ACR("platinum", "gold")}, "", ""},
		{"one of several levels, another", proved("aal2", 0), []Demand{ACR("platinum", "gold")}, level + `, acr_values="platinum gold"`, ""},
		{"any level, from an earlier release", none, []Demand{ACR(OneFactor)}, level + `, acr_values="aal1"`, ""},
		{"any level, with an empty one", proved("", 0), []Demand{ACR(OneFactor)}, level + `, acr_values="aal1"`, ""},
		{"an age, within it", proved("aal1", 300), []Demand{MaxAge(5 * time.Minute)}, "", ""},
		{"an age, within the leeway", proved("aal1", 310), []Demand{MaxAge(5 * time.Minute)}, "", age + `, max_age="300"`},
		{"an age, past both", proved("aal1", 311), []Demand{MaxAge(5 * time.Minute)}, age + `, max_age="300"`, ""},
		{"an age, from an earlier release", none, []Demand{MaxAge(1000 * time.Hour)}, age + `, max_age="3600000"`, ""},
		{"an age, without auth_time", map[string]any{"acr": "aal2"}, []Demand{MaxAge(time.Hour)}, age + `, max_age="3600"`, ""},
		{"no age, proved now", proved("aal1", 0), []Demand{MaxAge(0)}, "", ""},
		{"no age, proved a second ago", proved("aal1", 1), []Demand{MaxAge(0)}, "", age + `, max_age="0"`},
		{"no age, proved a while ago", proved("aal1", 11), []Demand{MaxAge(0)}, age + `, max_age="0"`, ""},
		{"less than no age", proved("aal1", 11), []Demand{MaxAge(-time.Hour)}, age + `, max_age="0"`, ""},
		{"a part of a second", proved("aal1", 12), []Demand{MaxAge(1999 * time.Millisecond)}, age + `, max_age="1"`, ""},
		{"the longest age there is", proved("aal1", 9999), []Demand{MaxAge(1<<63 - 1)}, "", ""},
		{"an age, proved ahead within the leeway", proved("aal1", -10), []Demand{MaxAge(time.Hour)}, "", age + `, max_age="3600"`},
		{"an age, proved in the future", proved("aal1", -11), []Demand{MaxAge(time.Hour)}, age + `, max_age="3600"`, ""},
		{"an age, proved in the far future", proved("aal1", -250000000000+now.Unix()), []Demand{MaxAge(1<<63 - 1)}, age + `, max_age="9223372036"`, ""},
		{"a level alone, proved in the future", proved("aal2", -1000), []Demand{ACR(TwoFactors)}, "", ""},
		{"both, met", proved("aal2", 60), []Demand{ACR(TwoFactors), MaxAge(time.Minute)}, "", ""},
		{"both, too low", proved("aal1", 60), []Demand{ACR(TwoFactors), MaxAge(time.Minute)}, level + `, acr_values="aal2", max_age="60"`, ""},
		{"both, too old", proved("aal2", 71), []Demand{MaxAge(time.Minute), ACR(TwoFactors)}, age + `, acr_values="aal2", max_age="60"`, ""},
		{"the last age counts", proved("aal2", 71), []Demand{MaxAge(time.Minute), MaxAge(time.Hour)}, "", ""},
	} {
		for _, v := range []*Verifier{loose, strict} {
			challenge := test.challenge
			if v == strict && test.strict != "" {
				challenge = test.strict
			}
			w := askRoute(t, v, test.all, "Authorization", "Bearer "+i.token(test.claims))
			if got := strings.Join(w.Header().Values("WWW-Authenticate"), " | "); got != challenge || (w.Code == 401) != (challenge != "") {
				t.Errorf("%s, leeway %v: %d, %q; want %q", test.name, v.config.Leeway, w.Code, got, challenge)
			}
		}
	}
	w := askRoute(t, loose, []Demand{ACR(TwoFactors)}, "Authorization", "Bearer "+i.token(nil))
	var body struct{ Code string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Code != "insufficient_user_authentication" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s, %v, %v", w.Body, w.Header(), err)
	}
	if w := askRoute(t, loose, []Demand{ACR(TwoFactors)}); w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("without a token: %d, %v", w.Code, w.Header())
	}
}

func TestTheDemandsOfABoundTokenComeInItsScheme(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	p := newPhone(t, i)
	bound := i.token(map[string]any{"cnf": map[string]any{"jkt": p.key.ID}, "acr": "aal1", "auth_time": p.now.Unix() - 400})
	want := `DPoP error="insufficient_user_authentication", error_description="a different authentication level is required", acr_values="aal2", max_age="300", ` + algs
	for _, required := range []bool{false, true} {
		v := i.verifier(func(c *Config) { c.DPoP.BaseURL, c.DPoP.Required = theAudience, required })
		all := []Demand{ACR(TwoFactors), MaxAge(5 * time.Minute)}
		w := askRoute(t, v, all, "Authorization", "DPoP "+bound, "DPoP", p.proof(bound, nil))
		got := w.Header().Values("WWW-Authenticate")
		if !required {
			if len(got) != 2 || got[0] != "Bearer" {
				t.Fatalf("%q", got)
			}
			got = got[1:]
		}
		if w.Code != 401 || !slices.Equal(got, []string{want}) {
			t.Errorf("required %v: %d, %q", required, w.Code, got)
		}
	}
}

// Within Middleware, Require must not consume the proof of the request a second time.
func TestRequireGoesByTheClaimsOfMiddleware(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	p := newPhone(t, i)
	v := i.verifier(func(c *Config) { c.DPoP.BaseURL = theAudience })
	for acr, status := range map[string]int{"aal1": 401, "aal2": 200} {
		bound := i.token(map[string]any{"cnf": map[string]any{"jkt": p.key.ID}, "acr": acr})
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, theAudience+"/photos", nil)
		withHeaders("Authorization", "DPoP "+bound, "DPoP", p.proof(bound, nil))(r)
		v.Middleware(v.Require(ACR(TwoFactors))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))).ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s: %d, %s", acr, w.Code, w.Body)
		}
	}
}

func TestClaimsTellHowAPersonSignedIn(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v := i.verifier(nil)
	token := i.token(map[string]any{"auth_time": 1_700_000_000, "acr": "aal2", "amr": []string{"pwd", "otp", "mfa"}})
	for range 2 { // at first use, and from the cache
		c := must[*Claims](t)(v.Verify(t.Context(), token))
		if !c.AuthTime().Equal(time.Unix(1_700_000_000, 0)) || c.ACR() != "aal2" || !slices.Equal(c.AMR(), []string{"pwd", "otp", "mfa"}) {
			t.Errorf("%+v, %q", c, c.AMR())
		}
		c.AMR()[0] = "changed" // must not reach the cache
	}
	if c := must[*Claims](t)(v.Verify(t.Context(), i.token(nil))); !c.AuthTime().IsZero() || c.ACR() != "" || c.AMR() != nil {
		t.Errorf("of an earlier release: %+v, %q", c, c.AMR())
	}
	for name, claims := range map[string]map[string]any{
		"a text as auth_time": {"auth_time": "1700000000"}, "auth_time 0": {"auth_time": 0}, "a negative auth_time": {"auth_time": -5},
		"a number as acr": {"acr": 2}, "a list as acr": {"acr": []string{"aal2"}},
		"a text as amr": {"amr": "pwd"}, "numbers in amr": {"amr": []int{1}}, "null as amr": {"amr": json.RawMessage("null")},
	} {
		want(t, v, i.token(claims), ErrInvalidToken, name)
	}
}

func TestADemandThatCannotBeWrittenIsAMistakeOfTheProgram(t *testing.T) {
	for _, values := range [][]string{nil, {""}, {"aal2", ""}, {"aal1 aal2"}, {`a"b`}, {`a\b`}, {"a\r\nSet-Cookie: x"}, {"é"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q: no panic", values)
				}
			}()
			ACR(values...)
		}()
	}
}

func TestCheckNamesItsKind(t *testing.T) {
	v := newIssuer(t, keyring.EdDSA).verifier(nil)
	if err := v.Check(&Claims{}, ACR(TwoFactors)); !errors.Is(err, ErrInsufficient) {
		t.Error(err)
	}
	if err := v.Check(&Claims{proof: &proof{acr: TwoFactors}}, ACR(TwoFactors)); err != nil {
		t.Error(err)
	}
}
