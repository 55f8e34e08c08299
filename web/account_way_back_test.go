package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/models"
)

// A thief who moves an account to an address of his own cannot end it while its owner may take it back.
func TestAnAccountThatCanBeTakenBackIsNotDeleted(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		thief := s.signedIn()
		left, _ := s.moved(thief, newEmail, adaPassword)
		undo, until := s.link(left), s.clock.Now().Add(7*24*time.Hour).UTC().Format("2 January 2006, 15:04 UTC")
		s.exec("DELETE FROM attempts")
		thief.shown("/devices") // the first use of the cookie that the request for the address gave
		s.unchanged("a deletion", func() {
			s.clock.Advance(16 * time.Minute)
			early := thief.shown("/security/delete")
			early.none("form", "action", "/security/delete")
			if told := early.one("main").text(); !strings.Contains(told, "You can’t delete your account yet") || !strings.Contains(told, "You can delete the account from "+until+".") {
				t.Errorf("before it asks it says %s", told)
			}
			r := thief.leave(newEmail, adaPassword)
			if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "You can’t delete your account yet") {
				t.Errorf("%d %s", r.status, r.screen(t).one("main").text())
			}
			s.exec("DELETE FROM attempts") // the right password is counted
		})
		var file accountFile
		if r := thief.download(adaPassword); json.Unmarshal([]byte(r.body), &file) != nil || len(file.Profile.FormerAddresses) != 1 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		kept := file.Profile.FormerAddresses[0]
		if kept.Email != adaEmail || kept.Until.Sub(kept.LeftAt) != 7*24*time.Hour {
			t.Errorf("the former address is %+v", kept)
		}
		owner := s.browser()
		owner.opened(undo)
		owner.expect(owner.post("/email/undo", nil), http.StatusSeeOther, owner.links["/email/undo"])
		if got := s.email(); got != adaEmail {
			t.Errorf("the address is %q", got)
		}
	})
}

func TestAnAccountThatCanNoMoreBeTakenBackIsDeletedWithItsFormerAddresses(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.signedIn()
		left, _ := s.moved(b, newEmail, adaPassword)
		undo := s.link(left)
		e := models.Event{Kind: models.EventSupportSearched, Actor: models.ActorSupport, At: s.clock.Now(), Detail: adaEmail}
		if err := s.store.AddEvent(t.Context(), e); err != nil { // as one of the staff would have searched for her
			t.Fatal(err)
		}
		for range 8 {
			s.clock.Advance(23 * time.Hour)
			b.shown("/devices")
		}
		b.shown("/security/delete").one("form", "action", "/security/delete")
		b.expect(b.leave(newEmail, adaPassword), http.StatusSeeOther, "/login")
		s.browser().dead("the way back to a deleted account", undo)
		for _, query := range []string{
			"SELECT count(*) FROM former_addresses", "SELECT count(*) FROM events WHERE kind = 'support_searched' AND detail <> ''",
		} {
			var n int
			if err := s.store.Pools()[0].QueryRowContext(t.Context(), query).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s: %d, %v", query, n, err)
			}
		}
		s.addUser(adaEmail, adaPassword) // free again
	})
}
