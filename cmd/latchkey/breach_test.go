package main

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	authpassword "latchkey/auth/password"
	"latchkey/models/modelstest"
)

// rangeServer speaks the protocol of Have I Been Pwned about one password, and fails in every way that a service may.
func rangeServer(t *testing.T, answer func(w http.ResponseWriter, suffix string)) (url string, asked *atomic.Int64) {
	t.Helper()
	sum := sha1.Sum([]byte(password))
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodGet || r.URL.Path != "/range/"+digits[:5] || r.URL.RawQuery != "" || len(body) > 0 || r.Header.Get("Add-Padding") != "true" {
			t.Errorf("asked %s %s with %q, padding %q", r.Method, r.URL, body, r.Header.Get("Add-Padding"))
		}
		for name := range r.Header {
			if name != "Add-Padding" && name != "User-Agent" && name != "Accept-Encoding" && name != "Connection" {
				t.Errorf("a header %s: %q leaves", name, r.Header.Get(name))
			}
		}
		answer(w, digits[5:])
	}))
	t.Cleanup(server.Close)
	return server.URL + "/range/", asked
}

func TestBreachedPasswordsAreLookedUp(t *testing.T) {
	elsewhere, followed := rangeServer(t, func(w http.ResponseWriter, suffix string) { fmt.Fprintf(w, "%s:9\r\n", suffix) })
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter, suffix string)
		found  bool
		fails  string // what the error says
	}{
		"found":     {answer: func(w http.ResponseWriter, suffix string) { fmt.Fprintf(w, "%035d:4\r\n%s:9\r\n", 7, suffix) }, found: true},
		"not found": {answer: func(w http.ResponseWriter, _ string) { fmt.Fprintf(w, "%035d:4\r\n", 7) }},
		"padding":   {answer: func(w http.ResponseWriter, suffix string) { fmt.Fprintf(w, "%s:0\r\n", suffix) }},
		"garbage":   {answer: func(w http.ResponseWriter, _ string) { fmt.Fprint(w, "<html>please sign in to the hotel</html>") }, fails: "not a range"},
		"an error":  {answer: func(w http.ResponseWriter, suffix string) { w.WriteHeader(503); fmt.Fprintf(w, "%s:9", suffix) }, fails: "503"},
		"refused":   {answer: func(w http.ResponseWriter, _ string) { w.WriteHeader(429) }, fails: "429"},
		"a redirect": {answer: func(w http.ResponseWriter, _ string) {
			w.Header().Set("Location", elsewhere)
			w.WriteHeader(http.StatusFound)
		}, fails: "302"},
		"too long": {answer: func(w http.ResponseWriter, suffix string) {
			fmt.Fprintf(w, "%s:9\n", suffix)
			_, _ = io.WriteString(w, strings.Repeat("\n", maxBreachRange))
		}, fails: "too long"},
		"an answer that breaks off": {answer: func(w http.ResponseWriter, suffix string) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprintf(w, "%s:9\n", suffix)
		}, fails: "read the answer"},
	} {
		t.Run(name, func(t *testing.T) {
			url, asked := rangeServer(t, test.answer)
			c, err := newBreachClient(url)
			if err != nil {
				t.Fatal(err)
			}
			found, err := authpassword.Breached(t.Context(), c.lookUp, password)
			if found != test.found || (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("found %v, %v", found, err)
			}
			if asked.Load() != 1 {
				t.Errorf("asked %d times", asked.Load())
			}
			if err != nil && strings.Contains(err.Error(), url) {
				t.Errorf("the error tells the digits: %v", err)
			}
		})
	}
	if followed.Load() != 0 {
		t.Error("a redirect is followed")
	}
}

// A service that takes the question and never answers is given up, after a second in production.
func TestASlowRangeServerIsGivenUp(t *testing.T) {
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); close(gone) }))
	defer server.Close()
	c, err := newBreachClient(server.URL)
	if err != nil || c.client.Timeout != time.Second {
		t.Fatalf("%v, patience %v", err, c.client.Timeout)
	}
	c.client.Timeout = 20 * time.Millisecond
	_, err = authpassword.Breached(t.Context(), c.lookUp, password)
	if err == nil || strings.Contains(err.Error(), server.URL) {
		t.Errorf("%v", err)
	}
	<-gone
}

// The whole way: a password that the service knows is refused to the operator's command, and one is taken when the service is away.
func TestTheSettingReachesEveryNewPassword(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		must(t, url, "", "migrate")
		known := true
		address, asked := rangeServer(t, func(w http.ResponseWriter, suffix string) {
			if !known {
				w.WriteHeader(500)
				return
			}
			fmt.Fprintf(w, "%s:9\r\n", suffix)
		})
		add := []string{"user", "add", ada, "--password-stdin"}
		command(t, url, password, append(add, "--breach-url="+address)...).refuses(t, 1, "password: ", "data breach")
		known = false
		if o := command(t, url, password, append(add, "--breach-url="+address)...); o.code != 0 || strings.Count(o.stderr, "could not be looked up") != 1 || strings.Contains(o.stderr, password) {
			t.Errorf("a service that is away: %+v", o)
		}
		if asked.Load() != 2 {
			t.Errorf("asked %d times", asked.Load())
		}
		must(t, url, password, "user", "set-password", ada, "--password-stdin") // and off by default
		if asked.Load() != 2 {
			t.Error("asked without the setting")
		}
	})
}

func TestBreachLookupsAreCounted(t *testing.T) {
	url := modelstest.SQLite(t)
	measures := func(change func(*Settings)) string {
		s := serve(t, url, func(s *Settings) {
			s.MetricsAddr = "127.0.0.1:0"
			change(s)
		})
		at := regexp.MustCompile(`msg=measuring address=(\S+)`).FindStringSubmatch(s.log.String())
		return get(t, "http://"+at[1]+"/metrics").want(t, 200).body
	}
	if body := measures(func(*Settings) {}); strings.Contains(body, "latchkey_breach_lookups_total") {
		t.Error("counted though nothing is looked up")
	}
	body := measures(func(s *Settings) { s.BreachURL = "http://127.0.0.1:1" })
	for _, result := range []string{"found", "not_found", "failed"} {
		if !strings.Contains(body, `latchkey_breach_lookups_total{result="`+result+`"} 0`) {
			t.Errorf("no series for %s", result)
		}
	}
}
