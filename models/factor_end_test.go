package models_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// trusted is an account with an app after three wrong codes, a trusted browser, an open and a used challenge.
func trusted(t testing.TB, s *models.Store) models.User {
	t.Helper()
	u := addUser(t, s)
	app := addFactors(t, s, u, noon.Add(-30*day), authenticatorApp())[0]
	u = user(t, s, u)
	for _, name := range []string{"open", "used"} {
		if err := s.AddChallenge(t.Context(), challenge(u, name, noon), password, u.FactorsVersion, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	n := signIn(u.ID, models.KindBrowser, "browser", noon)
	n.FactorsVersion, n.Challenge = u.FactorsVersion, answer(u, "used", noon)
	n.Factor = &models.FactorUse{ID: app.ID, Kind: models.FactorTOTP, Step: 1, At: noon}
	n.Trust = &models.TrustedBrowser{Hash: hashOf("browser"), Name: "browser", CreatedAt: noon, ExpiresAt: noon.Add(30 * day)}
	add(t, s, n)
	for range 3 {
		if _, err := s.CountWrongCode(t.Context(), u.ID, noon); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

// What an account has of trust, as counts: trusted browsers, open challenges, used challenges, wrong codes in a row.
func trustOf(t testing.TB, s *models.Store, u models.User) [4]int64 {
	t.Helper()
	id := u.ID.String()
	return [4]int64{
		count(t, s, "SELECT count(*) FROM trusted_browsers WHERE user_id = ?", id),
		count(t, s, "SELECT count(*) FROM challenges WHERE user_id = ? AND used_at IS NULL", id),
		count(t, s, "SELECT count(*) FROM challenges WHERE user_id = ? AND used_at IS NOT NULL", id),
		count(t, s, "SELECT coalesce(max(wrong), 0) FROM factors WHERE user_id = ?", id),
	}
}

func TestWhatChangesWhoGetsInEndsTrust(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		at := noon.Add(time.Hour)
		mailed := func(u models.User, purpose string) []byte {
			l := link(u, purpose, purpose+u.ID.String(), noon)
			if purpose == "alarm" {
				l.Subject = models.EveryDevice + "x"
			}
			if err := s.AddMail(t.Context(), mailTo(u, purpose, "", noon, l)); err != nil {
				t.Fatal(err)
			}
			return l.Hash
		}
		const ended, kept = 0, 1
		for name, c := range map[string]struct {
			act   func(u models.User) error
			trust int64
			wrong int64
		}{
			"a change of password": {func(u models.User) error {
				return second(s.ChangePassword(t.Context(), models.PasswordChange{UserID: u.ID, Proof: models.Proof{Verified: password, Version: factorsVersion(t, s, u)}, Hash: "hash-2", At: at, Event: event(models.EventPasswordChanged, u.ID, at)}))
			}, ended, 0},
			"a password set by an operator": {func(u models.User) error {
				return second(s.ChangePassword(t.Context(), models.PasswordChange{UserID: u.ID, Hash: "hash-2", At: at, Event: event(models.EventPasswordReset, u.ID, at)}))
			}, ended, 0},
			"a reset by mail": {func(u models.User) error {
				return second(s.ResetPassword(t.Context(), models.PasswordReset{
					Purpose: models.ResetLink, Link: mailed(u, models.ResetLink), UserID: u.ID, EmailKey: u.EmailKey, PasswordHash: "hash-2", At: at, Event: event(models.EventPasswordReset, u.ID, at),
				}))
			}, ended, 0},
			"an address taken back": {func(u models.User) error {
				moved(t, s, u, "new-"+u.EmailKey, noon)
				return second(s.UndoEmailChange(t.Context(), undo("back to "+u.EmailKey, at)))
			}, ended, 3},
			"this wasn't me": {func(u models.User) error {
				return second(s.ReportNotMe(t.Context(), models.NotMeReport{Purpose: "alarm", Hash: mailed(u, "alarm"), At: at, Event: event(models.EventLocked, u.ID, at)}))
			}, ended, 3},
			"a disabled account": {func(u models.User) error {
				return second(s.DisableUser(t.Context(), u.ID, event(models.EventDisabled, u.ID, at), models.MailWithLinks{}))
			}, ended, 3},
			"one more factor": {func(u models.User) error {
				return second(s.AddFactors(t.Context(), addition(t, s, u, at, passkey("laptop"))))
			}, ended, 3},
			"one factor less": {func(u models.User) error { return second(s.RemoveFactors(t.Context(), removal(t, s, u, at))) }, ended, 0},
			"a factor's new name": {func(u models.User) error {
				return s.RenameFactor(t.Context(), u.ID, factorOf(t, s, u, models.FactorTOTP).ID, "phone", event(models.EventFactorRenamed, u.ID, at), models.MailWithLinks{})
			}, kept, 3},
			"another role": {func(u models.User) error {
				return s.SetRole(t.Context(), u.ID, models.RoleSupport, event(models.EventRoleChanged, u.ID, at))
			}, kept, 3},
			"a change that was refused": {func(u models.User) error {
				_, err := s.ChangePassword(t.Context(), models.PasswordChange{UserID: u.ID, Proof: models.Proof{Verified: "hash-0"}, Hash: "hash-2", At: at, Event: event(models.EventPasswordChanged, u.ID, at)})
				if !errors.Is(err, models.ErrChanged) {
					return errors.New("it was not refused")
				}
				return nil
			}, kept, 3},
		} {
			u, other := trusted(t, s), trusted(t, s)
			if got := trustOf(t, s, u); got != [4]int64{1, 1, 1, 3} {
				t.Fatalf("before: %v", got)
			}
			if err := c.act(u); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := trustOf(t, s, u); got != [4]int64{c.trust, c.trust, 1, c.wrong} {
				t.Errorf("%s: %v", name, got)
			}
			if got := trustOf(t, s, other); got != [4]int64{1, 1, 1, 3} {
				t.Errorf("%s: the other account: %v", name, got)
			}
		}
	})
}

func TestADeletedAccountTakesItsFactorsAlong(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		gone, stays := trusted(t, s), trusted(t, s)
		d := deletion(gone, noon.Add(time.Hour))
		d.Proof.Version = factorsVersion(t, s, gone)
		if err := deleteWhole(t, s, d); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"factors", "challenges", "trusted_browsers"} {
			if rows(t, s, table, "user_id", gone.ID.String()) != 0 || rows(t, s, table, "user_id", stays.ID.String()) == 0 {
				t.Errorf("the rows of %s", table)
			}
		}
		if modelstest.OnCitus() {
			return // there is no earlier release that runs on it
		}
		// An earlier release deletes the users row and what it knows.
		exec(t, s, "DELETE FROM devices WHERE user_id = ?", stays.ID.String())
		exec(t, s, "DELETE FROM users WHERE id = ?", stays.ID.String())
		if got := trustOf(t, s, stays); got != [4]int64{} {
			t.Errorf("after an earlier release: %v", got)
		}
	})
}

func TestChallengesAndTrustAreSweptAfterTheirEnd(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := trusted(t, s)
		end := noon.Add(10 * time.Minute)
		for _, c := range []struct {
			r    models.Retention
			want [4]int64
		}{
			{models.Retention{}, [4]int64{1, 1, 1, 3}},
			{models.Retention{ChallengesBefore: end, TrustBefore: noon.Add(30 * day)}, [4]int64{1, 1, 1, 3}},
			{models.Retention{ChallengesBefore: end.Add(time.Microsecond)}, [4]int64{1, 0, 0, 3}},
			{models.Retention{TrustBefore: noon.Add(30*day + time.Microsecond)}, [4]int64{0, 0, 0, 3}},
		} {
			if _, err := s.Sweep(t.Context(), c.r); err != nil {
				t.Fatal(err)
			}
			if got := trustOf(t, s, u); got != c.want {
				t.Errorf("%+v: %v", c.r, got)
			}
		}
	})
}
