package models_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// session finds the browser by a secret, and reports whether it did.
func session(t testing.TB, s *models.Store, d models.Device, secret []byte, at time.Time) bool {
	t.Helper()
	got, _, err := s.BrowserSession(t.Context(), d.UserID, d.ID, secret, live(at))
	if err != nil && !errors.Is(err, models.ErrNotFound) || err == nil && got.ID != d.ID {
		t.Fatal(got, err)
	}
	return err == nil
}

func TestABrowsersFormerSecretWorksUntilShortlyAfterTheNewOnesFirstUse(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		key := models.DeviceKey{UserID: u.ID, ID: d.ID}
		old, renewed := secretOf(d.ID), hashOf("renewed")
		renew := func(from, to []byte, at time.Time) error {
			return s.RenewBrowserSecret(t.Context(), key, from, to, models.ByPasskey, at)
		}
		at := noon.Add(time.Hour)
		if err := renew(hashOf("guess"), renewed, at); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("with another secret: %v", err)
		}
		if session(t, s, d, renewed, at) || session(t, s, d, nil, at) {
			t.Error("a secret that it never had")
		}
		if err := renew(old, renewed, at); err != nil {
			t.Fatal(err)
		}
		// The answer may be lost: the old secret goes on, and can confirm again.
		if !session(t, s, d, old, at.Add(time.Hour)) {
			t.Error("the old secret is dead before the new one was used")
		}
		if err := renew(old, hashOf("again"), at.Add(time.Hour)); err != nil {
			t.Errorf("a second confirmation after a lost answer: %v", err)
		}
		if session(t, s, d, renewed, at.Add(time.Hour)) {
			t.Error("the secret of the lost answer works")
		}
		used := at.Add(2 * time.Hour)
		if !session(t, s, d, hashOf("again"), used) || !session(t, s, d, hashOf("again"), used.Add(5*time.Second)) {
			t.Error("the new secret does not work")
		}
		for after, want := range map[time.Duration]bool{0: true, 10*time.Second - time.Microsecond: true, 10 * time.Second: false, time.Hour: false} {
			if session(t, s, d, old, used.Add(after)) != want {
				t.Errorf("the old secret %v after the first use of the new one: %v", after, !want)
			}
		}
		if err := renew(old, renewed, used.Add(10*time.Second)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a confirmation with the dead secret: %v", err)
		}
		got := device(t, s, d)
		if got.ProvedBy != models.ByPasskey || !got.Proved().Equal(at.Add(time.Hour)) || got.FormerUntil == nil || got.SignedInBy != "" {
			t.Errorf("%+v", got)
		}
		if err := renew(hashOf("again"), renewed, used.Add(time.Hour)); err != nil {
			t.Errorf("the next confirmation: %v", err)
		}
		if _, _, err := s.RevokeDevice(t.Context(), key, event(models.EventDeviceRevoked, u.ID, used)); err != nil {
			t.Fatal(err)
		}
		if err := renew(renewed, old, used.Add(time.Hour)); !errors.Is(err, models.ErrNotFound) || session(t, s, d, renewed, used) || session(t, s, d, hashOf("again"), used) {
			t.Errorf("signed out: %v", err)
		}
	})
}

func TestABrowserSessionWritesOnceAfterAConfirmation(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		var sent atomic.Int64
		s := migrated(t, models.Config{URL: url, OnStatement: func(string) { sent.Add(1) }})
		u := addUser(t, s)
		addFactors(t, s, u, noon, authenticatorApp())
		n := signIn(u.ID, models.KindBrowser, "browser", noon)
		n.FactorsVersion = 1
		d := add(t, s, n)
		cost := func(secret []byte) int64 {
			sent.Store(0)
			_, owner, err := s.BrowserSession(t.Context(), u.ID, d.ID, secret, live(noon))
			if err != nil || !owner.SecondFactor || owner.FactorsVersion != 1 {
				t.Errorf("%+v, %v", owner, err)
			}
			return sent.Load()
		}
		if got := cost(secretOf(d.ID)); got != 1 {
			t.Errorf("before: %d statements", got)
		}
		if err := s.RenewBrowserSecret(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, secretOf(d.ID), hashOf("new"), models.ByPasskey, noon); err != nil {
			t.Fatal(err)
		}
		if a, b, c := cost(secretOf(d.ID)), cost(hashOf("new")), cost(hashOf("new")); a != 1 || b != 2 || c != 1 {
			t.Errorf("with the old secret %d statements, the first time with the new one %d, then %d", a, b, c)
		}
	})
}

func TestAnAppsProofRisesAndComesWithItsRefresh(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		n := signIn(u.ID, models.KindApp, "phone", noon)
		n.Device.SignedInBy, n.Device.ProvedBy = models.ByPassword, models.ByPassword
		d := add(t, s, n)
		old := addApp(t, s, u.ID, "of an earlier release")
		key := models.DeviceKey{UserID: u.ID, ID: d.ID}
		generation := int64(0)
		proof := func(by models.SignInMethod, at time.Time) {
			t.Helper()
			generation++
			r := rotate(t, s, present(d, generation, noon.Add(time.Duration(generation)*time.Hour)))
			if r.Device.ProvedBy != by || !r.Device.Proved().Equal(at) || !r.Device.CreatedAt.Equal(noon) {
				t.Errorf("proved by %q at %v, created at %v", r.Device.ProvedBy, r.Device.Proved(), r.Device.CreatedAt)
			}
		}
		proof(models.ByPassword, noon)
		if err := s.RaiseProof(t.Context(), key, models.ByPasskey, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		proof(models.ByPasskey, noon.Add(time.Hour))
		if err := s.RaiseProof(t.Context(), key, models.ByPassword, noon.Add(time.Minute)); err != nil {
			t.Errorf("an earlier one: %v", err)
		}
		proof(models.ByPasskey, noon.Add(time.Hour))
		if r := rotate(t, s, present(old, 1, noon.Add(time.Hour))); r.Device.ProvedBy != "" || !r.Device.Proved().Equal(noon) {
			t.Errorf("%+v", r.Device)
		}
		if got := device(t, s, d); got.SignedInBy != models.ByPassword {
			t.Errorf("%+v", got)
		}
		browser := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		if _, _, err := s.RevokeDevice(t.Context(), key, event(models.EventDeviceRevoked, u.ID, noon)); err != nil {
			t.Fatal(err)
		}
		for name, dead := range map[string]models.DeviceKey{"signed out": key, "a browser": {UserID: u.ID, ID: browser.ID}, "another account's": {UserID: models.NewID(noon), ID: old.ID}} {
			if err := s.RaiseProof(t.Context(), dead, models.ByPasskey, noon.Add(2*time.Hour)); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
