package models_test

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

const holdFor = 7 * 24 * time.Hour

func hashOf(secret string) []byte {
	hash := sha256.Sum256([]byte(secret))
	return hash[:]
}

// link makes a mailed link.
func link(u models.User, purpose, secret string, at time.Time) models.OneTime {
	return models.OneTime{Hash: hashOf(secret), UserID: u.ID, Purpose: purpose, Payload: hashOf("box"), CreatedAt: at, ExpiresAt: at.Add(24 * time.Hour)}
}

// mailTo makes a mail with links. Tests recognise it by its kind.
func mailTo(u models.User, kind, recipient string, at time.Time, links ...models.OneTime) models.MailWithLinks {
	return models.MailWithLinks{Mail: &models.OutgoingMail{ID: models.NewID(at), UserID: u.ID, Kind: kind, Recipient: recipient, Sealed: []byte("sealed"), CreatedAt: at}, Links: links}
}

// ask writes a link that confirms a new address.
func ask(t testing.TB, s *models.Store, u models.User, secret string, at time.Time) error {
	t.Helper()
	return s.AskEmailChange(t.Context(), models.EmailRequest{
		UserID: u.ID, Proof: models.Proof{Verified: password, Version: factorsVersion(t, s, u)}, At: at, Event: event(models.EventEmailAsked, u.ID, at), Mail: mailTo(u, "asked", "new", at, link(u, models.EmailLink, secret, at)),
	})
}

// move makes the change of address that uses that link, for the account as in u. The link "back to" takes back the old address.
func move(u models.User, secret, to string, at time.Time) models.EmailChange {
	return models.EmailChange{
		Link: hashOf(secret), UserID: u.ID, From: u.EmailKey, Verified: u.PasswordHash, Email: strings.ToUpper(to), EmailKey: to, At: at,
		Former: models.FormerAddress{Hash: hashOf("back to " + u.EmailKey), UserID: u.ID, Email: u.Email, EmailKey: u.EmailKey, CreatedAt: at, ExpiresAt: at.Add(holdFor)},
		Event:  event(models.EventEmailChanged, u.ID, at),
		WayBack: func(f models.FormerAddress) (models.FormerAddress, models.MailWithLinks) {
			f.Hash, f.ExpiresAt = hashOf("again to "+f.EmailKey+" from "+u.EmailKey), at.Add(holdFor)
			return f, mailTo(u, "again", f.Email, at)
		},
		UndoMail: mailTo(u, "undo", u.Email, at), LeftMail: mailTo(u, "left", u.Email, at), NewMail: mailTo(u, "news", to, at),
	}
}

func undo(secret string, at time.Time) models.EmailUndo {
	return models.EmailUndo{Hash: hashOf(secret), At: at, Event: event(models.EventEmailRestored, uuid.Nil, at), Mails: func(f models.FormerAddress, left string, gone models.FactorsGone) []models.MailWithLinks {
		return []models.MailWithLinks{mailTo(models.User{ID: f.UserID}, "restored", f.Email, at), mailTo(models.User{ID: f.UserID}, "lost", left, at)}
	}}
}

func user(t testing.TB, s *models.Store, u models.User) models.User {
	t.Helper()
	u, err := s.UserByID(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// moved asks for a new address, confirms it, and returns the account as it is afterwards.
func moved(t testing.TB, s *models.Store, u models.User, to string, at time.Time) models.User {
	t.Helper()
	if err := ask(t, s, u, "to "+to, at); err != nil {
		t.Fatal(err)
	}
	c := move(u, "to "+to, to, at)
	c.Version = factorsVersion(t, s, u)
	if err := s.ChangeEmail(t.Context(), c); err != nil {
		t.Fatalf("to %s: %v", to, err)
	}
	return user(t, s, u)
}

// taken claims the waiting mails and returns their kinds and recipients.
func taken(t testing.TB, s *models.Store, at time.Time) (list []string) {
	t.Helper()
	for {
		m, err := s.ClaimMail(t.Context(), models.MailRest, at, at.Add(1000*time.Hour))
		if errors.Is(err, models.ErrNotFound) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m.Kind+" "+m.Recipient)
	}
	slices.Sort(list)
	return list
}

func TestANewAddressComesWithAllThatBelongsToIt(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		phone := addApp(t, s, u.ID, "phone")
		if err := s.AddMail(t.Context(), mailTo(u, "reset", u.Email, noon, link(u, models.ResetLink, "reset", noon))); err != nil {
			t.Fatal(err)
		}
		got := moved(t, s, u, "b@example.org", noon)
		if got.Email != "B@EXAMPLE.ORG" || got.EmailKey != "b@example.org" || got.LockedAt != nil || device(t, s, phone).RevokedAt != nil {
			t.Errorf("%+v", got)
		}
		if list := taken(t, s, noon); !slices.Equal(list, []string{"asked new", "news b@example.org", "reset " + u.Email, "undo " + u.Email}) {
			t.Errorf("mails %q", list)
		}
		if all := kinds(t, s, u.ID); !strings.Contains(all, string(models.EventEmailAsked)) || !strings.Contains(all, string(models.EventEmailChanged)) {
			t.Errorf("events %s", all)
		}
		if n := count(t, s, "SELECT count(*) FROM one_time_tokens WHERE used_at IS NULL"); n != 0 {
			t.Errorf("%d links are left: the reset, or the used one", n)
		}
		f, err := s.FindFormerAddress(t.Context(), hashOf("back to "+u.EmailKey), noon)
		if err != nil || f.Email != u.Email || f.Seq != 1 {
			t.Errorf("%+v %v", f, err)
		}
		// A week later it is forgotten.
		if _, err := s.Sweep(t.Context(), models.Retention{LinksBefore: noon.Add(holdFor + time.Second)}); err != nil {
			t.Fatal(err)
		}
		if n := count(t, s, "SELECT count(*) FROM former_addresses"); n != 0 {
			t.Errorf("%d former addresses are left", n)
		}
	})
}

func TestALinkToANewAddressIsGoodForTheAccountAsItWas(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		later := noon.Add(time.Hour)
		for name, c := range map[string]struct {
			spoil func(u models.User, c *models.EmailChange)
			want  error
		}{
			"expired":       {func(_ models.User, c *models.EmailChange) { c.At = noon.Add(24 * time.Hour) }, models.ErrNotFound},
			"another's":     {func(_ models.User, c *models.EmailChange) { c.UserID = addUser(t, s).ID }, models.ErrNotFound},
			"unknown":       {func(_ models.User, c *models.EmailChange) { c.Link = hashOf("guess") }, models.ErrNotFound},
			"a hash only":   {func(_ models.User, c *models.EmailChange) { c.Link = c.Link[:31] }, models.ErrNotFound},
			"other address": {func(_ models.User, c *models.EmailChange) { c.From = "elsewhere@example.org" }, models.ErrNotFound},
			"replaced": {func(u models.User, _ *models.EmailChange) {
				if err := ask(t, s, u, "newer of "+u.EmailKey, later); err != nil {
					t.Fatal(err)
				}
			}, models.ErrNotFound},
			"new password": {func(u models.User, c *models.EmailChange) {
				change := models.PasswordChange{UserID: u.ID, Proof: models.Proof{Verified: password}, Hash: "hash-2", At: later, Event: event(models.EventPasswordChanged, u.ID, later)}
				if _, err := s.ChangePassword(t.Context(), change); err != nil {
					t.Fatal(err)
				}
				c.Verified = "hash-2" // the link must be gone by itself
			}, models.ErrNotFound},
			"reset": {func(u models.User, c *models.EmailChange) {
				if err := s.AddMail(t.Context(), mailTo(u, "reset", u.Email, later, link(u, models.ResetLink, "reset "+u.EmailKey, later))); err != nil {
					t.Fatal(err)
				}
				reset := models.PasswordReset{Purpose: models.ResetLink, Link: hashOf("reset " + u.EmailKey), UserID: u.ID, EmailKey: u.EmailKey, PasswordHash: "hash-2", At: later, Event: event(models.EventPasswordReset, u.ID, later)}
				if _, err := s.ResetPassword(t.Context(), reset); err != nil {
					t.Fatal(err)
				}
				c.Verified = "hash-2"
			}, models.ErrNotFound},
			"locked": {func(u models.User, _ *models.EmailChange) {
				alarm := link(u, "alarm", "alarm "+u.EmailKey, later)
				alarm.Subject = models.EveryDevice
				if err := s.AddMail(t.Context(), mailTo(u, "alarm", u.Email, later, alarm)); err != nil {
					t.Fatal(err)
				}
				if _, err := s.ReportNotMe(t.Context(), models.NotMeReport{Purpose: "alarm", Hash: alarm.Hash, At: later, Event: event(models.EventLocked, u.ID, later)}); err != nil {
					t.Fatal(err)
				}
				exec(t, s, "UPDATE users SET locked_at = NULL") // the link must be gone by itself
			}, models.ErrNotFound},
			"disabled": {func(u models.User, _ *models.EmailChange) {
				if _, err := s.DisableUser(t.Context(), u.ID, event(models.EventDisabled, u.ID, later), models.MailWithLinks{}); err != nil {
					t.Fatal(err)
				}
				if err := s.EnableUser(t.Context(), u.ID, event(models.EventEnabled, u.ID, later)); err != nil {
					t.Fatal(err)
				}
			}, models.ErrNotFound},
			"disabled now": {func(u models.User, _ *models.EmailChange) { exec(t, s, "UPDATE users SET disabled_at = created_at") }, models.ErrNotFound},
			"locked now":   {func(u models.User, _ *models.EmailChange) { exec(t, s, "UPDATE users SET locked_at = created_at") }, models.ErrNotFound},
			"set by an operator": {func(u models.User, c *models.EmailChange) {
				if err := s.SetEmail(t.Context(), models.EmailSetting{UserID: u.ID, From: u.EmailKey, Email: "o@example.org", EmailKey: "o@example.org", At: later, Event: event(models.EventEmailChanged, u.ID, later)}); err != nil {
					t.Fatal(err)
				}
				c.From = "o@example.org"
			}, models.ErrNotFound},
			"taken": {func(_ models.User, c *models.EmailChange) { c.EmailKey = addUser(t, s).EmailKey }, models.ErrDuplicate},
			"held": {func(_ models.User, c *models.EmailChange) {
				other := addUser(t, s)
				moved(t, s, other, "left-"+other.EmailKey, noon)
				c.EmailKey = other.EmailKey
			}, models.ErrHeld},
			"deleted": {func(u models.User, _ *models.EmailChange) { exec(t, s, "DELETE FROM users") }, models.ErrNotFound},
		} {
			u := addUser(t, s)
			if err := ask(t, s, u, "to "+u.EmailKey, noon); err != nil {
				t.Fatal(err)
			}
			change := move(u, "to "+u.EmailKey, "new-"+u.EmailKey, later)
			c.spoil(u, &change)
			taken(t, s, later)
			if err := s.ChangeEmail(t.Context(), change); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
			if n := count(t, s, "SELECT count(*) FROM users WHERE email_key LIKE 'new-%'"); n != 0 {
				t.Errorf("%s: the address was changed", name)
			}
			if list := taken(t, s, later); len(list) > 0 {
				t.Errorf("%s: mails %q", name, list)
			}
			exec(t, s, "DELETE FROM former_addresses")
			exec(t, s, "DELETE FROM users")
		}
	})
}

func TestARequestAgainstAnAccountThatChangedIsNone(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		for _, spoil := range []string{"disabled_at = created_at", "disabled_at = NULL, locked_at = created_at", "locked_at = NULL, password_hash = 'hash-2'"} {
			exec(t, s, "UPDATE users SET "+spoil)
			if err := ask(t, s, u, "link", noon); !errors.Is(err, models.ErrChanged) {
				t.Errorf("%s: %v", spoil, err)
			}
		}
		if n := count(t, s, "SELECT count(*) FROM one_time_tokens") + count(t, s, "SELECT count(*) FROM mails"); n != 0 {
			t.Errorf("%d rows were written", n)
		}
	})
}

func TestAnAddressThatWasLeftIsHeld(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, thief := addUser(t, s), addUser(t, s)
		a := u.EmailKey
		u = moved(t, s, u, "b@example.org", noon)
		held := func(at time.Time, by uuid.UUID) bool {
			t.Helper()
			yes, _, err := s.AddressHeld(t.Context(), a, by, at)
			if err != nil {
				t.Fatal(err)
			}
			return yes
		}
		if !held(noon, thief.ID) || !held(noon, uuid.Nil) || held(noon, u.ID) || !held(noon.Add(holdFor-time.Microsecond), thief.ID) || held(noon.Add(holdFor), thief.ID) {
			t.Error("it is held for others, or not long enough, or too long")
		}
		newcomer := models.User{ID: models.NewID(noon), Email: a, EmailKey: a, PasswordHash: password, Role: models.RoleUser, CreatedAt: noon}
		if err := s.AddUser(t.Context(), newcomer, event(models.EventAccountCreated, newcomer.ID, noon)); !errors.Is(err, models.ErrHeld) {
			t.Errorf("an operator's new account: %v", err)
		}
		none := models.User{} // an account that waits for its confirmation does not exist yet
		if err := s.AddMail(t.Context(), mailTo(none, "signup", a, noon, link(none, "signup", "signup", noon))); err != nil {
			t.Fatal(err)
		}
		if err := s.ConfirmUser(t.Context(), "signup", hashOf("signup"), noon, newcomer, event(models.EventAccountCreated, newcomer.ID, noon)); !errors.Is(err, models.ErrHeld) {
			t.Errorf("a sign-up: %v", err)
		}
		if err := s.SetEmail(t.Context(), models.EmailSetting{UserID: thief.ID, From: thief.EmailKey, Email: a, EmailKey: a, At: noon, Event: event(models.EventEmailChanged, thief.ID, noon)}); !errors.Is(err, models.ErrHeld) {
			t.Errorf("an operator: %v", err)
		}
		if got, err := s.UserByEmail(t.Context(), a); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("another account has it: %+v, %v", got, err)
		}
		newcomer.CreatedAt = noon.Add(holdFor)
		if err := s.AddUser(t.Context(), newcomer, event(models.EventAccountCreated, newcomer.ID, noon)); err != nil {
			t.Errorf("a week later: %v", err)
		}
	})
}

func TestTheOldestLinkBackOverrulesTheNewerOnes(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		a, backToA := u.EmailKey, "back to "+u.EmailKey
		here := signIn(u.ID, models.KindApp, "phone", noon)
		here.KnownOrigins = [][]byte{[]byte("here")}
		phone := add(t, s, here)
		u = moved(t, s, u, "b@example.org", noon)
		u = moved(t, s, u, "c@example.org", noon.Add(-time.Minute)) // by a replica whose clock is behind
		if err := ask(t, s, u, "to d", noon); err != nil {
			t.Fatal(err)
		}
		if n := count(t, s, "SELECT count(*) FROM known_places"); n != 1 {
			t.Errorf("%d places are known: a change of address keeps them", n)
		}
		exec(t, s, "DELETE FROM mails")
		if f, err := s.UndoEmailChange(t.Context(), undo(backToA, noon)); err != nil || f.EmailKey != a {
			t.Fatal(f, err)
		}
		got := user(t, s, u)
		if got.EmailKey != a || got.LockedAt == nil || device(t, s, phone).RevokeReason != models.RevokedByUndo {
			t.Errorf("%+v", got)
		}
		if list := taken(t, s, noon); !slices.Equal(list, []string{"lost C@EXAMPLE.ORG", "restored " + a}) {
			t.Errorf("mails %q", list)
		}
		for _, secret := range []string{"back to b@example.org", backToA} {
			if _, err := s.UndoEmailChange(t.Context(), undo(secret, noon)); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("%s afterwards: %v", secret, err)
			}
		}
		if err := s.ChangeEmail(t.Context(), move(got, "to d", "d@example.org", noon)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a change that waited: %v", err)
		}
		if n := count(t, s, "SELECT count(*) FROM former_addresses WHERE used_at IS NULL") + count(t, s, "SELECT count(*) FROM one_time_tokens WHERE used_at IS NULL") +
			count(t, s, "SELECT count(*) FROM known_places"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

func TestTheNewerLinkBackLeavesTheOlderOneGood(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		backToA := "back to " + u.EmailKey
		u = moved(t, s, moved(t, s, u, "b@example.org", noon), "c@example.org", noon)
		if f, err := s.UndoEmailChange(t.Context(), undo("back to b@example.org", noon)); err != nil || f.Email != "B@EXAMPLE.ORG" {
			t.Fatal(f, err)
		}
		if _, err := s.UndoEmailChange(t.Context(), undo(backToA, noon.Add(holdFor))); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a week later: %v", err)
		}
		exec(t, s, "UPDATE users SET disabled_at = created_at")
		if _, err := s.UndoEmailChange(t.Context(), undo(backToA, noon)); !errors.Is(err, models.ErrNotFound) || user(t, s, u).EmailKey != "b@example.org" {
			t.Errorf("of a disabled account: %v", err)
		}
		exec(t, s, "UPDATE users SET disabled_at = NULL")
		if _, err := s.UndoEmailChange(t.Context(), undo(backToA, noon)); err != nil {
			t.Errorf("of an account that is open again: %v", err)
		}
	})
}

// When the owner goes back from a thief's address to their own, the thief's mailbox gets no way back.
func TestGoingBackEndsLaterWaysBack(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		a, backToA := u.EmailKey, "back to "+u.EmailKey
		u = moved(t, s, u, "thief@example.org", noon)
		taken(t, s, noon)
		u = moved(t, s, moved(t, s, u, "thief2@example.org", noon), a, noon)
		if list := taken(t, s, noon); !slices.Contains(list, "left THIEF2@EXAMPLE.ORG") || slices.Contains(list, "undo THIEF2@EXAMPLE.ORG") {
			t.Errorf("mails %q", list)
		}
		for _, secret := range []string{"back to thief@example.org", "back to thief2@example.org"} {
			if _, err := s.UndoEmailChange(t.Context(), undo(secret, noon)); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("%s: %v", secret, err)
			}
		}
		if f, err := s.UndoEmailChange(t.Context(), undo(backToA, noon)); err != nil || f.EmailKey != a || user(t, s, u).LockedAt == nil {
			t.Errorf("the owner's own link, once more: %v", err)
		}
	})
}
