package services_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/services"
	"latchkey/auth/support"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// A process died after it deleted the account and before it cleaned the events. A process with a newer secret finishes the work. A
// process without the old secret leaves the searches for the address to it.
func TestADeletionIsFinishedByAProcessWithItsSecret(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, sam := d.staff(t)
		d.browser(t, adaEmail, adaPassword)
		search := func(text string) {
			if err := second(d.Support.Search(t.Context(), sam, support.Query{Text: text, From: at("192.0.2.1")})); err != nil {
				t.Fatal(err)
			}
		}
		if err := second(d.Support.ViewAccount(t.Context(), sam, support.View{ID: d.ada.ID.String(), From: at("192.0.2.1")})); err != nil {
			t.Fatal(err)
		}
		search("ada@")
		var sealed []byte
		err := store.DeleteUser(t.Context(), models.Deletion{
			UserID: d.ada.ID, Proof: models.Proof{Verified: d.ada.PasswordHash}, Now: d.config.Now, Event: auth.NewEvent(models.EventAccountDeleted, d.ada.ID, auth.Caller{}, d.now()),
			Seal: func(keys []string) []byte {
				sealed = d.Deletions.Seal(d.ada.ID, keys)
				return sealed
			},
		})
		if err != nil || bytes.Contains(sealed, []byte("ada@")) || len(d.eventsOf(t, d.ada.ID)) == 0 {
			t.Fatalf("%v; sealed %q", err, sealed)
		}
		search(adaEmail) // after the first transaction
		restarted := func(secrets ...[]byte) *services.Services {
			c := d.config
			c.Secret, c.Previous = secrets[0], secrets[1:]
			s, err := services.New(store, c)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		texts := func() (all string) {
			for _, e := range d.eventsOf(t, sam.User.ID) {
				all += e.Detail + "\n"
			}
			return all
		}
		other := bytes.Repeat([]byte{2}, 32)
		if sealed, err := restarted(other).Deletions.Finish(t.Context()); sealed != 1 || err != nil {
			t.Errorf("without the secret: %d, %v", sealed, err)
		}
		if len(d.eventsOf(t, d.ada.ID)) != 0 || !strings.Contains(texts(), adaEmail) || strings.Contains(texts(), d.ada.ID.String()) {
			t.Errorf("without the secret, the staff's events are %q", texts())
		}
		if sealed, err := restarted(other, d.config.Secret).Deletions.Finish(t.Context()); sealed != 0 || err != nil {
			t.Errorf("with the secret: %d, %v", sealed, err)
		}
		if left, err := store.DeletedAccounts(t.Context(), uuid.Nil, 10); len(left) != 0 || err != nil || strings.Contains(texts(), adaEmail) || !strings.Contains(texts(), "ada@\n") {
			t.Errorf("left %v, %v, the staff's events are %q", left, err, texts())
		}
	})
}
