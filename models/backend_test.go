package models_test

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// newUser is an account that a client creates.
func newUser(externalID string, at time.Time) models.User {
	id := models.NewID(at)
	return models.User{ID: id, Email: id.String() + "@example.org", EmailKey: id.String() + "@example.org", PasswordHash: password, Role: models.RoleUser, CreatedAt: at, ExternalID: externalID}
}

func creation(key, request string, at time.Time) *models.Creation {
	return &models.Creation{ClientID: "shop", Key: []byte(key), Request: []byte(request), CreatedAt: at}
}

// Of many requests under one key at once, one makes an account, and all get it.
func TestOneKeyMakesOneAccount(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		var all sync.WaitGroup
		ids := make([]uuid.UUID, 20)
		for i := range ids {
			all.Go(func() {
				u := newUser("", noon)
				var err error
				if ids[i], err = s.CreateUser(t.Context(), u, creation("one", "request", noon), event(models.EventAccountCreated, u.ID, noon)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(slices.Compact(strs(ids))) != 1 {
			t.Errorf("one key made several accounts: %v", ids)
		}
		if n, err := s.CountUsers(t.Context()); n != 1 || err != nil {
			t.Errorf("%d accounts, %v", n, err)
		}
		u := newUser("", noon)
		if _, err := s.CreateUser(t.Context(), u, creation("one", "another", noon), event(models.EventAccountCreated, u.ID, noon)); !errors.Is(err, models.ErrUsed) {
			t.Errorf("another request under the key: %v", err)
		}
		if id, err := s.CreateUser(t.Context(), u, &models.Creation{ClientID: "other", Key: []byte("one"), Request: []byte("another"), CreatedAt: noon}, event(models.EventAccountCreated, u.ID, noon)); id != u.ID || err != nil {
			t.Errorf("another client under the same key: %v", err)
		}
	})
}

func strs(ids []uuid.UUID) (list []string) {
	for _, id := range ids {
		list = append(list, id.String())
	}
	slices.Sort(list)
	return list
}

// A creation that fails leaves its key free.
func TestAKeyOfAFailedCreationIsFree(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		first, second := newUser("7", noon), newUser("7", noon)
		if _, err := s.CreateUser(t.Context(), first, nil, event(models.EventAccountCreated, first.ID, noon)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateUser(t.Context(), second, creation("key", "x", noon), event(models.EventAccountCreated, second.ID, noon)); !errors.Is(err, models.ErrExternalID) {
			t.Errorf("a taken external id: %v", err)
		}
		second.ExternalID = "8"
		if id, err := s.CreateUser(t.Context(), second, creation("key", "y", noon), event(models.EventAccountCreated, second.ID, noon)); err != nil || id != second.ID {
			t.Errorf("the key after a failure: %v", err)
		}
		if u, err := s.UserByExternalID(t.Context(), "8"); err != nil || u.ID != second.ID {
			t.Errorf("by external id: %v %v", u.ID, err)
		}
		if _, err := s.UserByExternalID(t.Context(), ""); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("no external id finds an account: %v", err)
		}
		if n, err := s.Sweep(t.Context(), models.Retention{CreationsBefore: noon.Add(time.Second)}); n != 1 || err != nil {
			t.Errorf("swept %d keys, %v", n, err)
		}
	})
}

// The feed ends where a commit may be missing: an event that is committed late is read after those that were read before.
func TestTheFeedOfEventsSkipsNone(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
		put := func(kind models.EventKind, seconds int) {
			t.Helper()
			if err := s.AddEvent(t.Context(), event(kind, u.ID, at(seconds))); err != nil {
				t.Fatal(err)
			}
		}
		var cursor models.EventCursor
		read := func(before int) (kinds []models.EventKind) {
			t.Helper()
			for {
				list, err := s.EventsAfter(t.Context(), cursor, at(before), 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range list {
					kinds, cursor = append(kinds, e.Kind), models.EventCursor{At: e.At, ID: e.ID}
				}
				if len(list) == 0 {
					return kinds
				}
			}
		}
		put(models.EventSignIn, 0)
		put(models.EventSignOut, 10)
		put(models.EventDeviceRenamed, 20)
		if got := read(15); !slices.Equal(got, []models.EventKind{models.EventAccountCreated, models.EventSignIn, models.EventSignOut}) {
			t.Errorf("first: %v", got)
		}
		put(models.EventConfirmed, 16) // its id and time are older than those of one that is committed
		if got := read(40); !slices.Equal(got, []models.EventKind{models.EventConfirmed, models.EventDeviceRenamed}) {
			t.Errorf("then: %v", got)
		}
		if err := deleteWhole(t, s, models.Deletion{UserID: u.ID, ByOperator: true, Now: func() time.Time { return at(50) }, Event: event(models.EventAccountDeleted, u.ID, at(50))}); err != nil {
			t.Fatal(err)
		}
		cursor = models.EventCursor{}
		if got := read(1000); len(got) > 0 {
			t.Errorf("of a deleted account: %v", got)
		}
	})
}

func TestChangedUsersComeOnceForEachChange(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		one, two := newUser("1", noon), newUser("2", noon.Add(time.Second))
		for _, u := range []models.User{one, two} {
			if err := s.AddUser(t.Context(), u, event(models.EventAccountCreated, u.ID, u.CreatedAt)); err != nil {
				t.Fatal(err)
			}
		}
		metadata := json.RawMessage(`{"plan":"gold"}`)
		empty := ""
		if err := s.ChangeBackendFields(t.Context(), one.ID, models.BackendChange{Metadata: &metadata, ExternalID: &empty}, event(models.EventDetailsChanged, one.ID, noon.Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		list, err := s.ChangedUsers(t.Context(), models.UserCursor{}, noon.Add(time.Hour), 10)
		if err != nil || len(list) != 2 || list[0].ID != two.ID || list[1].ID != one.ID || list[1].Metadata != string(metadata) || list[1].ExternalID != "" {
			t.Errorf("%v %+v", err, list)
		}
		if list, err := s.ChangedUsers(t.Context(), models.UserCursor{UpdatedAt: list[0].UpdatedAt, ID: list[0].ID}, noon.Add(time.Minute), 10); err != nil || len(list) != 0 {
			t.Errorf("a change that is not settled: %v %v", err, list)
		}
		again := "2"
		if err := s.ChangeBackendFields(t.Context(), one.ID, models.BackendChange{ExternalID: &again}, event(models.EventDetailsChanged, one.ID, noon)); !errors.Is(err, models.ErrExternalID) {
			t.Errorf("a taken external id: %v", err)
		}
	})
}

func TestTheOperatorDeletesWhatItsOwnerCouldNot(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		if _, err := s.DisableUser(t.Context(), u.ID, event(models.EventDisabled, u.ID, noon), models.MailWithLinks{}); err != nil {
			t.Fatal(err)
		}
		d := deletion(u, noon.Add(time.Hour))
		if err := s.DeleteUser(t.Context(), d); !errors.Is(err, models.ErrChanged) {
			t.Errorf("its owner deletes a disabled account: %v", err)
		}
		d.Proof, d.ByOperator = models.Proof{}, true
		if err := deleteWhole(t, s, d); err != nil {
			t.Errorf("the operator: %v", err)
		}
		staff := addUser(t, s)
		if err := s.SetRole(t.Context(), staff.ID, models.RoleSupport, event(models.EventRoleChanged, staff.ID, noon)); err != nil {
			t.Fatal(err)
		}
		d = deletion(staff, noon.Add(time.Hour))
		d.ByOperator = true
		if err := s.DeleteUser(t.Context(), d); !errors.Is(err, models.ErrChanged) {
			t.Errorf("a member of the support staff: %v", err)
		}
	})
}

func TestARequiredChangeOfPasswordIsWrittenOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		for range 2 {
			if err := s.RequirePasswordChange(t.Context(), u.ID, event(models.EventPasswordChangeRequired, u.ID, noon.Add(time.Hour))); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.UserByID(t.Context(), u.ID)
		if err != nil || !got.MustChoosePassword() {
			t.Errorf("%v %+v", err, got)
		}
		list, err := s.EventsOfKinds(t.Context(), u.ID, []models.EventFilter{{Kind: models.EventPasswordChangeRequired}}, models.EventCursor{}, 10)
		if err != nil || len(list) != 1 {
			t.Errorf("%d events, %v", len(list), err)
		}
		if err := s.RequirePasswordChange(t.Context(), uuid.New(), event(models.EventPasswordChangeRequired, u.ID, noon)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("no account: %v", err)
		}
	})
}

// A client that read an account before it became one of the support staff's does not change it afterwards.
func TestAClientCannotChangeWhoBecameStaff(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		if err := s.SetRole(t.Context(), u.ID, models.RoleSupport, event(models.EventRoleChanged, u.ID, noon)); err != nil {
			t.Fatal(err)
		}
		by := func(kind models.EventKind) models.Event {
			e := event(kind, u.ID, noon)
			e.Actor, e.ActorClient = models.ActorOperator, "shop"
			return e
		}
		_, disabled := s.DisableUser(t.Context(), u.ID, by(models.EventDisabled), models.MailWithLinks{})
		for act, err := range map[string]error{
			"disable": disabled,
			"e-mail":  s.SetEmail(t.Context(), models.EmailSetting{UserID: u.ID, From: u.EmailKey, Email: "x@example.org", EmailKey: "x@example.org", At: noon, Event: by(models.EventEmailChanged)}),
			"mail":    s.AddEventAndMail(t.Context(), by(models.EventResetSent)),
		} {
			if !errors.Is(err, models.ErrStaff) {
				t.Errorf("%s: %v", act, err)
			}
		}
		if got, err := s.UserByID(t.Context(), u.ID); err != nil || got.DisabledAt != nil || got.Email != u.Email {
			t.Errorf("%v %+v", err, got)
		}
	})
}
