package models_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestASignInGoesByTheFactorsThatItWasDecidedBy(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		before := signIn(u.ID, models.KindBrowser, "browser", noon) // read before the factor was added
		addFactors(t, s, u, noon, authenticatorApp())
		if _, err := s.AddDevice(t.Context(), before); !errors.Is(err, models.ErrChanged) {
			t.Errorf("a sign-in from before the factor: %v", err)
		}
		for version, want := range map[int64]error{0: models.ErrChanged, 1: nil, 2: models.ErrChanged} {
			n := signIn(u.ID, models.KindBrowser, "browser", noon)
			n.FactorsVersion, n.Verified = version, "" // by a passkey alone, too
			if _, err := s.AddDevice(t.Context(), n); !errors.Is(err, want) {
				t.Errorf("version %d: %v", version, err)
			}
		}
		facts, err := s.SignInFacts(t.Context(), models.SignInQuestion{EmailKey: u.EmailKey, At: noon, KnownSince: noon})
		if err != nil || !facts.User.SecondFactor || facts.User.FactorsVersion != 1 {
			t.Errorf("%+v, %v", facts.User, err)
		}
	})
}

// A passkey alone signs in while the password is locked, and not while the account is disabled.
func TestASignInWithoutAPasswordDoesNotGoByIt(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		exec(t, s, "UPDATE users SET locked_at = created_at, password_hash = 'hash-2' WHERE id = ?", u.ID.String())
		n := signIn(u.ID, models.KindBrowser, "browser", noon)
		n.Verified = ""
		add(t, s, n)
		exec(t, s, "UPDATE users SET disabled_at = created_at WHERE id = ?", u.ID.String())
		n.Device.ID = models.NewID(noon)
		if _, err := s.AddDevice(t.Context(), n); !errors.Is(err, models.ErrChanged) {
			t.Errorf("disabled: %v", err)
		}
	})
}

// The owner adds a factor while sign-ins run: no sign-in that did not know of it comes after it.
func TestSignInsRaceWithANewFactor(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for range rounds(s, 10, 3) {
			u := addUser(t, s)
			var added atomic.Bool
			together(8, func(i int) {
				if i == 0 {
					if _, err := s.AddFactors(t.Context(), models.FactorAddition{UserID: u.ID, Add: []models.Factor{authenticatorApp()}, At: noon, Event: event(models.EventFactorAdded, u.ID, noon)}); err != nil {
						t.Error(err)
					}
					added.Store(true)
					return
				}
				for j := range 4 {
					after := added.Load()
					_, err := s.AddDevice(t.Context(), signIn(u.ID, models.KindApp, "phone", noon.Add(time.Duration(10*i+j))))
					if err == nil && after || err != nil && !errors.Is(err, models.ErrChanged) {
						t.Errorf("after the factor %v: %v", after, err)
					}
				}
			})
		}
	})
}

func TestASecondStepLeavesWhatBelongsToIt(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		addFactors(t, s, u, noon, append(recoveryCodes(1), authenticatorApp())...)
		addChallenge(t, s, u, "one", noon)
		proved := noon.Add(1500 * time.Nanosecond)
		n := signIn(u.ID, models.KindBrowser, "browser", noon)
		n.Device.SignedInBy, n.Device.ProvedBy, n.Device.ProvedAt = models.ByPasswordRecoveryCode, models.ByPasswordRecoveryCode, &proved
		e := event(models.EventRecoveryCodeUsed, u.ID, noon)
		use := useOf(factorOf(t, s, u, models.FactorRecoveryCode), noon)
		use.Event, use.Mail = &e, mailTo(u, "code used", "", noon)
		n.FactorsVersion, n.Challenge, n.Factor = 1, answer(u, "one", noon), &use
		n.Trust = &models.TrustedBrowser{Hash: hashOf("trust"), Name: "Firefox", CreatedAt: noon, CreatedIP: home, ExpiresAt: noon.Add(30 * day)}
		d := add(t, s, n)
		got := device(t, s, d)
		if got.SignedInBy != models.ByPasswordRecoveryCode || got.ProvedBy != models.ByPasswordRecoveryCode || !got.Proved().Equal(noon.Add(time.Microsecond)) {
			t.Errorf("%+v", got)
		}
		seen := map[models.EventKind]models.Event{}
		for _, e := range events(t, s, u.ID) {
			seen[e.Kind] = e
		}
		for _, kind := range []models.EventKind{models.EventSignIn, models.EventRecoveryCodeUsed, models.EventBrowserTrusted} {
			if e := seen[kind]; e.DeviceID.UUID != d.ID || e.DeviceName != "browser" || e.IP != home {
				t.Errorf("%s: %+v", kind, e)
			}
		}
		if n := count(t, s, "SELECT count(*) FROM mails WHERE kind = 'code used'"); n != 1 {
			t.Errorf("%d mails", n)
		}
		list, err := s.TrustedBrowsers(t.Context(), u.ID, noon)
		if err != nil || len(list) != 1 || list[0].Name != "Firefox" || list[0].UserID != u.ID || list[0].CreatedIP != home || list[0].UsedAt != nil {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// A refused sign-in leaves its challenge and its factor as they were.
func TestARefusedSignInUsesNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		app := addFactors(t, s, u, noon, authenticatorApp())[0]
		addChallenge(t, s, u, "one", noon)
		addChallenge(t, s, u, "two", noon)
		next := func(name string) models.NewDevice {
			use := useOf(app, noon)
			n := signIn(u.ID, models.KindApp, "phone", noon)
			n.FactorsVersion, n.Factor, n.Challenge = 1, &use, answer(u, name, noon)
			n.Trust = &models.TrustedBrowser{Hash: hashOf(name), CreatedAt: noon, ExpiresAt: noon.Add(day)}
			return n
		}
		full := next("one")
		full.Max = 1
		first := signIn(u.ID, models.KindApp, "first", noon)
		first.FactorsVersion = 1
		add(t, s, first)
		if _, err := s.AddDevice(t.Context(), full); !errors.Is(err, models.ErrTooManyDevices) {
			t.Errorf("past the limit of devices: %v", err)
		}
		if got := trustOf(t, s, u); got != [4]int64{0, 2, 0, 0} || factorOf(t, s, u, models.FactorTOTP).LastStep != 0 {
			t.Errorf("%v", got)
		}
		add(t, s, next("one"))
		if _, err := s.AddDevice(t.Context(), next("two")); !errors.Is(err, models.ErrUsed) {
			t.Errorf("the same code for another challenge: %v", err)
		}
		if got := trustOf(t, s, u); got != [4]int64{1, 1, 1, 0} {
			t.Errorf("%v", got)
		}
	})
}

// A form that was sent twice, with a challenge each: both lead to the one browser.
func TestARepeatedSecondStepLeadsToTheSameBrowser(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		addChallenge(t, s, u, "one", noon)
		two := addChallenge(t, s, u, "two", noon)
		n := signIn(u.ID, models.KindBrowser, "browser", noon)
		n.Challenge = answer(u, "one", noon)
		d := add(t, s, n)
		again := signIn(u.ID, models.KindBrowser, "browser", noon)
		again.Challenge, again.Repeats = answer(u, "two", noon), [][]byte{secretOf(d.ID)}
		if got := add(t, s, again); got.ID != d.ID {
			t.Errorf("%+v", got)
		}
		if c, err := s.FindChallenge(t.Context(), secondStep, two.Hash, noon); err != nil || c.DeviceID.UUID != d.ID {
			t.Errorf("%+v, %v", c, err)
		}
		if _, err := s.AddDevice(t.Context(), again); !errors.Is(err, models.ErrUsed) {
			t.Errorf("its challenge once more: %v", err)
		}
	})
}
