package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"latchkey/auth/logout"
)

func TestALogoutTokenGoesWhereTheOperatorSaid(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.PostFormValue("logout_token") != "a.b.c" ||
			r.Header.Get("Authorization")+r.Header.Get("Cookie")+r.Header.Get("Referer") != "" {
			t.Errorf("%s %v %v", r.Method, r.Header, r.PostForm)
		}
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/endless":
			for r.Context().Err() == nil {
				fmt.Fprint(w, strings.Repeat("x", 1<<10))
			}
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		case "/cut":
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	client := newOutbound(logout.PostTime)
	for path, want := range map[string]int{"/": 200, "/redirect": 307, "/endless": 200, "/header": 0, "/cut": 0} {
		status, err := client.logoutToken(t.Context(), server.URL+path+"?secret=1", "a.b.c")
		if status != want || (err == nil) != (want > 0) || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %d %v, want %d", path, status, err, want)
		}
	}
	if elsewhere.Load() > 0 {
		t.Error("it followed a redirect")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if status, err := client.logoutToken(gone, server.URL, "a.b.c"); err == nil {
		t.Errorf("after its time: %d", status)
	}
}
