package models_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// sealed stands for a secret that a caller has sealed.
var sealed = []byte("sealed")

func passkey(name string) models.Factor {
	return models.Factor{Kind: models.FactorPasskey, Name: name, Credential: []byte("id of " + name), Data: []byte(`{"record":1}`), Synced: true, BackedUp: true, SignCount: 7}
}

func authenticatorApp() models.Factor { return models.Factor{Kind: models.FactorTOTP, Data: sealed} }

func recoveryCodes(n int) (list []models.Factor) {
	for i := range n {
		list = append(list, models.Factor{Kind: models.FactorRecoveryCode, Credential: hashOf(fmt.Sprint("code ", i))})
	}
	return list
}

// version is what a caller reads before it decides about factors.
func factorsVersion(t testing.TB, s *models.Store, u models.User) int64 {
	t.Helper()
	return user(t, s, u).FactorsVersion
}

func addition(t testing.TB, s *models.Store, u models.User, at time.Time, list ...models.Factor) models.FactorAddition {
	t.Helper()
	return models.FactorAddition{UserID: u.ID, Version: factorsVersion(t, s, u), Add: list, At: at, Event: event(models.EventFactorAdded, u.ID, at)}
}

func removal(t testing.TB, s *models.Store, u models.User, at time.Time) models.FactorRemoval {
	t.Helper()
	return models.FactorRemoval{UserID: u.ID, Version: factorsVersion(t, s, u), At: at, Event: event(models.EventFactorRemoved, u.ID, at)}
}

// addFactors adds factors and returns all of the account, oldest first.
func addFactors(t testing.TB, s *models.Store, u models.User, at time.Time, list ...models.Factor) []models.Factor {
	t.Helper()
	if _, err := s.AddFactors(t.Context(), addition(t, s, u, at, list...)); err != nil {
		t.Fatalf("add factors: %v", err)
	}
	return factors(t, s, u)
}

func factors(t testing.TB, s *models.Store, u models.User) []models.Factor {
	t.Helper()
	list, err := s.Factors(t.Context(), u.ID)
	if err != nil {
		t.Fatalf("factors: %v", err)
	}
	return list
}

func factorOf(t testing.TB, s *models.Store, u models.User, kind models.FactorKind) models.Factor {
	t.Helper()
	for _, f := range factors(t, s, u) {
		if f.Kind == kind {
			return f
		}
	}
	t.Fatalf("there is no %s", kind)
	return models.Factor{}
}

// eventOf is the account's latest event of a kind.
func eventOf(t testing.TB, s *models.Store, u models.User, kind models.EventKind) models.Event {
	t.Helper()
	for _, e := range events(t, s, u.ID) {
		if e.Kind == kind {
			return e
		}
	}
	t.Fatalf("there is no %s", kind)
	return models.Event{}
}

func TestFactorsAreAddedRenamedAndRemoved(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addUser(t, s), addUser(t, s)
		addFactors(t, s, other, noon, passkey("laptop"))
		later := noon.Add(time.Hour + 1234*time.Nanosecond).In(time.FixedZone("", 3600))
		addFactors(t, s, u, noon, passkey("laptop"))
		list := addFactors(t, s, u, later, append(recoveryCodes(2), authenticatorApp())...)
		if len(list) != 4 || list[0].Kind != models.FactorPasskey || string(list[0].Credential) != "id of laptop" || string(list[0].Data) != `{"record":1}` ||
			!list[0].Synced || !list[0].BackedUp || list[0].SignCount != 7 || list[0].UsedAt != nil || !list[0].Since.Equal(noon) {
			t.Errorf("%+v", list)
		}
		app := factorOf(t, s, u, models.FactorTOTP)
		if want := noon.Add(time.Hour + time.Microsecond); !app.CreatedAt.Equal(want) || !app.Since.Equal(want) || string(app.Data) != "sealed" || len(app.Credential) != 0 {
			t.Errorf("%+v", app)
		}
		if got := user(t, s, u); !got.SecondFactor || got.FactorsVersion != 2 {
			t.Errorf("%v, version %d", got.SecondFactor, got.FactorsVersion)
		}

		if err := s.RenameFactor(t.Context(), u.ID, list[0].ID, "work", event(models.EventFactorRenamed, u.ID, later), models.MailWithLinks{}); err != nil {
			t.Fatal(err)
		}
		if e := eventOf(t, s, u, models.EventFactorRenamed); e.Kind != models.EventFactorRenamed || e.DeviceName != "work" || e.Detail != "passkey" {
			t.Errorf("%+v", e)
		}
		before := len(events(t, s, u.ID))
		if err := s.RenameFactor(t.Context(), u.ID, list[0].ID, "work", event(models.EventFactorRenamed, u.ID, later), models.MailWithLinks{}); err != nil || len(events(t, s, u.ID)) != before {
			t.Errorf("the same name: %v, %d events", err, len(events(t, s, u.ID))-before)
		}
		if err := s.RenameFactor(t.Context(), other.ID, list[0].ID, "mine", event(models.EventFactorRenamed, other.ID, later), models.MailWithLinks{}); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("another account's: %v", err)
		}
		if got := factors(t, s, u)[0].Name; got != "work" || factorsVersion(t, s, u) != 2 {
			t.Errorf("%q, version %d", got, factorsVersion(t, s, u))
		}

		r := removal(t, s, u, later)
		r.ID, r.Kind = list[0].ID, models.FactorPasskey
		if _, err := s.RemoveFactors(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := user(t, s, u); !got.SecondFactor || got.FactorsVersion != 3 || len(factors(t, s, u)) != 3 {
			t.Errorf("without its passkey: %v, version %d, %d factors", got.SecondFactor, got.FactorsVersion, len(factors(t, s, u)))
		}
		r = removal(t, s, u, later)
		r.Kind = models.FactorTOTP
		if _, err := s.RemoveFactors(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := user(t, s, u); got.SecondFactor || got.FactorsVersion != 4 || len(factors(t, s, u)) != 0 {
			t.Errorf("recovery codes stay alone: %v, version %d, %+v", got.SecondFactor, got.FactorsVersion, factors(t, s, u))
		}
		if got := user(t, s, other); !got.SecondFactor || got.FactorsVersion != 1 || len(factors(t, s, other)) != 1 {
			t.Errorf("the other account: %+v", got)
		}
	})
}

func TestNewRecoveryCodesReplaceTheOldOnes(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		addFactors(t, s, u, noon, append(recoveryCodes(3), authenticatorApp())...)
		since := noon.Add(-time.Hour)
		codes := recoveryCodes(2)
		codes[0].Since, codes[1].Since = since, since
		a := addition(t, s, u, noon.Add(time.Hour), codes...)
		a.Replace = models.FactorRecoveryCode
		if _, err := s.AddFactors(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		list := factors(t, s, u)
		if len(list) != 3 || list[0].Kind != models.FactorTOTP || !list[1].Since.Equal(since) || !list[1].CreatedAt.Equal(a.At) || list[1].ID == list[2].ID {
			t.Errorf("%+v", list)
		}
	})
}

// Whatever a refused change would have done is undone.
func TestFactorsChangeOnlyOnTheStateThatWasVerified(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		fresh := func() (models.User, models.FactorAddition, models.FactorRemoval) {
			u := addUser(t, s)
			addFactors(t, s, u, noon, append(recoveryCodes(1), authenticatorApp())...)
			r := removal(t, s, u, noon)
			r.Kind = models.FactorTOTP
			return u, addition(t, s, u, noon, passkey("laptop")), r
		}
		for name, c := range map[string]struct {
			spoil func(models.User, *models.FactorAddition, *models.FactorRemoval)
			add   error
			drop  error
		}{
			"as verified":        {func(models.User, *models.FactorAddition, *models.FactorRemoval) {}, nil, nil},
			"another version":    {func(_ models.User, a *models.FactorAddition, r *models.FactorRemoval) { a.Version--; r.Version++ }, models.ErrChanged, models.ErrChanged},
			"the right password": {func(_ models.User, a *models.FactorAddition, _ *models.FactorRemoval) { a.Verified = password }, nil, nil},
			"another password":   {func(_ models.User, a *models.FactorAddition, _ *models.FactorRemoval) { a.Verified = "hash-2" }, models.ErrChanged, nil},
			"a locked password": {func(u models.User, a *models.FactorAddition, _ *models.FactorRemoval) {
				a.Verified = password
				exec(t, s, "UPDATE users SET locked_at = created_at WHERE id = ?", u.ID.String())
			}, models.ErrChanged, nil},
			"a locked password that was not asked for": {func(u models.User, _ *models.FactorAddition, _ *models.FactorRemoval) {
				exec(t, s, "UPDATE users SET locked_at = created_at WHERE id = ?", u.ID.String())
			}, nil, nil},
			"a disabled account": {func(u models.User, _ *models.FactorAddition, _ *models.FactorRemoval) {
				exec(t, s, "UPDATE users SET disabled_at = created_at WHERE id = ?", u.ID.String())
			}, models.ErrChanged, nil},
			"a second app": {func(_ models.User, a *models.FactorAddition, r *models.FactorRemoval) {
				a.Add = append(a.Add, authenticatorApp())
				r.Kind = models.FactorPasskey
			}, models.ErrDuplicate, models.ErrNotFound},
			"a code twice, an unknown one": {func(_ models.User, a *models.FactorAddition, r *models.FactorRemoval) {
				a.Add = append(a.Add, recoveryCodes(1)...)
				r.ID = models.NewID(noon)
			}, models.ErrDuplicate, models.ErrNotFound},
			"another kind than its own": {func(u models.User, _ *models.FactorAddition, r *models.FactorRemoval) {
				r.ID, r.Kind = factorOf(t, s, u, models.FactorTOTP).ID, models.FactorPasskey
			}, nil, models.ErrNotFound},
			"a limit of the event": {func(u models.User, a *models.FactorAddition, r *models.FactorRemoval) {
				a.Event.Limits = []models.EventLimit{{Most: 1, Within: time.Hour}}
				r.Event.Limits, r.Event.Kind = a.Event.Limits, models.EventFactorAdded
			}, models.ErrLimit, models.ErrLimit},
		} {
			u, a, r := fresh()
			before := user(t, s, u)
			c.spoil(u, &a, &r)
			_, err := s.AddFactors(t.Context(), a)
			if got := user(t, s, u); !errors.Is(err, c.add) || (got.FactorsVersion != before.FactorsVersion) != (c.add == nil) || len(factors(t, s, u)) != map[bool]int{true: 3, false: 2}[c.add == nil] {
				t.Errorf("%s: adding: %v, %+v", name, err, got)
			}
			u, a, r = fresh()
			c.spoil(u, &a, &r)
			_, err = s.RemoveFactors(t.Context(), r)
			if got := user(t, s, u); !errors.Is(err, c.drop) || got.SecondFactor != (c.drop != nil) || len(factors(t, s, u)) != map[bool]int{true: 0, false: 2}[c.drop == nil] {
				t.Errorf("%s: removing: %v, %+v", name, err, got)
			}
		}
	})
}

func TestRemovingFactorsWithoutAKindRemovesAll(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		addFactors(t, s, u, noon, append(recoveryCodes(3), authenticatorApp(), passkey("laptop"))...)
		if _, err := s.RemoveFactors(t.Context(), removal(t, s, u, noon)); err != nil || len(factors(t, s, u)) != 0 || user(t, s, u).SecondFactor {
			t.Errorf("%v: %+v", err, factors(t, s, u))
		}
		if _, err := s.RemoveFactors(t.Context(), removal(t, s, u, noon)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("once more: %v", err)
		}
	})
}

// Two changes that were decided by the same version: one of them loses, and the account has its factor once.
func TestOfConcurrentChangesOfFactorsOneWins(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		list := make([]error, 12)
		a := addition(t, s, u, noon)
		together(len(list), func(i int) {
			mine := a
			mine.Add = []models.Factor{passkey(fmt.Sprint("key ", i))}
			_, list[i] = s.AddFactors(t.Context(), mine)
		})
		won := 0
		for _, err := range list {
			if err == nil {
				won++
			} else if !errors.Is(err, models.ErrChanged) {
				t.Error(err)
			}
		}
		if won != 1 || len(factors(t, s, u)) != 1 || factorsVersion(t, s, u) != 1 {
			t.Errorf("%d won, %d factors", won, len(factors(t, s, u)))
		}
	})
}

func TestAChangeOfFactorsSignsOutOtherDevicesOnlyWhenAsked(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		mine, theirs := addApp(t, s, u.ID, "mine"), addApp(t, s, u.ID, "theirs")
		addFactors(t, s, u, noon, authenticatorApp())
		if device(t, s, theirs).RevokedAt != nil {
			t.Error("a factor signed a device out")
		}
		a := addition(t, s, u, noon, passkey("laptop"))
		a.KeepDevice = &mine.ID
		a.Mail = mailTo(u, "factor added", "", noon)
		if n, err := s.AddFactors(t.Context(), a); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		if d := device(t, s, theirs); d.RevokedAt == nil || d.RevokeReason != models.RevokedByOwner || d.RevokedBy != models.ActorOwner || device(t, s, mine).RevokedAt != nil {
			t.Errorf("%+v", d)
		}
		if n := count(t, s, "SELECT count(*) FROM mails WHERE kind = 'factor added'"); n != 1 {
			t.Errorf("%d mails", n)
		}
		r := removal(t, s, u, noon)
		r.Event.Kind, r.Event.Actor, r.KeepDevice = models.EventFactorsReset, models.ActorOperator, &uuid.Nil
		if n, err := s.RemoveFactors(t.Context(), r); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		if d := device(t, s, mine); d.RevokeReason != models.RevokedByOperator {
			t.Errorf("%+v", d)
		}
	})
}
