package services_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/browser"
	"latchkey/auth/deletion"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// work is what a request makes the server do: the hashes with their costs, and the statements in order. Requests with the same work
// take the same time except for noise. A test cannot measure that time reliably.
type work struct {
	mu         sync.Mutex
	hashes     []string
	statements []string
}

func (w *work) take() (hashes, statements []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	hashes, statements = w.hashes, w.statements
	w.hashes, w.statements = nil, nil
	return hashes, statements
}

// The work of a request must not depend on whether an address has an account.
func TestAnAddressWithoutAnAccountIsAsMuchWorkAsOneWithIt(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		w := &work{}
		store, err := models.Open(t.Context(), models.Config{URL: url, OnStatement: func(sql string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.statements = append(w.statements, sql)
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		if _, err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := newDesk(t, store)
		d.post(t)
		derive := d.Hasher.Derive
		d.Hasher.Derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			w.mu.Lock()
			w.hashes = append(w.hashes, fmt.Sprint(len(salt), passes, memory, threads, size))
			w.mu.Unlock()
			return derive(password, salt, passes, memory, threads, size)
		}
		for _, email := range []string{"closed@example.com", "gone@example.com"} {
			if _, err := d.Operator.AddUser(t.Context(), email, adaPassword, models.RoleUser); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Operator.Disable(t.Context(), "closed@example.com"); err != nil {
			t.Fatal(err)
		}
		gone, err := store.UserByEmail(t.Context(), "gone@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Deletions.Delete(t.Context(), &browser.Session{User: gone}, deletion.Request{Email: gone.Email, Confirmation: confirmed(adaPassword, at("192.0.2.1"))}); err != nil {
			t.Fatal(err)
		}
		for name, ask := range map[string]func(email, ip string) (auth.Kind, int){
			"sign-in": func(email, ip string) (auth.Kind, int) { return d.try(t, email, "not the password", at(ip)), 1 },
			"sign-up": func(email, ip string) (auth.Kind, int) {
				return raceKind(d.Accounts.Signup(t.Context(), account.SignupRequest{Email: email, Password: "nobody would guess it", From: at(ip)})), 1
			},
			"forgotten password": func(email, ip string) (auth.Kind, int) {
				return raceKind(d.Accounts.RequestPasswordReset(t.Context(), email, at(ip))), 0
			},
		} {
			w.take()
			kind, most := ask(adaEmail, "192.0.2.10")
			hashes, statements := w.take()
			if len(hashes) != most || len(statements) < 4 {
				t.Errorf("%s: %d hashes, %q", name, len(hashes), statements)
			}
			for i, email := range []string{"nobody@example.com", "closed@example.com", "gone@example.com", "ADA@EXAMPLE.COM"} {
				other, _ := ask(email, fmt.Sprintf("192.0.2.%d", 20+i))
				otherHashes, otherStatements := w.take()
				if other != kind || !slices.Equal(hashes, otherHashes) {
					t.Errorf("%s with %s: kind %d after hashes %q; ada: %d after %q", name, email, other, otherHashes, kind, hashes)
				}
				if diff := cmp.Diff(statements, otherStatements); diff != "" {
					t.Errorf("%s with %s: %s", name, email, diff)
				}
			}
			t.Logf("%s: %d hashes and %d statements, whoever is asked about", name, len(hashes), len(statements))
		}
	})
}
