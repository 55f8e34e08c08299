package services_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/notify"
	"latchkey/auth/password"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/auth/transfer"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// bring imports records, weak ones, too, and fails the test unless each creates an account.
func (d *desk) bring(t *testing.T, records ...transfer.Record) {
	t.Helper()
	for part := range slices.Chunk(records, transfer.MaxBatch) {
		results, err := d.Transfers.Import(t.Context(), part, transfer.Options{AcceptWeak: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Outcome != transfer.Created {
				t.Fatalf("record %d: %+v", i, r)
			}
		}
	}
}

// The events of an import name the client that ran it.
func TestAnImportIsTheOperators(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		results, err := d.Transfers.Import(t.Context(), []transfer.Record{{Email: "eve@example.org"}}, transfer.Options{Client: "crm"})
		if err != nil || results[0].Outcome != transfer.Created {
			t.Fatal(results, err)
		}
		u, err := d.Operator.FindUser(t.Context(), "eve@example.org")
		if err != nil || u.ID != results[0].UserID || u.PasswordHash != password.None || u.Role != models.RoleUser {
			t.Fatalf("%+v, %v", u, err)
		}
		events, err := store.Events(t.Context(), u.ID, models.EventCursor{}, 10)
		if err != nil || len(events) != 1 || events[0].Kind != models.EventAccountCreated || events[0].Actor != models.ActorOperator || events[0].ActorClient != "crm" {
			t.Errorf("%+v, %v", events, err)
		}
	})
}

// Both databases take the parameters of the largest batch.
func TestTheLargestBatch(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		var records []transfer.Record
		for i := range transfer.MaxBatch {
			records = append(records, transfer.Record{
				Email: fmt.Sprintf("user%d@bücher.example", i), ExternalID: fmt.Sprint(i), TOTPSecret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Metadata: []byte(`{"a":1}`),
			})
		}
		d.bring(t, records...)
		if got := d.exported(t, true); len(got) != len(records)+1 { // and ada
			t.Errorf("%d accounts", len(got))
		}
		if _, err := d.Transfers.Import(t.Context(), append(records, records[0]), transfer.Options{}); err == nil {
			t.Error("a larger batch is taken")
		}
	})
}

// stored is the hash of an account.
func (d *desk) stored(t *testing.T, email string) string {
	t.Helper()
	u, err := d.Operator.FindUser(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return u.PasswordHash
}

func importedRecord(t *testing.T, format, email, password string) transfer.Record {
	t.Helper()
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	return transfer.Record{Email: email, EmailVerified: true, PasswordHash: foreignHashes[format](t, password, salt)}
}

// A few accounts of each format; a hundred with LATCHKEY_SOAK=1.
func TestImportedAccountsOfEveryFormatSignIn(t *testing.T) {
	each := 2
	if os.Getenv("LATCHKEY_SOAK") != "" {
		each = 100
	}
	for _, format := range slices.Sorted(maps.Keys(foreignHashes)) {
		t.Run(format, func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				emailOf := func(i int) string { return fmt.Sprintf("user%d@example.org", i) }
				passwordOf := func(i int) string { return fmt.Sprintf("pässword\u00a0%d", i) } // a no-break space becomes a plain one with us
				var records []transfer.Record
				for i := range each {
					records = append(records, importedRecord(t, format, emailOf(i), passwordOf(i)))
				}
				d.bring(t, records...)
				for i := range each {
					if kind := d.try(t, emailOf(i), passwordOf(i+1), at("198.51.100.7")); kind != auth.KindInvalidCredential {
						t.Fatalf("a wrong password: kind %d", kind)
					}
					d.advance(time.Minute)
					if was := d.stored(t, emailOf(i)); was != "imported:"+records[i].PasswordHash {
						t.Fatalf("a wrong password changed the hash to %q", was)
					}
					if kind := d.try(t, emailOf(i), passwordOf(i), at("192.0.2.1")); kind != -1 {
						t.Fatalf("the first sign-in: kind %d", kind)
					}
					first := d.stored(t, emailOf(i))
					if phc, err := password.Parse(first); err != nil || phc.Params != cheapHash {
						t.Fatalf("after the first sign-in: %q, %v", first, err)
					}
					if kind := d.try(t, emailOf(i), passwordOf(i), at("192.0.2.1")); kind != -1 {
						t.Fatalf("the second sign-in: kind %d", kind)
					}
					if second := d.stored(t, emailOf(i)); second != first {
						t.Fatalf("the second sign-in hashed again: %q", second)
					}
				}
			})
		})
	}
}

// Of many first sign-ins at once each succeeds or is refused as for an account that changed, and one hash stays.
func TestFirstSignInsThatRace(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.bring(t, importedRecord(t, "bcrypt", "eve@example.org", "an old password"))
		kinds := make([]auth.Kind, 6)
		var all sync.WaitGroup
		for i := range kinds {
			all.Go(func() { kinds[i] = d.try(t, "eve@example.org", "an old password", at("192.0.2.1")) })
		}
		all.Wait()
		if !slices.Contains(kinds, -1) {
			t.Errorf("no sign-in succeeded: %v", kinds)
		}
		if _, err := password.Parse(d.stored(t, "eve@example.org")); err != nil {
			t.Error(err)
		}
		if kind := d.try(t, "eve@example.org", "an old password", at("192.0.2.1")); kind != -1 {
			t.Errorf("afterwards: kind %d", kind)
		}
	})
}

// A browser that was signed in before keeps the imported hash where its owner confirms; a change of the password replaces it.
func TestAnImportedPasswordConfirmsAndChanges(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.bring(t, importedRecord(t, "sha512-crypt", "eve@example.org", "old"))
		u, err := d.Operator.FindUser(t.Context(), "eve@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Passwords.Confirm(t.Context(), u, "old", at("192.0.2.1")); err != nil {
			t.Errorf("the imported password confirms: %v", err)
		}
		if err := d.Passwords.Confirm(t.Context(), u, "wrong", at("192.0.2.1")); kindOf(err) != auth.KindWrongPassword {
			t.Errorf("a wrong one: %v", err)
		}
		_, by := d.browser(t, "eve@example.org", "old")
		change := account.PasswordChange{Confirmation: confirmed("old", at("192.0.2.1")), New: "correct horse battery staple"}
		if _, err := d.Accounts.ChangePassword(t.Context(), by, change); err != nil {
			t.Fatal(err)
		}
		if kind := d.try(t, "eve@example.org", change.New, at("192.0.2.1")); kind != -1 {
			t.Errorf("the new password: kind %d", kind)
		}
	})
}

// The second step keeps the new hash until the sign-in is done.
func TestAnImportedAuthenticatorAppWorks(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		r := importedRecord(t, "bcrypt", "eve@example.org", "an old password")
		created := d.now().Add(-1000 * 24 * time.Hour)
		r.CreatedAt, r.TOTPSecret = &created, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // RFC 6238
		d.bring(t, r)
		if got := d.exported(t, true); got[len(got)-1].TOTPSecret != r.TOTPSecret || !got[len(got)-1].CreatedAt.Equal(created) || got[len(got)-1].PasswordHash != r.PasswordHash {
			t.Errorf("exported %+v", got)
		}
		_, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: r.Email, Password: "an old password", From: at("192.0.2.1")})
		var step *challenge.StepError
		if !errors.As(err, &step) {
			t.Fatalf("the sign-in asks for no second step: %v", err)
		}
		if got := d.stored(t, r.Email); got != "imported:"+r.PasswordHash {
			t.Errorf("the password alone changed the hash to %q", got)
		}
		app := authenticator{d, r.TOTPSecret}
		answer := challenge.Answer{Challenge: step.Challenge, Method: challenge.MethodTOTP, Code: app.code(t), From: at("192.0.2.1")}
		if _, err := d.SignIn.FinishBrowser(t.Context(), signin.BrowserAnswer{Answer: answer}); err != nil {
			t.Fatal(err)
		}
		if _, err := password.Parse(d.stored(t, r.Email)); err != nil {
			t.Errorf("after the second step: %v", err)
		}
	})
}

// exported is what an export holds.
func (d *desk) exported(t *testing.T, secrets bool) (list []transfer.Record) {
	t.Helper()
	if err := d.Transfers.Export(t.Context(), secrets, func(r transfer.Record) error { list = append(list, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAWeakHashThatIsNotUsedIsDropped(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		weak := importedRecord(t, "ASP.NET Identity v2", "eve@example.org", "an old password")
		results, err := d.Transfers.Import(t.Context(), []transfer.Record{weak}, transfer.Options{})
		if err != nil || results[0].Outcome != transfer.Refused || !strings.Contains(results[0].Reason, "number of iterations 1000 is below 400000") {
			t.Fatalf("%+v, %v", results, err)
		}
		used := importedRecord(t, "bcrypt", "max@example.org", "an old password")
		d.bring(t, weak, used)
		if kind := d.try(t, used.Email, "an old password", at("192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		d.advance(transfer.WeakLife)
		if _, err := d.Operator.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := d.stored(t, weak.Email); got != password.None {
			t.Errorf("the weak hash is still there: %q", got)
		}
		if kind := d.try(t, weak.Email, "an old password", at("192.0.2.1")); kind != auth.KindInvalidCredential {
			t.Errorf("kind %d", kind)
		}
		if kind := d.try(t, used.Email, "an old password", at("192.0.2.1")); kind != -1 {
			t.Errorf("the one that was used: kind %d", kind)
		}
		letters := d.keepLetters(t)
		if err := d.Accounts.RequestPasswordReset(t.Context(), weak.Email, at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		d.resetBy(t, d.link(t, letters, notify.KindPasswordReset, weak.Email), "a password of today", at("192.0.2.1"))
		if kind := d.try(t, weak.Email, "a password of today", at("192.0.2.1")); kind != -1 {
			t.Errorf("with a new password: kind %d", kind)
		}
		d.advance(time.Minute) // until events are settled
		told, _, err := d.Operator.Backend(token.Backend{ID: "shop"}).Events(t.Context(), models.EventCursor{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []transfer.Record{weak, used} {
			u, err := store.UserByEmail(t.Context(), r.Email)
			if err != nil {
				t.Fatal(err)
			}
			dropped := slices.ContainsFunc(told, func(e models.Event) bool {
				return e.UserID == u.ID && e.Kind == models.EventPasswordDropped && e.Actor == models.ActorSystem
			})
			if dropped != (r.Email == weak.Email) {
				t.Errorf("the backend hears of %s: %v", r.Email, dropped)
			}
		}
	})
}
