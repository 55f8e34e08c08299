package services_test

import (
	"testing"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/auth/notify"
	"latchkey/models"
	"latchkey/models/modelstest"
)

const (
	ideEmail = "ide@bücher.example"
	ideASCII = "ide@xn--bcher-kva.example"
)

// oldUser makes an account with the key that earlier releases made.
func (d *desk) oldUser(t *testing.T, store *models.Store, email string) models.User {
	t.Helper()
	u := models.User{ID: models.NewID(d.now()), Email: email, EmailKey: auth.FoldEmail(email), PasswordHash: d.ada.PasswordHash, Role: models.RoleUser, CreatedAt: d.now()}
	if err := store.AddUser(t.Context(), u, auth.NewEvent(models.EventAccountCreated, u.ID, auth.Caller{}, d.now())); err != nil {
		t.Fatal(err)
	}
	return u
}

// pendingSignups signs up each address and returns the links; "" for a mail without one.
func (d *desk) pendingSignups(t *testing.T, emails ...string) (links []string) {
	t.Helper()
	server := d.post(t)
	for i, email := range emails {
		if err := d.Accounts.Signup(t.Context(), account.SignupRequest{Email: email, Password: adaPassword, From: at([]string{"192.0.2.1", "198.51.100.1"}[i])}); err != nil {
			t.Fatal(err)
		}
	}
	d.sendAll(t)
	list, _ := mailsTaken(t, server)
	for _, l := range list {
		links = append(links, l.Link)
	}
	return links
}

func TestOneMailboxHasOneAccountHoweverItsDomainIsSpelled(t *testing.T) {
	for name, pair := range map[string][2]string{
		"shown, then ASCII": {ideEmail, ideASCII}, "ASCII, then shown": {ideASCII, ideEmail}, "in capitals": {"IDE@XN--BCHER-KVA.example", "ide@BÜCHER.example"},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				first, again := pair[0], pair[1]
				if links := d.pendingSignups(t, first, again); len(links) != 2 || links[0] == "" || links[1] == "" {
					t.Fatalf("two people may ask: %q", links)
				} else {
					if _, _, err := d.Accounts.ConfirmSignup(t.Context(), links[0], browser.Login{Password: adaPassword, From: at("192.0.2.1")}); err != nil {
						t.Fatal(err)
					}
					if _, _, err := d.Accounts.ConfirmSignup(t.Context(), links[1], browser.Login{Password: adaPassword, From: at("192.0.2.1")}); auth.AsError(err).Kind != auth.KindUsedLink {
						t.Errorf("a second account: %v", err)
					}
				}
				if links := d.pendingSignups(t, again); len(links) != 1 || links[0] != "" {
					t.Errorf("a sign-up later gets the link %q", links)
				}
				if _, err := d.Operator.AddUser(t.Context(), again, adaPassword, models.RoleUser); auth.AsError(err).Kind != auth.KindEmailTaken {
					t.Errorf("an account by the operator: %v", err)
				}
				if err := d.Operator.SetEmail(t.Context(), adaEmail, again); auth.AsError(err).Kind != auth.KindEmailTaken {
					t.Errorf("an address by the operator: %v", err)
				}
				server := d.post(t)
				if err := d.Addresses.Ask(t.Context(), &browser.Session{User: d.ada}, address.Request{Email: again, Confirmation: confirmed(adaPassword, at("192.0.2.1"))}); err != nil {
					t.Fatal(err)
				}
				d.sendAll(t)
				if list, _ := mailsTaken(t, server); len(list) != 1 || list[0].Kind != notify.KindEmailTaken || list[0].Link != "" {
					t.Errorf("a change of address is answered with %+v", list)
				}
				for _, typed := range pair {
					if kind := d.try(t, typed, adaPassword, at("192.0.2.1")); kind != -1 {
						t.Errorf("a sign-in as %s: %v", typed, kind)
					}
				}
				u, err := d.Operator.FindUser(t.Context(), again)
				if err != nil || u.Email != first {
					t.Errorf("found %q, %v", u.Email, err)
				}
				bad := d.Addresses.Ask(t.Context(), &browser.Session{User: u}, address.Request{Email: again, Confirmation: confirmed(adaPassword, at("192.0.2.1"))})
				if auth.AsError(bad).Kind != auth.KindInvalidRequest || !(&browser.Session{User: u}).Has(again) {
					t.Errorf("their own address: %v", bad)
				}
			})
		})
	}
}

// Accounts of earlier releases stay as they are, also if one mailbox has two.
func TestOldAccountsAreFoundByTheAddressThatTheyHave(t *testing.T) {
	for _, email := range []string{ideASCII, ideEmail} {
		modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
			d := newDesk(t, store)
			old := d.oldUser(t, store, email)
			for _, typed := range []string{ideASCII, ideEmail, "\ufeff" + ideASCII, "IDE@BU\u0308CHER.example"} {
				if u, err := d.Operator.FindUser(t.Context(), typed); err != nil || u.ID != old.ID {
					t.Errorf("%s as %+q: %v", email, typed, err)
				}
				if _, err := d.Operator.AddUser(t.Context(), typed, adaPassword, models.RoleUser); auth.AsError(err).Kind != auth.KindEmailTaken {
					t.Errorf("%s, another account as %+q: %v", email, typed, err)
				}
			}
			if err := d.Operator.SetEmail(t.Context(), email, "elsewhere@example.com"); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Operator.AddUser(t.Context(), ideASCII, adaPassword, models.RoleUser); err != nil {
				t.Errorf("once it is free: %v", err)
			}
		})
	}
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		for _, email := range []string{ideASCII, ideEmail} {
			old := d.oldUser(t, store, email)
			if u, err := d.Operator.FindUser(t.Context(), email); err != nil || u.ID != old.ID {
				t.Errorf("of two accounts %s: %v", email, err)
			}
		}
		if kind := d.try(t, ideASCII, adaPassword, at("192.0.2.1")); kind != -1 {
			t.Error(kind)
		}
	})
}

// An address that an account may take back is held for it in every spelling.
func TestAFormerAddressIsHeldHoweverItIsSpelled(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server, seen := d.post(t), 0
		if err := d.Operator.SetEmail(t.Context(), adaEmail, ideASCII); err != nil {
			t.Fatal(err)
		}
		d.toldAll(t, server, &seen)
		by := &browser.Session{User: d.ada}
		if d.moveAda(t, server, &seen, by, "evil@example.net") == "" {
			t.Fatal("no way back")
		}
		for _, email := range []string{ideASCII, ideEmail} {
			if _, err := d.Operator.AddUser(t.Context(), email, adaPassword, models.RoleUser); auth.AsError(err).Kind != auth.KindEmailTaken {
				t.Errorf("%s: %v", email, err)
			}
		}
		d.moveAda(t, server, &seen, by, ideEmail) // their own
		if u, err := d.Operator.FindUser(t.Context(), ideASCII); err != nil || u.ID != d.ada.ID {
			t.Errorf("back again: %v", err)
		}
	})
}
