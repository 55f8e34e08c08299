package services_test

import (
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/browser"
	"latchkey/auth/password"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// A sign-in of an account without a second factor costs as many statements as it did before there were any.
func TestASignInWithoutASecondFactorCostsNoMore(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		var n atomic.Int64
		store, err := models.Open(t.Context(), models.Config{URL: url, OnStatement: func(string) { n.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		if _, err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := services.New(store, services.Config{
			Issuer: "http://localhost:1", Audience: "x", SigningAlg: "ES256", AccessTTL: time.Minute, DeviceLifetime: time.Hour, DeviceIdle: time.Hour,
			BrowserLifetime: time.Hour, BrowserIdle: time.Hour, PasswordMin: 12, Hash: password.Params{MemoryKiB: 64, Time: 1, Threads: 1},
			Secret: make([]byte, 32), MaxDevices: 100,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Keys.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Operator.AddUser(t.Context(), adaEmail, adaPassword, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Clients.Apps(t.Context()); err != nil { // the clients are read at most every 10 seconds, not with every sign-in
			t.Fatal(err)
		}
		more := int64(0)
		if modelstest.OnCitus() { // one statement more each for the address, the clients and the counters: see OPERATIONS.md
			more = 3
		}
		from := at("192.0.2.1")
		n.Store(0)
		_, err = s.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: from})
		if err != nil || n.Load() != 13+more {
			t.Errorf("an app: %d statements, %v", n.Load(), err)
		}
		n.Store(0)
		if _, err := s.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: from}); err != nil || n.Load() != 12+more {
			t.Errorf("a browser: %d statements, %v", n.Load(), err)
		}
	})
}
