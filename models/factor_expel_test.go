package models_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// aged is a passkey of a certain age at noon.
func aged(name string, age time.Duration) models.Factor {
	f := passkey(name)
	f.CreatedAt = noon.Add(-age)
	return f
}

// codeOf is a recovery code that was made at noon and counts as old as what confirmed it.
func codeOf(name string, since time.Time) models.Factor {
	return models.Factor{Kind: models.FactorRecoveryCode, Name: name, Credential: hashOf("code " + name), CreatedAt: noon, Since: since}
}

// factorNames are the names of the account's factors, sorted.
func factorNames(t testing.TB, s *models.Store, u models.User) string {
	t.Helper()
	var list []string
	for _, f := range factors(t, s, u) {
		list = append(list, f.Name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// expelled checks what an act has left: the factors, whether they are a second factor, and the event of what it removed.
func expelled(t testing.TB, s *models.Store, before models.User, left, gone string) {
	t.Helper()
	if got := factorNames(t, s, before); got != left {
		t.Errorf("left are %q, want %q", got, left)
	}
	now := user(t, s, before)
	if now.FactorsVersion <= before.FactorsVersion {
		t.Error("the version of the factors is the same")
	}
	hasOne := slices.ContainsFunc(factors(t, s, before), func(f models.Factor) bool { return f.Kind != models.FactorRecoveryCode })
	if now.SecondFactor != hasOne {
		t.Errorf("second factor: %v, with %q", now.SecondFactor, left)
	}
	var said []string
	for _, e := range events(t, s, before.ID) {
		if e.Kind == models.EventFactorRemoved {
			said = append(said, e.Detail)
		}
	}
	if strings.Join(said, ";") != gone {
		t.Errorf("the activity says %q was removed, want %q", said, gone)
	}
}

// reset sets a new password by mail, and returns what the mail about it says was removed.
func reset(t testing.TB, s *models.Store, u models.User, at time.Time) (told string) {
	t.Helper()
	l := link(u, models.ResetLink, "reset "+u.ID.String(), at)
	if err := s.AddMail(t.Context(), mailTo(u, "reset", "", at, l)); err != nil {
		t.Fatal(err)
	}
	_, err := s.ResetPassword(t.Context(), models.PasswordReset{
		Purpose: models.ResetLink, Link: l.Hash, UserID: u.ID, EmailKey: user(t, s, u).EmailKey, PasswordHash: "hash-2", At: at, Event: event(models.EventPasswordReset, u.ID, at),
		Mail: func(gone models.FactorsGone) models.MailWithLinks {
			told = gone.String()
			return mailTo(u, "changed", "", at)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// notMe answers a mail about the subject.
func notMe(t testing.TB, s *models.Store, u models.User, subject string, sent, at time.Time) models.NotMeDone {
	t.Helper()
	l := link(u, "alarm", "alarm "+u.ID.String()+subject, sent)
	l.Subject = subject
	if err := s.AddMail(t.Context(), mailTo(u, "alarm", "", sent, l)); err != nil {
		t.Fatal(err)
	}
	done, err := s.ReportNotMe(t.Context(), models.NotMeReport{Purpose: "alarm", Hash: l.Hash, At: at, Event: event(models.EventLocked, uuid.Nil, at)})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestAResetByMailRemovesYoungFactors(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, c := range map[string]struct {
			has  []models.Factor
			left string
			gone string
		}{
			"none":                              {nil, "", ""},
			"a week and older":                  {[]models.Factor{aged("week", 7*day), aged("month", 30*day)}, "month week", ""},
			"younger than a week":               {[]models.Factor{aged("young", 7*day-time.Second), aged("month", 30*day)}, "month", "passkeys=1"},
			"of a clock that is ahead":          {[]models.Factor{aged("ahead", -time.Minute), aged("month", 30*day)}, "month", "passkeys=1"},
			"only young ones":                   {[]models.Factor{aged("a", time.Hour), aged("b", day), codeOf("c", noon.Add(-30*day))}, "", "passkeys=2 codes"},
			"codes confirmed by an old factor":  {[]models.Factor{aged("month", 30*day), codeOf("c", noon.Add(-30*day))}, "c month", ""},
			"codes confirmed by a young factor": {[]models.Factor{aged("month", 30*day), aged("young", day), codeOf("c", noon.Add(-day))}, "month", "passkeys=1 codes"},
		} {
			t.Run(name, func(t *testing.T) {
				u := addUser(t, s)
				if c.has != nil {
					addFactors(t, s, u, noon, c.has...)
				}
				u = user(t, s, u)
				if told := reset(t, s, u, noon); told != c.gone {
					t.Errorf("the mail says %q was removed, want %q", told, c.gone)
				}
				expelled(t, s, u, c.left, c.gone)
			})
		}
	})
}

// An app that goes is told apart from a passkey, and recovery codes that were all used are not worth a word.
func TestAResetSaysWhatItRemoved(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		used := codeOf("used", noon.Add(-time.Hour))
		used.UsedAt = &noon
		addFactors(t, s, u, noon, authenticatorApp(), used)
		if told := reset(t, s, u, noon); told != "app" {
			t.Errorf("the mail says %q", told)
		}
	})
}

func TestAnUndoRemovesTheFactorsOfTheTimeOfTheFirstChange(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		// The factors count from the first change at noon, whenever the link is used.
		has := []models.Factor{aged("week before", 7*day), aged("five days before", 5*day), aged("hour after", -time.Hour), aged("month before", 30*day)}
		for name, back := range map[string]func(u models.User) string{
			"one change": func(u models.User) string {
				moved(t, s, u, "b-"+u.EmailKey, noon)
				return "back to " + u.EmailKey
			},
			"the first link after two changes": func(u models.User) string {
				b := moved(t, s, u, "b-"+u.EmailKey, noon)
				moved(t, s, b, "c-"+u.EmailKey, noon.Add(3*day))
				return "back to " + u.EmailKey
			},
			"the renewed link after two changes": func(u models.User) string {
				b := moved(t, s, u, "b-"+u.EmailKey, noon)
				moved(t, s, b, "c-"+u.EmailKey, noon.Add(3*day))
				return "again to " + u.EmailKey + " from b-" + u.EmailKey
			},
		} {
			t.Run(name, func(t *testing.T) {
				u := addUser(t, s)
				addFactors(t, s, u, noon, has...)
				secret := back(u)
				before := user(t, s, u)
				var told string
				b := undo(secret, noon.Add(4*day))
				mails := b.Mails
				b.Mails = func(f models.FormerAddress, left string, gone models.FactorsGone) []models.MailWithLinks {
					told = gone.String()
					return mails(f, left, gone)
				}
				if _, err := s.UndoEmailChange(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				expelled(t, s, before, "month before week before", "passkeys=2")
				if told != "passkeys=2" {
					t.Errorf("the mail says %q", told)
				}
			})
		}
	})
}

// A link to a later address undoes only the changes after it.
func TestAnUndoOfTheSecondChangeCountsFromThat(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		addFactors(t, s, u, noon, aged("old", 3*day), aged("later", -8*day))
		b := moved(t, s, u, "b-"+u.EmailKey, noon)
		moved(t, s, b, "c-"+u.EmailKey, noon.Add(5*day))
		before := user(t, s, u)
		if _, err := s.UndoEmailChange(t.Context(), undo("back to "+b.EmailKey, noon.Add(9*day))); err != nil {
			t.Fatal(err)
		}
		expelled(t, s, before, "old", "passkeys=1")
	})
}

func TestThisWasntMeRemovesWhatWasAddedSince(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		at := noon.Add(2 * time.Hour)
		for name, c := range map[string]struct {
			subject func(d models.Device) string
			pruned  bool
		}{
			"a device":                             {func(d models.Device) string { return d.ID.String() }, false},
			"a device that is pruned":              {func(d models.Device) string { return d.ID.String() }, true},
			"a time":                               {func(models.Device) string { return models.DevicesFrom(noon, "x") }, false},
			"every device, since the mail":         {func(models.Device) string { return models.EveryDevice + "x" }, false},
			"recovery codes, since they were made": {func(models.Device) string { return models.EveryDeviceAndCodes + "x" }, false},
		} {
			t.Run(name, func(t *testing.T) {
				u := addUser(t, s)
				addFactors(t, s, u, noon, aged("before", time.Second))
				n := signIn(u.ID, models.KindApp, "thief", noon)
				n.FactorsVersion = factorsVersion(t, s, u)
				d := add(t, s, n)
				addFactors(t, s, u, noon, aged("same moment", 0), aged("after", -time.Hour), codeOf("code", noon.Add(-time.Second)))
				if c.pruned {
					exec(t, s, "DELETE FROM devices WHERE id = ?", d.ID.String())
				}
				before := user(t, s, u)
				done := notMe(t, s, u, c.subject(d), noon, at)
				left, gone := "before", "passkeys=2 codes"
				if c.pruned || strings.HasPrefix(c.subject(d), models.EveryDevice) && !strings.HasPrefix(c.subject(d), models.EveryDeviceAndCodes) {
					left, gone = "before code", "passkeys=2"
				}
				expelled(t, s, before, left, gone)
				if done.Factors.String() != gone {
					t.Errorf("it reports %q", done.Factors)
				}
			})
		}
	})
}

func TestTheLinkAboutAFactorRemovesItAndEveryLaterOne(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, gone := range map[string]bool{"that is still there": false, "that the thief has removed": true} {
			t.Run(name, func(t *testing.T) {
				u := addUser(t, s)
				old := signIn(u.ID, models.KindApp, "old", noon.Add(-time.Hour))
				owner := add(t, s, old)
				addFactors(t, s, u, noon, aged("owner's", 30*day), aged("first", 0), aged("second", -time.Minute), codeOf("code", noon), codeOf("old code", noon.Add(-30*day)))
				var first models.Factor
				for _, f := range factors(t, s, u) {
					if f.Name == "first" {
						first = f
					}
				}
				says := "passkeys=2 codes"
				if gone {
					exec(t, s, "DELETE FROM factors WHERE id = ?", first.ID.String())
					says = "passkeys=1 codes"
				}
				n := signIn(u.ID, models.KindApp, "thief", noon.Add(time.Minute))
				n.FactorsVersion = factorsVersion(t, s, u)
				thief := add(t, s, n)
				exec(t, s, "INSERT INTO trusted_browsers (user_id, id, hash, created_at, expires_at) SELECT user_id, id, secret_hash, created_at, expires_at FROM devices WHERE id = ?", thief.ID.String())
				before := user(t, s, u)
				if err := s.AddChallenge(t.Context(), challenge(before, "open "+u.ID.String(), noon), password, before.FactorsVersion, nil, nil); err != nil {
					t.Fatal(err)
				}
				done := notMe(t, s, u, models.FactorSubject(first.ID), noon, noon.Add(time.Hour))
				expelled(t, s, before, "old code owner's", says)
				if done.Revoked != 1 || device(t, s, thief).RevokedAt == nil || device(t, s, owner).RevokedAt != nil || user(t, s, u).LockedAt == nil {
					t.Errorf("%d devices signed out; the thief's: %v, the owner's: %v, locked: %v", done.Revoked, device(t, s, thief).RevokedAt, device(t, s, owner).RevokedAt, user(t, s, u).LockedAt)
				}
				if trust := trustOf(t, s, u); trust[0] != 0 || trust[1] != 0 {
					t.Errorf("%d trusted browsers and %d open challenges stay", trust[0], trust[1])
				}
			})
		}
	})
}

// An addition that was decided before the owner acted must not come after the act, not even when a passkey alone confirmed it.
func TestAnAdditionThatWasDecidedBeforeFails(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, act := range map[string]func(u models.User){
			"a reset":        func(u models.User) { reset(t, s, u, noon.Add(time.Minute)) },
			"this wasn't me": func(u models.User) { notMe(t, s, u, models.EveryDevice+"x", noon, noon.Add(time.Minute)) },
			"an undo": func(u models.User) {
				moved(t, s, u, "b-"+u.EmailKey, noon)
				if _, err := s.UndoEmailChange(t.Context(), undo("back to "+u.EmailKey, noon.Add(time.Minute))); err != nil {
					t.Fatal(err)
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				u := addUser(t, s)
				addFactors(t, s, u, noon, aged("old", 30*day))
				decided := addition(t, s, u, noon, passkey("thief's"))
				act(u)
				if _, err := s.AddFactors(t.Context(), decided); !errors.Is(err, models.ErrChanged) || factorNames(t, s, u) != "old" {
					t.Errorf("%v; the account has %q", err, factorNames(t, s, u))
				}
			})
		}
	})
}

func TestWhatWasRemovedIsReadAsItWasWritten(t *testing.T) {
	for _, g := range []models.FactorsGone{{Passkeys: 1}, {Passkeys: 20, App: true, Codes: true}, {App: true}, {Codes: true}} {
		if got, ok := models.ParseFactorsGone(g.String()); !ok || got != g {
			t.Errorf("%q is read as %+v, %v", g, got, ok)
		}
	}
	for _, bad := range []string{"", "passkey", "totp", "passkeys=0", "passkeys=x", "passkeys=-1", "app more"} {
		if got, ok := models.ParseFactorsGone(bad); ok || !got.None() {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}
