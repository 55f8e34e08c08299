package resource_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/keyring"
	"latchkey/auth/resource"
	"latchkey/auth/statuslist"
)

// A server of photos that accepts Latchkey's access tokens.
func Example() {
	issuer := startIssuer() // stands for https://id.example.com
	defer issuer.Close()

	verifier, err := resource.New(resource.Config{
		Issuer:       issuer.URL,
		Audience:     "https://api.example.com",
		FetchTimeout: 30 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer verifier.Close()

	photos := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := resource.ClaimsFrom(r.Context())
		fmt.Fprintf(w, "photos of %s, for the device %q", claims.Subject, claims.DeviceName)
	})
	api := verifier.Middleware(photos)

	get := func(authorization string) {
		r := httptest.NewRequest(http.MethodGet, "https://api.example.com/photos", nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
			return
		}
		fmt.Println(w.Code, w.Body)
	}
	get("Bearer " + issuer.token("phone", 1))
	get("Bearer " + issuer.token("stolen phone", 2))
	get("Bearer something else")
	get("")
	// Output:
	// 200 photos of ada, for the device "phone"
	// 401 Bearer error="invalid_token", error_description="it was revoked"
	// 401 Bearer error="invalid_token", error_description="there is not exactly one token"
	// 401 Bearer
}

// A route that only takes calls of people who proved two factors within the last five minutes.
func ExampleVerifier_Require() {
	issuer := startIssuer()
	defer issuer.Close()
	verifier, err := resource.New(resource.Config{Issuer: issuer.URL, Audience: "https://api.example.com", FetchTimeout: 30 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer verifier.Close()

	transfer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := resource.ClaimsFrom(r.Context())
		fmt.Fprintf(w, "transfer by %s, who used %v", claims.Subject, claims.AMR())
	})
	stepUp := verifier.Require(resource.ACR(resource.TwoFactors), resource.MaxAge(5*time.Minute))
	api := stepUp(transfer)

	post := func(token string) {
		r := httptest.NewRequest(http.MethodPost, "https://api.example.com/transfer", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
			return
		}
		fmt.Println(w.Code, w.Body)
	}
	anHourAgo := time.Now().Add(-time.Hour)
	post(issuer.provedToken(anHourAgo, "aal1", "pwd"))
	post(issuer.provedToken(anHourAgo, "aal2", "pwd", "otp", "mfa"))
	post(issuer.provedToken(time.Now(), "aal2", "pwd", "otp", "mfa"))
	// Output:
	// 401 Bearer error="insufficient_user_authentication", error_description="a different authentication level is required", acr_values="aal2", max_age="300"
	// 401 Bearer error="insufficient_user_authentication", error_description="more recent authentication is required", acr_values="aal2", max_age="300"
	// 200 transfer by ada, who used [pwd otp mfa]
}

// demoIssuer signs tokens and publishes its key and a status list, in which the second device is revoked.
type demoIssuer struct {
	*httptest.Server
	key *keyring.Key
}

func startIssuer() *demoIssuer {
	now := time.Now()
	key, err := keyring.Generate(keyring.ES256, 1, now, now)
	if err != nil {
		log.Fatal(err)
	}
	i := &demoIssuer{key: key}
	revoked := statuslist.NewBits(100)
	revoked.Set(2)
	lst, err := statuslist.Encode(revoked)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		ring := keyring.New(keyring.ES256, []*keyring.Key{key}, keyring.Schedule{Every: time.Hour, Keep: time.Hour, Lead: time.Minute})
		w.Write(ring.JWKS(time.Now()))
	})
	mux.HandleFunc("GET /statuslists/1", func(w http.ResponseWriter, _ *http.Request) {
		claims := statuslist.Claims{TTL: 60, StatusList: statuslist.List{Bits: 1, List: lst}}
		claims.Subject, claims.IssuedAt = i.URL+"/statuslists/1", jwt.NewNumericDate(time.Now())
		w.Header().Set("Content-Type", statuslist.MediaType)
		w.Write([]byte(i.sign(statuslist.Type, claims)))
	})
	i.Server = httptest.NewServer(mux)
	return i
}

func (i *demoIssuer) token(device string, index int) string {
	return i.sign("at+jwt", jwt.MapClaims{
		"iss": i.URL, "aud": "https://api.example.com", "sub": "ada", "client_id": "app", "device_name": device, "jti": device,
		"iat": time.Now().Unix(), "exp": time.Now().Add(15 * time.Minute).Unix(),
		"status": statuslist.Status{StatusList: statuslist.Reference{Index: index, URI: i.URL + "/statuslists/1"}},
	})
}

func (i *demoIssuer) provedToken(at time.Time, level string, methods ...string) string {
	return i.sign("at+jwt", jwt.MapClaims{
		"iss": i.URL, "aud": "https://api.example.com", "sub": "ada", "client_id": "app", "jti": level, "iat": time.Now().Unix(),
		"exp": time.Now().Add(15 * time.Minute).Unix(), "auth_time": at.Unix(), "acr": level, "amr": methods,
	})
}

func (i *demoIssuer) sign(typ string, claims jwt.Claims) string {
	t := jwt.NewWithClaims(i.key.Method(), claims)
	t.Header["typ"], t.Header["kid"] = typ, i.key.ID
	text, err := t.SignedString(i.key.Signer())
	if err != nil {
		log.Fatal(err)
	}
	return text
}
