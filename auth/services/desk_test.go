package services_test

import (
	"bytes"
	"net/netip"
	"sync"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/confirm"
	"latchkey/auth/devicetoken"
	"latchkey/auth/password"
	"latchkey/auth/seal"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestMain(m *testing.M) { modelstest.Main(m) }

const (
	adaEmail    = "ada@example.com"
	adaPassword = "a fine day at the sea"
)

// desk is all services on a real store, with a clock that tests advance and cheap hashes.
type desk struct {
	*services.Services
	store  *models.Store
	config services.Config
	codec  *devicetoken.Codec
	mu     sync.Mutex
	at     time.Time
	ada    models.User
	otp    authenticator // of addAuthenticator
}

func (d *desk) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *desk) live() models.Liveness { return liveness(d.config) }

// liveness returns the conditions for live devices at the present time.
func liveness(c services.Config) models.Liveness {
	return auth.Idle{App: c.DeviceIdle, Browser: c.BrowserIdle}.Live(c.Now())
}

// change makes the services again with other settings. What they keep in memory is lost, as after a restart.
func (d *desk) change(t *testing.T, how func(*services.Config)) {
	t.Helper()
	how(&d.config)
	var err error
	if d.Services, err = services.New(d.store, d.config); err != nil {
		t.Fatal(err)
	}
	_ = d.Keys.Load(t.Context()) // fails under another secret, which some tests want
}

var testSecret = bytes.Repeat([]byte{1}, 32)

var cheapHash = password.Params{MemoryKiB: 64, Time: 1, Threads: 1}

func newDesk(t *testing.T, store *models.Store) *desk {
	t.Helper()
	keys, err := seal.Keys([][]byte{testSecret}, "device token")
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{store: store, codec: devicetoken.New(keys[0]), at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	d.change(t, func(c *services.Config) {
		*c = services.Config{
			Issuer: "https://id.example.com", Audience: "https://api.example.com", SigningAlg: "EdDSA", AccessTTL: 15 * time.Minute,
			DeviceLifetime: 90 * 24 * time.Hour, DeviceIdle: 30 * 24 * time.Hour, BrowserLifetime: 30 * 24 * time.Hour, BrowserIdle: 24 * time.Hour,
			RetryWindow: 10 * time.Second, MaxDevices: 1000, SignupOpen: true, PasswordMin: 12, Secret: testSecret,
			Hash: cheapHash, Workers: 4, Now: d.now,
		}
	})
	if err := d.Keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.ada, err = d.Operator.AddUser(t.Context(), adaEmail, adaPassword, models.RoleUser); err != nil {
		t.Fatal(err)
	}
	return d
}

func at(ip string) auth.Caller { return auth.Caller{IP: netip.MustParseAddr(ip), UserAgent: "test"} }

// confirmed confirms an act by the password alone.
func confirmed(password string, from auth.Caller) confirm.Confirmation {
	return confirm.Confirmation{Password: password, From: from}
}

// try signs in and returns the kind of the error, or -1.
func (d *desk) try(t *testing.T, email, password string, from auth.Caller) auth.Kind {
	t.Helper()
	_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: email, Password: password, DeviceName: "phone", From: from})
	if err == nil {
		return -1
	}
	return auth.AsError(err).Kind
}

func (d *desk) fail(t *testing.T, n int, email string, from func(i int) auth.Caller) {
	t.Helper()
	for i := range n {
		if kind := d.try(t, email, "not the password", from(i)); kind != auth.KindInvalidCredential {
			t.Fatalf("failure %d is answered with kind %d", i+1, kind)
		}
	}
}

func same(ip string) func(int) auth.Caller { return func(int) auth.Caller { return at(ip) } }
