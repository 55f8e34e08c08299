package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

func TestDoctorTellsApartWhatIsInTheWayOfTheBaseURL(t *testing.T) {
	answer := func(status int, body string, header ...string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
	at := func(t *testing.T, h http.Handler) string {
		t.Helper()
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	for name, c := range map[string]struct {
		url   func(t *testing.T) string
		words []string
	}{
		"DNS":          {func(*testing.T) string { return "https://id.invalid" }, []string{"DNS", "id.invalid"}},
		"refused":      {func(*testing.T) string { return "http://127.0.0.1:1" }, []string{"refused", "127.0.0.1:1", "Start latchkey serve"}},
		"no TLS":       {func(t *testing.T) string { return strings.Replace(at(t, answer(200, "")), "http:", "https:", 1) }, []string{"does not speak TLS"}},
		"another host": {func(t *testing.T) string { return at(t, answer(404, "<h1>It works!")) }, []string{"another server answers", "404"}},
		"a page":       {func(t *testing.T) string { return at(t, answer(200, "<h1>It works!")) }, []string{"another server answers", "not JSON"}},
		"other JSON":   {func(t *testing.T) string { return at(t, answer(200, `{"status":"green"}`)) }, []string{"another server answers"}},
		"a lone proxy": {func(t *testing.T) string { return at(t, answer(502, "")) }, []string{"502", "does not reach the server"}},
		"a redirect": {func(t *testing.T) string {
			return at(t, answer(301, "", "Location", "https://www.example.com/?t=hunter2hunter2"))
		}, []string{"redirects to https://www.example.com"}},
		"no such issue": {func(t *testing.T) string {
			return at(t, answer(200, `{"status":"ok","issuer":"https://other.example"}`))
		}, []string{"issuer", "https://other.example"}},
		"a certificate": {func(t *testing.T) string {
			server := httptest.NewTLSServer(answer(200, `{"status":"ok"}`))
			t.Cleanup(server.Close)
			return server.URL
		}, []string{"certificate", "unknown authority"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LATCHKEY_BASE_URL", c.url(t))
			askDoctor(t, modelstest.SQLite(t)).want(t, "base URL", levelProblem, c.words...)
		})
	}
}

func TestDoctorWaitsForNoServerThatIsSilent(t *testing.T) {
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	defer server.Close()
	defer close(stop)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if f := (&doctor{}).fetchJSON(ctx, server.URL+"/healthz", new(any)); f == nil || !strings.Contains(f.Says, "no answer") || f.Do == "" {
		t.Errorf("%+v", f)
	}
}

// A server with other settings, or another database, may stand where people find it.
func TestDoctorKnowsItsOwnServer(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, database string) {
		own := serve(t, database, nil)
		t.Setenv("LATCHKEY_BASE_URL", own.URL())
		askDoctor(t, database).want(t, "base URL", levelOK, own.URL())

		t.Setenv("LATCHKEY_BASE_URL", strings.Replace(own.URL(), "127.0.0.1", "localhost", 1))
		askDoctor(t, database).want(t, "base URL", levelProblem, "issuer")
		t.Setenv("LATCHKEY_ISSUER", own.URL())
		askDoctor(t, database).want(t, "base URL", levelProblem, "another base URL")
		t.Setenv("LATCHKEY_ISSUER", "")

		other := modelstest.MigratedSQLite(t)
		must(t, other, "", "keys", "list")
		t.Setenv("LATCHKEY_BASE_URL", own.URL())
		askDoctor(t, other).want(t, "base URL", levelProblem, "other keys", "LATCHKEY_DATABASE")
	})
}
