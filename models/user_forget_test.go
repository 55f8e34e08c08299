package models_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// deletedHalf deletes an account with many events and does one batch of the work after it.
func deletedHalf(t *testing.T, s *models.Store, stop *atomic.Pointer[context.CancelFunc], u models.User) {
	t.Helper()
	if err := s.DeleteUser(t.Context(), deletion(u, noon)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop.Store(&cancel)
	if done, err := s.FinishDeletion(ctx, u.ID, []string{u.EmailKey}); done || err != nil {
		t.Fatalf("the first batch: %v %v", done, err)
	}
}

// A process that dies between two batches leaves work that another one finds and finishes. Until then no page shows the person, and the
// numbers of all accounts stay as they are.
func TestWorkAfterADeletionIsFoundAndFinished(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		var stop atomic.Pointer[context.CancelFunc]
		s := migrated(t, models.Config{URL: url, OnStatement: func(sql string) {
			if cancel := stop.Load(); cancel != nil && strings.HasPrefix(sql, "DELETE FROM events") {
				(*cancel)()
			}
		}})
		u, staff, other := addUser(t, s), addUser(t, s), addUser(t, s)
		manyEvents(t, s, u.ID, 450)
		look(t, s, staff, u, noon)
		search(t, s, staff, u.Email)
		numbers := func(s *models.Store) []models.DayCount {
			list, err := s.DailyCounts(t.Context(), []models.EventKind{models.EventSignIn, models.EventSeenBySupport}, noon.Add(-72*time.Hour), noon.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		before := sum(numbers(s))
		deletedHalf(t, s, &stop, u)

		left := rows(t, s, "events", "user_id", u.ID.String())
		if left == 0 || left == 452 {
			t.Errorf("%d events of the account are left after one batch", left)
		}
		if got := sum(numbers(s)); got != before {
			t.Errorf("the numbers of all accounts are %d, were %d", got, before)
		}
		if _, err := s.PersonByID(t.Context(), u.ID, live(noon)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("support finds the person: %v", err)
		}
		for _, e := range events(t, s, staff.ID) {
			if strings.Contains(e.Detail, u.Email) {
				t.Errorf("the staff's activity shows %q", e.Detail)
			}
		}
		again := u
		again.ID = models.NewID(noon)
		if err := s.AddUser(t.Context(), again, event(models.EventAccountCreated, again.ID, noon)); err != nil {
			t.Errorf("the address is not free: %v", err)
		}

		restarted := open(t, models.Config{URL: url})
		list, err := restarted.DeletedAccounts(t.Context(), uuid.Nil, 10)
		if err != nil || len(list) != 1 || list[0].UserID != u.ID || string(list[0].Sealed) != "sealed" {
			t.Fatalf("found %+v, %v", list, err)
		}
		// By two at once, as replicas do.
		together(2, func(int) {
			if done, err := restarted.FinishDeletion(t.Context(), u.ID, []string{u.EmailKey}); !done || err != nil {
				t.Errorf("finish: %v %v", done, err)
			}
		})
		for _, left := range traces(t, s, u.ID.String()) {
			if !strings.HasPrefix(left, "users ") && !strings.Contains(left, "kind=farewell") { // of the address, in which the id stands
				t.Errorf("left: %q", left)
			}
		}
		if got := sum(numbers(s)); got != before || count(t, s, "SELECT count(*) FROM events WHERE "+ofNoAccount) != 453 {
			t.Errorf("the numbers of all accounts are %d, were %d", got, before)
		}
		if rows(t, s, "deleted_accounts", "user_id", u.ID.String()) != 0 || kinds(t, s, other.ID) != "account_created" || kinds(t, s, again.ID) != "account_created" {
			t.Error("the work stays, or others lost something")
		}
	})
}

func sum(counts []models.DayCount) (n int64) {
	for _, c := range counts {
		n += c.N
	}
	return n
}

// Without the addresses the work is done as far as it can be, and stays for a process that has them.
func TestWorkAfterADeletionWaitsForTheAddresses(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, staff := addUser(t, s), addUser(t, s)
		if err := s.DeleteUser(t.Context(), deletion(u, noon)); err != nil {
			t.Fatal(err)
		}
		search(t, s, staff, u.Email) // under way when the account was deleted
		if done, err := s.FinishDeletion(t.Context(), u.ID, nil); !done || err != nil {
			t.Fatal(done, err)
		}
		if rows(t, s, "events", "user_id", u.ID.String()) != 0 || rows(t, s, "deleted_accounts", "user_id", u.ID.String()) != 1 {
			t.Error("events stay, or the work does not")
		}
		if done, err := s.FinishDeletion(t.Context(), u.ID, []string{u.EmailKey}); !done || err != nil {
			t.Fatal(done, err)
		}
		exec(t, s, "DELETE FROM mails")
		if left := traces(t, s, u.Email); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
	})
}
