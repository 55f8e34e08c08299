package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/resource"
	"latchkey/auth/services"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// field is where the reference clients are tried: the server, behind a network that loses answers, and another server that takes its tokens.
// Both servers want nonces, so that apps whose clock is not theirs get on with them.
type field struct {
	*site
	api     *httptest.Server
	ahead   atomic.Int64 // how far the servers' clock is ahead of the apps'
	network trouble
	mu      sync.Mutex
	refused string          // an access token that the API calls expired
	arrive  *sync.WaitGroup // who comes with that token waits for the others
}

// trouble stands before the server's token endpoint.
type trouble struct {
	next   http.Handler
	mu     sync.Mutex
	faults []string // of the coming requests: lost, cut, busy or limited
	asked  int      // how often the endpoint was asked
}

func (n *trouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/oauth/token" {
		n.next.ServeHTTP(w, r)
		return
	}
	n.mu.Lock()
	fault := ""
	if n.asked++; len(n.faults) > 0 {
		fault, n.faults = n.faults[0], n.faults[1:]
	}
	n.mu.Unlock()
	switch fault {
	case "lost": // the server has answered, and the answer does not arrive
		n.next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case "cut": // the request does not arrive
		panic(http.ErrAbortHandler)
	case "busy", "limited":
		w.Header().Set("Retry-After", "7")
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(map[string]int{"busy": http.StatusServiceUnavailable, "limited": http.StatusTooManyRequests}[fault])
		_, _ = w.Write([]byte(`{"error":"temporarily_unavailable"}`))
	default:
		n.next.ServeHTTP(w, r)
	}
}

// will makes trouble for the coming requests.
func (n *trouble) will(faults ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = faults
}

func (n *trouble) requests() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

// newField registers notes with these redirect URIs and origins.
func newField(t *testing.T, notes client.Registration, changes ...func(*services.Config, *web.Config)) *field {
	t.Helper()
	f := &field{}
	now := func() time.Time { return time.Now().Add(time.Duration(f.ahead.Load())) }
	f.site = newSite(t, modelstest.MigratedSQLite(t), append(changes, func(a *services.Config, _ *web.Config) {
		a.Now, a.Elapsed, a.NonceRequired, a.DPoPRequired = now, nil, true, true
	})...)
	f.network.next = f.Config.Handler
	f.Config.Handler = &f.network
	notes.Name, notes.ID = "Notes", "notes"
	if _, err := f.auth.Clients.Add(t.Context(), notes); err != nil {
		t.Fatal(err)
	}
	f.addUser(eveEmail, evePassword)
	mux := http.NewServeMux()
	f.api = httptest.NewServer(mux)
	t.Cleanup(f.api.Close)
	verifier, err := resource.New(resource.Config{
		Issuer: f.config.Issuer, Audience: "https://api.example.com", Clock: now, DPoP: resource.DPoP{BaseURL: f.api.URL, NonceKey: testSecret},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(verifier.Close)
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := resource.ClaimsFrom(r.Context())
		body := make([]byte, 100)
		n, _ := r.Body.Read(body)
		_ = json.NewEncoder(w).Encode(map[string]string{"device_id": claims.DeviceID, "sent": string(body[:n])})
	})
	mux.Handle("/hello", f.expiring(verifier.Middleware(hello)))
	mux.Handle("/transfer", verifier.Require(resource.MaxAge(5*time.Minute))(hello))
	return f
}

// expiring refuses one token as expired: once as many requests with it have come as are awaited.
func (f *field) expiring(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		refused, arrive := f.refused, f.arrive
		f.mu.Unlock()
		if _, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); refused == "" || token != refused {
			next.ServeHTTP(w, r)
			return
		}
		arrive.Done()
		arrive.Wait()
		w.Header().Set("WWW-Authenticate", `DPoP error="invalid_token", error_description="it has expired"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
}

// expire lets the API refuse a token once n requests have come with it.
func (f *field) expire(token string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused, f.arrive = token, &sync.WaitGroup{}
	f.arrive.Add(n)
}

// rotations is how often a device has refreshed.
func (f *field) rotations() int64 {
	f.t.Helper()
	return f.count("SELECT generation FROM devices WHERE kind = 'app' AND revoked_at IS NULL")
}

// apps is how many apps are signed in.
func (f *field) apps() int64 {
	f.t.Helper()
	return f.count("SELECT count(*) FROM devices WHERE kind = 'app' AND revoked_at IS NULL")
}
