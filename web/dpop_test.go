package web_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/jws"
	"latchkey/auth/keyring"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/web"
)

// prover is the key in a device, and what it makes proofs of.
type prover struct {
	t      testing.TB
	s      *site
	alg    string // as its proofs name it
	method jwt.SigningMethod
	key    crypto.Signer
}

func newProver(t testing.TB, s *site, alg string) *prover {
	t.Helper()
	k, err := keyring.Generate(jws.Alg(alg), 1, s.clock.Now(), s.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return &prover{t, s, alg, k.Method(), k.Signer()}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p *prover) jwk() map[string]any {
	switch public := p.key.Public().(type) {
	case *ecdsa.PublicKey:
		raw, err := public.Bytes()
		if err != nil {
			p.t.Fatal(err)
		}
		return map[string]any{"kty": "EC", "crv": "P-256", "x": b64(raw[1:33]), "y": b64(raw[33:])}
	case ed25519.PublicKey:
		return map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(public)}
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "n": b64(public.N.Bytes()), "e": "AQAB"}
	}
	return nil
}

// proof signs a proof for one request; change may spoil it.
func (p *prover) proof(method, path, accessToken string, change func(header, claims map[string]any)) string {
	p.t.Helper()
	claims := jwt.MapClaims{"jti": rand.Text(), "htm": method, "htu": p.s.URL + path, "iat": p.s.clock.Now().Unix()}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		claims["ath"] = b64(sum[:])
	}
	token := jwt.NewWithClaims(p.method, claims)
	token.Header["typ"], token.Header["alg"], token.Header["jwk"] = "dpop+jwt", p.alg, p.jwk()
	if change != nil {
		change(token.Header, claims)
	}
	text, err := token.SignedString(p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

func (p *prover) login(name string) reply {
	p.t.Helper()
	return p.s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": name},
		"DPoP", p.proof("POST", "/api/login", "", nil))
}

func (p *prover) refresh(token string) reply {
	p.t.Helper()
	return p.s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}},
		"DPoP", p.proof("POST", "/oauth/token", "", nil))
}

func (p *prover) get(path, access string) reply {
	p.t.Helper()
	return p.s.request(http.MethodGet, path, "", "Authorization", "DPoP "+access, "DPoP", p.proof("GET", path, access, nil))
}

func TestACopyOfABoundPhoneIsWorthless(t *testing.T) {
	for _, alg := range []string{"ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				owner, thief := newProver(t, s, alg), newProver(t, s, alg)
				r := owner.login("phone")
				p := newPhone(t, r)
				if r.text(t, "token_type") != "DPoP" {
					t.Fatalf("%s", r.body)
				}
				jkt, err := jws.Thumbprint(owner.key.Public())
				if err != nil {
					t.Fatal(err)
				}
				claims := jwt.MapClaims{}
				if _, _, err := jwt.NewParser().ParseUnverified(p.access, claims); err != nil || claims["cnf"].(map[string]any)["jkt"] != jkt {
					t.Errorf("cnf %v, want %s", claims["cnf"], jkt)
				}
				// The thief has both tokens, and no key.
				if r := s.refresh(p.refresh); r.status != http.StatusBadRequest || r.text(t, "error") != "invalid_dpop_proof" {
					t.Errorf("refresh without a proof: %d %s", r.status, r.body)
				}
				if r := thief.refresh(p.refresh); r.status != http.StatusBadRequest || r.text(t, "error") != "invalid_grant" {
					t.Errorf("refresh with another key: %d %s", r.status, r.body)
				}
				if r := s.request(http.MethodGet, "/api/whoami", "", bearer(p.access)...); r.status != http.StatusUnauthorized {
					t.Errorf("the bound token as Bearer: %d %s", r.status, r.body)
				}
				if r := thief.get("/api/whoami", p.access); r.status != http.StatusUnauthorized || r.text(t, "code") != "invalid_token" {
					t.Errorf("the bound token with another key: %d %s", r.status, r.body)
				}
				// None of it consumed anything.
				before := s.statements.Load()
				next := newPhone(t, owner.refresh(p.refresh))
				if n := s.statements.Load() - before; n != 1 {
					t.Errorf("a refresh with a proof is %d statements", n)
				}
				if _, got := parse(t, next.refresh); got.Generation != 2 {
					t.Errorf("generation %d", got.Generation)
				}
				if r := owner.get("/api/whoami", next.access); r.status != http.StatusOK {
					t.Errorf("whoami: %d %s", r.status, r.body)
				}
			})
		})
	}
}

// The lenient row of the fork rule: a bound device may repeat its base from anywhere, at any time.
func TestABoundDeviceMayAlwaysRepeat(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "ES256")
		first := newPhone(t, owner.login("phone"))
		second := newPhone(t, owner.refresh(first.refresh))
		s.clock.Advance(20 * 24 * time.Hour)
		if again := newPhone(t, owner.refresh(first.refresh)); again.refresh != second.refresh {
			t.Error("the base of a bound device got another answer")
		}
		newPhone(t, owner.refresh(second.refresh))
		if r := owner.refresh(first.refresh); r.text(t, "reason") != token.ReasonReused {
			t.Errorf("a dead token of a bound device: %d %s", r.status, r.body)
		}
	})
}

func TestAnUnboundDeviceGetsABoundAccessTokenAndStaysUnbound(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "EdDSA")
		p := s.login("phone")
		r := owner.refresh(p.refresh)
		next := newPhone(t, r)
		if r.text(t, "token_type") != "DPoP" || owner.get("/api/whoami", next.access).status != http.StatusOK {
			t.Errorf("%s", r.body)
		}
		if r := s.request(http.MethodGet, "/api/whoami", "", bearer(next.access)...); r.status != http.StatusUnauthorized {
			t.Errorf("as Bearer: %d", r.status)
		}
		if r := s.refresh(next.refresh); r.status != http.StatusOK || r.text(t, "token_type") != "Bearer" {
			t.Errorf("without a proof: %d %s", r.status, r.body)
		}
	})
}

func TestABoundDeviceSignsOthersOutWithoutThePassword(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "ES256")
		other, bound := s.login("other"), newPhone(t, owner.login("bound"))
		path := "/api/devices/" + other.id
		r := s.request(http.MethodDelete, path, "", "Authorization", "DPoP "+bound.access, "DPoP", owner.proof("DELETE", path, bound.access, nil))
		if r.status != http.StatusNoContent {
			t.Errorf("%d %s", r.status, r.body)
		}
		s.refused(other.refresh, token.ReasonRevoked)
	})
}

func TestBadProofsAreRefusedAndConsumeNothing(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "ES256")
		p := newPhone(t, owner.login("phone"))
		set := func(part, name string, value any) func(h, c map[string]any) {
			return func(h, c map[string]any) {
				into := c
				if part == "header" {
					into = h
				}
				if value == nil {
					delete(into, name)
				} else {
					into[name] = value
				}
			}
		}
		jwk := func(change func(jwk map[string]any)) func(h, c map[string]any) {
			return func(h, _ map[string]any) {
				k := owner.jwk()
				change(k)
				h["jwk"] = k
			}
		}
		good := func() string { return owner.proof("POST", "/oauth/token", "", nil) }
		spoiled := func(change func(h, c map[string]any)) []string {
			return []string{owner.proof("POST", "/oauth/token", "", change)}
		}
		foreign := func(method jwt.SigningMethod, key any, jwk map[string]any) []string {
			token := jwt.NewWithClaims(method, jwt.MapClaims{"jti": rand.Text(), "htm": "POST", "htu": s.URL + "/oauth/token", "iat": s.clock.Now().Unix()})
			token.Header["typ"], token.Header["jwk"] = "dpop+jwt", jwk
			text, err := token.SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			return []string{text}
		}
		used := good()
		p = newPhone(t, s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}}, "DPoP", used))
		parts := strings.Split(good(), ".")
		other := newProver(t, s, "ES256")
		kinds := map[string][]string{
			"two headers":              {good(), good()},
			"the same header twice":    {used, used},
			"empty":                    {""},
			"not a JWT":                {"x"},
			"two in one, by a comma":   {good() + ", " + good()},
			"oversized":                spoiled(set("claims", "extra", strings.Repeat("a", 8000))),
			"signature cut":            {parts[0] + "." + parts[1] + "." + parts[2][:40]},
			"no signature":             {parts[0] + "." + parts[1] + "."},
			"changed claims":           {parts[0] + "." + b64([]byte(`{"jti":"x","htm":"POST","htu":"`+s.URL+`/oauth/token","iat":1}`)) + "." + parts[2]},
			"another key's signature":  {strings.Join([]string{parts[0], parts[1], strings.Split(other.proof("POST", "/oauth/token", "", nil), ".")[2]}, ".")},
			"padded":                   {good() + "="},
			"replayed":                 {used},
			"typ JWT":                  spoiled(set("header", "typ", "JWT")),
			"no typ":                   spoiled(set("header", "typ", nil)),
			"alg none":                 foreign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, owner.jwk()),
			"HS256":                    foreign(jwt.SigningMethodHS256, []byte("secret"), map[string]any{"kty": "oct"}),
			"HS256 with a shared key":  foreign(jwt.SigningMethodHS256, []byte("secret"), map[string]any{"kty": "oct", "k": b64([]byte("secret"))}),
			"RS256":                    foreign(jwt.SigningMethodRS256, weak, (&prover{t: t, key: weak}).jwk()),
			"PS256":                    foreign(jwt.SigningMethodPS256, weak, (&prover{t: t, key: weak}).jwk()),
			"ES384":                    foreign(jwt.SigningMethodES384, p384, owner.jwk()),
			"crit":                     spoiled(set("header", "crit", []string{"exp"})),
			"no jwk":                   spoiled(set("header", "jwk", nil)),
			"jwk a text":               spoiled(set("header", "jwk", "x")),
			"jwk an array":             spoiled(set("header", "jwk", []any{owner.jwk()})),
			"a private key in jwk":     spoiled(jwk(func(k map[string]any) { k["d"] = b64(make([]byte, 32)) })),
			"jwk of another key":       spoiled(set("header", "jwk", other.jwk())),
			"jwk for another alg":      spoiled(jwk(func(k map[string]any) { k["alg"] = "ES384" })),
			"jwk with another curve":   spoiled(jwk(func(k map[string]any) { k["crv"] = "P-384" })),
			"jwk with another kty":     spoiled(jwk(func(k map[string]any) { k["kty"] = "OKP" })),
			"jwk without y":            spoiled(jwk(func(k map[string]any) { delete(k, "y") })),
			"jwk with a short x":       spoiled(jwk(func(k map[string]any) { k["x"] = k["x"].(string)[:20] })),
			"jwk with x as a number":   spoiled(jwk(func(k map[string]any) { k["x"] = 5 })),
			"a point not on the curve": spoiled(jwk(func(k map[string]any) { k["y"] = k["x"] })),
			"the point at infinity":    spoiled(jwk(func(k map[string]any) { k["x"], k["y"] = b64(make([]byte, 32)), b64(make([]byte, 32)) })),
			"htm GET":                  spoiled(set("claims", "htm", "GET")),
			"htm post":                 spoiled(set("claims", "htm", "post")),
			"no htm":                   spoiled(set("claims", "htm", nil)),
			"htm a number":             spoiled(set("claims", "htm", 1)),
			"htu of another path":      spoiled(set("claims", "htu", s.URL+"/api/login")),
			"htu of another host":      spoiled(set("claims", "htu", "https://evil.example/oauth/token")),
			"htu with a user":          spoiled(set("claims", "htu", strings.Replace(s.URL, "//", "//u@", 1)+"/oauth/token")),
			"htu relative":             spoiled(set("claims", "htu", "/oauth/token")),
			"no htu":                   spoiled(set("claims", "htu", nil)),
			"no iat":                   spoiled(set("claims", "iat", nil)),
			"iat a text":               spoiled(set("claims", "iat", "now")),
			"iat enormous":             spoiled(set("claims", "iat", 1e300)),
			"no jti":                   spoiled(set("claims", "jti", nil)),
			"an empty jti":             spoiled(set("claims", "jti", "")),
			"a long jti":               spoiled(set("claims", "jti", strings.Repeat("a", 300))),
		}
		t.Logf("%d kinds of bad proofs", len(kinds))
		for name, proofs := range kinds {
			headers := []string{"Content-Type", formType}
			for _, proof := range proofs {
				headers = append(headers, "DPoP", proof)
			}
			r := s.request(http.MethodPost, "/oauth/token", "grant_type=refresh_token&refresh_token="+p.refresh, headers...)
			if name == "oversized" && r.status == http.StatusRequestHeaderFieldsTooLarge {
				continue
			}
			if r.status != http.StatusBadRequest || r.text(t, "error") != "invalid_dpop_proof" {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		next := newPhone(t, owner.refresh(p.refresh))
		if _, got := parse(t, next.refresh); got.Generation != 3 {
			t.Errorf("the bad proofs consumed something: generation %d", got.Generation)
		}
		// Where the token is used.
		for name, proof := range map[string]string{
			"none":            "",
			"no ath":          owner.proof("GET", "/api/whoami", "", nil),
			"a foreign ath":   owner.proof("GET", "/api/whoami", p.access, nil),
			"another path":    owner.proof("GET", "/api/devices", next.access, nil),
			"for the refresh": used,
		} {
			headers := []string{"Authorization", "DPoP " + next.access}
			if proof != "" {
				headers = append(headers, "DPoP", proof)
			}
			r := s.request(http.MethodGet, "/api/whoami", "", headers...)
			if r.status != http.StatusUnauthorized || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), `DPoP error="invalid_dpop_proof"`) {
				t.Errorf("whoami, %s: %d %v %s", name, r.status, r.header, r.body)
			}
		}
		unbound := s.login("unbound")
		if r := owner.get("/api/whoami", unbound.access); r.status != http.StatusUnauthorized || r.text(t, "code") != "invalid_token" {
			t.Errorf("an unbound token as DPoP: %d %s", r.status, r.body)
		}
	})
}

func TestAProofSpoiltAtSignInMakesNoDevice(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "ES256")
		r := s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x"},
			"DPoP", owner.proof("POST", "/oauth/token", "", nil))
		if r.status != http.StatusBadRequest || r.text(t, "code") != "invalid_dpop_proof" {
			t.Errorf("%d %s", r.status, r.body)
		}
		if e := s.events(t); e[0].Kind != models.EventAccountCreated {
			t.Errorf("the activity says %s", e[0].Kind)
		}
	})
}

func TestNoncesWhenTheyAreRequired(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "EdDSA")
		nonce := ""
		withNonce := func(_, c map[string]any) { c["nonce"] = nonce }
		login := func() reply {
			return s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x"},
				"DPoP", owner.proof("POST", "/api/login", "", withNonce))
		}
		r := login()
		if r.status != http.StatusBadRequest || r.text(t, "code") != "use_dpop_nonce" || r.header.Get("DPoP-Nonce") == "" {
			t.Fatalf("%d %v %s", r.status, r.header, r.body)
		}
		nonce = r.header.Get("DPoP-Nonce")
		p := newPhone(t, login())
		s.clock.Advance(5 * time.Minute)
		r = s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}}, "DPoP", owner.proof("POST", "/oauth/token", "", withNonce))
		if r.status != http.StatusBadRequest || r.text(t, "error") != "use_dpop_nonce" || r.header.Get("DPoP-Nonce") == nonce {
			t.Fatalf("an old nonce: %d %s", r.status, r.body)
		}
		nonce = r.header.Get("DPoP-Nonce")
		p = newPhone(t, s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}}, "DPoP", owner.proof("POST", "/oauth/token", "", withNonce)))
		r = owner.get("/api/whoami", p.access)
		if r.status != http.StatusUnauthorized || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), `DPoP error="use_dpop_nonce"`) || r.header.Get("DPoP-Nonce") == "" {
			t.Errorf("whoami without one: %d %v", r.status, r.header)
		}
	}, func(a *services.Config, _ *web.Config) { a.NonceRequired = true })
}

func TestNewAppsMustBindWhereThatIsRequired(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		if r := s.tryLogin(adaEmail, adaPassword, "x"); r.status != http.StatusBadRequest || r.text(t, "code") != "invalid_dpop_proof" {
			t.Errorf("%d %s", r.status, r.body)
		}
		newPhone(t, newProver(t, s, "ES256").login("x"))
		var m map[string]any
		if err := json.Unmarshal([]byte(s.request(http.MethodGet, "/.well-known/oauth-authorization-server", "").body), &m); err != nil || len(m["dpop_signing_alg_values_supported"].([]any)) != 3 {
			t.Errorf("%v %v", err, m)
		}
	}, func(a *services.Config, _ *web.Config) { a.DPoPRequired = true })
}
