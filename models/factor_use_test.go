package models_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func useOf(f models.Factor, at time.Time) models.FactorUse {
	return models.FactorUse{ID: f.ID, Kind: f.Kind, Step: 100, At: at}
}

func countWrong(t testing.TB, s *models.Store, u models.User, n int) (wrong int64) {
	t.Helper()
	for range n {
		var err error
		if wrong, err = s.CountWrongCode(t.Context(), u.ID, noon); err != nil {
			t.Fatal(err)
		}
	}
	return wrong
}

func TestACodeOfAnAppWorksOnceAndForwardOnly(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		app := addFactors(t, s, u, noon, authenticatorApp())[0]
		for _, c := range []struct {
			step int64
			want error
		}{{100, nil}, {100, models.ErrUsed}, {99, models.ErrUsed}, {101, nil}, {0, models.ErrUsed}, {-1, models.ErrUsed}, {200, nil}, {101, models.ErrUsed}} {
			use := useOf(app, noon.Add(time.Duration(c.step)*time.Second))
			use.Step = c.step
			if err := s.UseFactor(t.Context(), u.ID, 1, use, nil); !errors.Is(err, c.want) {
				t.Errorf("step %d: %v", c.step, err)
			}
		}
		if got := factorOf(t, s, u, models.FactorTOTP); got.LastStep != 200 || got.UsedAt == nil || !got.UsedAt.Equal(noon.Add(200*time.Second)) {
			t.Errorf("%+v", got)
		}
	})
}

func TestAnAppThatIsClosedIsOpenedByAnotherFactorOrByALaxerUse(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, none := addUser(t, s), addUser(t, s)
		addFactors(t, s, u, noon, append(recoveryCodes(2), authenticatorApp(), passkey("laptop"))...)
		app, key, code := factorOf(t, s, u, models.FactorTOTP), factorOf(t, s, u, models.FactorPasskey), factorOf(t, s, u, models.FactorRecoveryCode)
		step := int64(100)
		use := func(f models.Factor, most int64) error {
			step++
			u1 := useOf(f, noon)
			u1.Step, u1.MaxWrong, u1.SignCount = step, most, 8
			return s.UseFactor(t.Context(), u.ID, 1, u1, nil)
		}
		if n := countWrong(t, s, u, 2); n != 2 {
			t.Errorf("%d wrong codes", n)
		}
		if err := use(app, 3); err != nil {
			t.Errorf("below the limit: %v", err)
		}
		for name, open := range map[string]func() error{
			"a passkey":       func() error { return use(key, 3) },
			"a recovery code": func() error { return use(code, 3) },
			"a known browser": func() error { return use(app, 0) },
		} {
			if n := countWrong(t, s, u, 3); n != 3 {
				t.Errorf("%d wrong codes", n)
			}
			if err := use(app, 3); !errors.Is(err, models.ErrUsed) {
				t.Errorf("a right code while it is closed: %v", err)
			}
			if got := factorOf(t, s, u, models.FactorTOTP).Wrong; got != 3 {
				t.Errorf("%d wrong codes after a refusal", got)
			}
			if err := open(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := use(app, 1); err != nil {
				t.Errorf("after %s: %v", name, err)
			}
		}
		if err := use(code, 0); !errors.Is(err, models.ErrUsed) {
			t.Errorf("a recovery code once more: %v", err)
		}
		if got := factorOf(t, s, u, models.FactorPasskey); got.SignCount != 8 || got.BackedUp || got.UsedAt == nil {
			t.Errorf("%+v", got)
		}
		if _, err := s.CountWrongCode(t.Context(), none.ID, noon); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("without an app: %v", err)
		}
	})
}

func TestAFactorWorksOnlyAsItIs(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addUser(t, s), addUser(t, s)
		app := addFactors(t, s, u, noon, authenticatorApp())[0]
		theirs := addFactors(t, s, other, noon, authenticatorApp())[0]
		for name, c := range map[string]struct {
			spoil   func(*models.FactorUse)
			version int64
			want    error
		}{
			"as it is":             {func(*models.FactorUse) {}, 1, nil},
			"another account's":    {func(use *models.FactorUse) { use.ID = theirs.ID }, 1, models.ErrUsed},
			"an unknown one":       {func(use *models.FactorUse) { use.ID = uuid.New() }, 1, models.ErrUsed},
			"as a passkey":         {func(use *models.FactorUse) { use.Kind = models.FactorPasskey }, 1, models.ErrUsed},
			"as a recovery code":   {func(use *models.FactorUse) { use.Kind = models.FactorRecoveryCode }, 1, models.ErrUsed},
			"as an unknown kind":   {func(use *models.FactorUse) { use.Kind = "sms" }, 1, models.ErrUsed},
			"of an older version":  {func(*models.FactorUse) {}, 0, models.ErrChanged},
			"of a version to come": {func(*models.FactorUse) {}, 2, models.ErrChanged},
		} {
			exec(t, s, "UPDATE factors SET last_step = 0, used_at = NULL")
			use := useOf(app, noon)
			c.spoil(&use)
			err := s.UseFactor(t.Context(), u.ID, c.version, use, nil)
			if got := factorOf(t, s, u, models.FactorTOTP); !errors.Is(err, c.want) || (got.UsedAt != nil) != (c.want == nil) {
				t.Errorf("%s: %v, %+v", name, err, got)
			}
		}
		exec(t, s, "UPDATE users SET disabled_at = created_at WHERE id = ?", u.ID.String())
		if err := s.UseFactor(t.Context(), u.ID, 1, models.FactorUse{ID: app.ID, Kind: app.Kind, Step: 200, At: noon}, nil); !errors.Is(err, models.ErrChanged) {
			t.Errorf("a disabled account: %v", err)
		}
	})
}

// The challenge, the factor, the event and the mail belong together.
func TestAConfirmationIsAllOrNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		addFactors(t, s, u, noon, append(recoveryCodes(1), authenticatorApp())...)
		phone := models.NewID(noon)
		e := event(models.EventRecoveryCodeUsed, u.ID, noon)
		e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: phone, Valid: true}, "phone"
		use := useOf(factorOf(t, s, u, models.FactorRecoveryCode), noon)
		use.Event, use.Mail = &e, mailTo(u, "code used", "", noon)
		made := addChallenge(t, s, u, "one", noon)
		refused := use
		refused.Event = &models.Event{UserID: u.ID, At: noon, Kind: models.EventFactorAdded, Actor: models.ActorOwner, Limits: []models.EventLimit{{Most: 1, Within: time.Hour}}}
		if err := s.UseFactor(t.Context(), u.ID, 1, refused, answer(u, "one", noon)); !errors.Is(err, models.ErrLimit) {
			t.Errorf("past the event's limit: %v", err)
		}
		if err := s.UseFactor(t.Context(), u.ID, 1, use, answer(u, "one", noon)); err != nil {
			t.Fatalf("after a refusal: %v", err)
		}
		c, err := s.FindChallenge(t.Context(), secondStep, made.Hash, noon)
		if err != nil || c.DeviceID.UUID != phone || eventOf(t, s, u, models.EventRecoveryCodeUsed).DeviceName != "phone" || count(t, s, "SELECT count(*) FROM mails WHERE kind = 'code used'") != 1 {
			t.Errorf("%+v, %v, %s", c, err, kinds(t, s, u.ID))
		}
		other := addChallenge(t, s, u, "two", noon)
		if err := s.UseFactor(t.Context(), u.ID, 1, use, answer(u, "two", noon)); !errors.Is(err, models.ErrUsed) {
			t.Errorf("the code once more: %v", err)
		}
		if c, err := s.FindChallenge(t.Context(), secondStep, other.Hash, noon); err != nil || c.UsedAt != nil {
			t.Errorf("a refused answer used the challenge: %+v, %v", c, err)
		}
	})
}

// 300 uses at once of one code, one recovery code, one challenge, one sealed challenge: by sign-ins and by confirmations.
func TestOfThreeHundredUsesOneWins(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		addFactors(t, s, u, noon, append(recoveryCodes(1), authenticatorApp(), passkey("laptop"))...)
		app, code, key := factorOf(t, s, u, models.FactorTOTP), factorOf(t, s, u, models.FactorRecoveryCode), factorOf(t, s, u, models.FactorPasskey)
		addChallenge(t, s, u, "one", noon)
		steps := func(i int) models.FactorUse { // each of its own, so that only the challenge decides
			use := useOf(key, noon)
			use.SignCount = int64(i)
			return use
		}
		for name, c := range map[string]struct {
			factor    func(i int) models.FactorUse
			challenge *models.ChallengeUse
		}{
			"an app's code":      {func(int) models.FactorUse { return useOf(app, noon) }, nil},
			"a recovery code":    {func(int) models.FactorUse { return useOf(code, noon) }, nil},
			"a challenge":        {steps, answer(u, "one", noon)},
			"a sealed challenge": {steps, &models.ChallengeUse{Hash: hashOf("sealed"), Purpose: "passkey", ExpiresAt: noon.Add(time.Minute), Sealed: true}},
		} {
			var won atomic.Int64
			rounds := 6
			if testing.Short() { // under the race detector
				rounds = 1
			}
			together(50, func(i int) {
				for j := range rounds {
					use := c.factor(rounds*i + j)
					var err error
					if i%2 == 0 {
						n := signIn(u.ID, models.KindApp, fmt.Sprint(name, i, j), noon)
						n.FactorsVersion, n.Factor, n.Challenge = 1, &use, c.challenge
						_, err = s.AddDevice(t.Context(), n)
					} else {
						err = s.UseFactor(t.Context(), u.ID, 1, use, c.challenge)
					}
					if err == nil {
						won.Add(1)
					} else if !errors.Is(err, models.ErrUsed) {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
			if won.Load() != 1 {
				t.Errorf("%s: %d of %d uses won", name, won.Load(), 50*rounds)
			}
		}
	})
}
