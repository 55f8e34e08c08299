package models_test

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

const secondStep = "second step"

// challenge is one of an account, which lasts for ten minutes.
func challenge(u models.User, name string, at time.Time) models.Challenge {
	return models.Challenge{Hash: hashOf(name + u.ID.String()), UserID: u.ID, Purpose: secondStep, Data: sealed, CreatedAt: at, ExpiresAt: at.Add(10 * time.Minute)}
}

// answer uses the challenge of that name.
func answer(u models.User, name string, at time.Time) *models.ChallengeUse {
	return &models.ChallengeUse{Hash: challenge(u, name, at).Hash, Purpose: secondStep, Answer: hashOf("answer"), ExpiresAt: at.Add(10 * time.Minute)}
}

func addChallenge(t testing.TB, s *models.Store, u models.User, name string, at time.Time) models.Challenge {
	t.Helper()
	c := challenge(u, name, at)
	if err := s.AddChallenge(t.Context(), c, "", factorsVersion(t, s, u), nil, nil); err != nil {
		t.Fatalf("add challenge: %v", err)
	}
	return c
}

func TestAChallengeIsWrittenOnlyOnTheStateThatWasVerified(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		budget := models.Budget{Key: []byte("budget"), Most: 3, Window: time.Hour}
		for i, c := range []struct {
			name     string
			spoil    string
			verified string
			version  int64
			want     error
		}{
			{"as verified", "", password, 0, nil},
			{"without a password", "", "", 0, nil},
			{"another password", "", "hash-0", 0, models.ErrChanged},
			{"another version", "", password, 1, models.ErrChanged},
			{"a locked password", "UPDATE users SET locked_at = created_at WHERE id = ?", password, 0, models.ErrChanged},
			{"a locked password that was not asked for", "UPDATE users SET locked_at = created_at WHERE id = ?", "", 0, nil},
			{"past the budget", "", password, 0, models.ErrSpent},
			{"a disabled account", "UPDATE users SET disabled_at = created_at WHERE id = ?", "", 0, models.ErrChanged},
			{"a deleted account", "DELETE FROM users WHERE id = ?", password, 0, models.ErrChanged},
		} {
			u := addUser(t, s)
			if c.spoil != "" {
				exec(t, s, c.spoil, u.ID.String())
			}
			failed, err := s.IncrementCounters(t.Context(), [][]byte{u.ID[:]}, noon, noon.Add(-time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			made := challenge(u, "one", noon)
			err = s.AddChallenge(t.Context(), made, c.verified, c.version, []models.Budget{budget}, failed)
			if !errors.Is(err, c.want) {
				t.Errorf("%d %s: %v", i, c.name, err)
			}
			left, err2 := s.Counters(t.Context(), [][]byte{u.ID[:]}, noon)
			found, err3 := s.FindChallenge(t.Context(), secondStep, made.Hash, noon)
			if err2 != nil || (err3 == nil) != (err == nil) || (len(left) == 0) != (err == nil) {
				t.Errorf("%s: found %+v, %v; counted %v, %v", c.name, found, err3, left, err2)
			}
			if err == nil && (!bytes.Equal(found.Data, sealed) || found.UserID != u.ID || !found.ExpiresAt.Equal(made.ExpiresAt) || found.UsedAt != nil || found.Attempts != 0) {
				t.Errorf("%s: %+v", c.name, found)
			}
		}
	})
}

func TestAChallengeEnds(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		const us = time.Microsecond
		end := noon.Add(10 * time.Minute)
		at := end.Add(-us)
		for name, c := range map[string]struct {
			spoil func(models.Challenge)
			look  func(*models.Challenge, *time.Time)
			want  error
		}{
			"open":            {nil, nil, nil},
			"expired":         {nil, func(_ *models.Challenge, at *time.Time) { *at = end }, models.ErrNotFound},
			"another purpose": {nil, func(c *models.Challenge, _ *time.Time) { c.Purpose = "other" }, models.ErrNotFound},
			"another hash":    {nil, func(c *models.Challenge, _ *time.Time) { c.Hash = c.Hash[:31] }, models.ErrNotFound},
			"no hash":         {nil, func(c *models.Challenge, _ *time.Time) { c.Hash = nil }, models.ErrNotFound},
			"ended": {func(c models.Challenge) {
				if err := s.EndChallenge(t.Context(), c.Hash); err != nil {
					t.Fatal(err)
				}
			}, nil, models.ErrNotFound},
		} {
			made := addChallenge(t, s, u, name, noon)
			look, at := made, at
			if c.spoil != nil {
				c.spoil(made)
			}
			if c.look != nil {
				c.look(&look, &at)
			}
			if _, err := s.FindChallenge(t.Context(), look.Purpose, look.Hash, at); !errors.Is(err, c.want) {
				t.Errorf("%s: find: %v", name, err)
			}
			if got, err := s.TryChallenge(t.Context(), look.Purpose, look.Hash, at, 5); !errors.Is(err, c.want) || err == nil && (got.Attempts != 1 || !bytes.Equal(got.Data, sealed)) {
				t.Errorf("%s: try: %+v, %v", name, got, err)
			}
			app := models.FactorUse{ID: uuid.New(), Kind: models.FactorTOTP, Step: 1, At: at}
			use := &models.ChallengeUse{Hash: look.Hash, Purpose: look.Purpose, Answer: hashOf("answer")}
			if err := s.UseFactor(t.Context(), u.ID, 0, app, use); !errors.Is(err, models.ErrUsed) {
				t.Errorf("%s: an unknown factor: %v", name, err)
			}
		}
	})
}

func TestAUsedChallengeIsFoundForAMinute(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		made := addChallenge(t, s, u, "one", noon)
		n := signIn(u.ID, models.KindBrowser, "browser", noon.Add(time.Minute))
		n.Challenge = answer(u, "one", noon)
		d := add(t, s, n)
		for _, c := range []struct {
			after time.Duration
			want  error
		}{{time.Minute, nil}, {2*time.Minute - time.Microsecond, nil}, {2 * time.Minute, models.ErrNotFound}} {
			got, err := s.FindChallenge(t.Context(), secondStep, made.Hash, noon.Add(c.after))
			if !errors.Is(err, c.want) || err == nil && (got.UsedAt == nil || !got.UsedAt.Equal(noon.Add(time.Minute)) || !bytes.Equal(got.Answer, hashOf("answer")) || got.DeviceID.UUID != d.ID) {
				t.Errorf("after %v: %+v, %v", c.after, got, err)
			}
		}
		if _, err := s.TryChallenge(t.Context(), secondStep, made.Hash, noon.Add(time.Minute), 5); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a used one is tried: %v", err)
		}
		if err := s.EndChallenge(t.Context(), made.Hash); err != nil {
			t.Fatal(err)
		}
		if _, err := s.FindChallenge(t.Context(), secondStep, made.Hash, noon.Add(time.Minute)); err != nil {
			t.Errorf("ending it removed the record of its use: %v", err)
		}
		if _, err := s.AddDevice(t.Context(), n); !errors.Is(err, models.ErrUsed) {
			t.Errorf("once more: %v", err)
		}
	})
}

func TestOfManyAttemptsAtMostFiveGetTheChallenge(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		made := addChallenge(t, s, u, "one", noon)
		var got, seen atomic.Int64
		together(60, func(int) {
			for range 5 {
				c, err := s.TryChallenge(t.Context(), secondStep, made.Hash, noon, 5)
				switch {
				case err == nil:
					got.Add(1)
					seen.Add(c.Attempts)
				case !errors.Is(err, models.ErrNotFound):
					t.Error(err)
				}
			}
		})
		if got.Load() != 5 || seen.Load() != 1+2+3+4+5 {
			t.Errorf("%d attempts, with numbers that add up to %d", got.Load(), seen.Load())
		}
	})
}

func TestASealedChallengeWorksOnceAndOnlyUntilItsEnd(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addUser(t, s), addUser(t, s)
		at := func(u models.User, at time.Time) models.NewDevice {
			n := signIn(u.ID, models.KindBrowser, "browser", at)
			n.Verified = ""
			n.Challenge = &models.ChallengeUse{Hash: hashOf("sealed"), Purpose: "passkey", Sealed: true, ExpiresAt: noon.Add(5 * time.Minute)}
			return n
		}
		if _, err := s.AddDevice(t.Context(), at(u, noon.Add(5*time.Minute))); !errors.Is(err, models.ErrUsed) {
			t.Errorf("at its end: %v", err)
		}
		d := add(t, s, at(u, noon))
		for name, who := range map[string]models.User{"the account": u, "another account": other} {
			if _, err := s.AddDevice(t.Context(), at(who, noon)); !errors.Is(err, models.ErrUsed) {
				t.Errorf("%s once more: %v", name, err)
			}
		}
		c, err := s.FindChallenge(t.Context(), "passkey", hashOf("sealed"), noon)
		if err != nil || c.UserID != u.ID || c.UsedAt == nil || c.DeviceID.UUID != d.ID || !c.ExpiresAt.Equal(noon.Add(5*time.Minute)) {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestAChallengeIsUsedByItsOwnAccountOnly(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, thief := addUser(t, s), addUser(t, s)
		addChallenge(t, s, u, "one", noon)
		n := signIn(thief.ID, models.KindBrowser, "browser", noon)
		n.Challenge = answer(u, "one", noon)
		if _, err := s.AddDevice(t.Context(), n); !errors.Is(err, models.ErrUsed) {
			t.Errorf("%v", err)
		}
		n.Device.UserID, n.Event.UserID = u.ID, u.ID
		add(t, s, n)
	})
}
