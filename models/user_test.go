package models_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestUsersAreListedPageByPage(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		var want []string
		for range 7 {
			want = append(want, addUser(t, s).EmailKey)
		}
		slices.Sort(want)
		var got []string
		after := ""
		for {
			page, err := s.Users(t.Context(), after, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, u := range page {
				got = append(got, u.EmailKey)
			}
			after = got[len(got)-1]
		}
		if n, err := s.CountUsers(t.Context()); err != nil || n != 7 || !slices.Equal(got, want) {
			t.Errorf("%d users (%v): %q, want %q", n, err, got, want)
		}
	})
}

func TestADisabledAccountIsTheSameAfterASecondTime(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		browser := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		addApp(t, s, u.ID, "phone")
		if err := s.AddMail(t.Context(), mailTo(u, "reset", "", noon, link(u, models.ResetLink, "secret", noon))); err != nil {
			t.Fatal(err)
		}
		for i, want := range []int64{2, 0} {
			if n, err := s.DisableUser(t.Context(), u.ID, event(models.EventDisabled, u.ID, noon), models.MailWithLinks{}); err != nil || n != want {
				t.Errorf("time %d: revoked %d, %v", i+1, n, err)
			}
		}
		if n := count(t, s, "SELECT count(*) FROM one_time_tokens"); n != 0 {
			t.Errorf("%d links are left", n)
		}
		got, err := s.UserByID(t.Context(), u.ID)
		if err != nil || got.DisabledAt == nil || !got.DisabledAt.Equal(noon) || device(t, s, browser).RevokeReason != models.RevokedByDisable {
			t.Errorf("%+v %v", got, err)
		}
		key := models.DeviceKey{UserID: u.ID, ID: browser.ID}
		if _, err := s.RenameDevice(t.Context(), key, live(noon), named("x"), event(models.EventDeviceRenamed, u.ID, noon)); !errors.Is(err, models.ErrChanged) {
			t.Errorf("rename: %v", err)
		}
		change := models.PasswordChange{UserID: u.ID, Proof: models.Proof{Verified: password}, Hash: "hash-2", At: noon, Event: event(models.EventPasswordChanged, u.ID, noon)}
		if _, err := s.ChangePassword(t.Context(), change); !errors.Is(err, models.ErrChanged) {
			t.Errorf("the owner's change of password: %v", err)
		}
		change.Proof.Verified = ""
		if _, err := s.ChangePassword(t.Context(), change); err != nil {
			t.Errorf("an operator's: %v", err)
		}
		for range 2 {
			if err := s.EnableUser(t.Context(), u.ID, event(models.EventEnabled, u.ID, noon.Add(1e9))); err != nil {
				t.Error(err)
			}
		}
		if names := liveNames(t, s, u.ID); len(names) > 0 {
			t.Errorf("enabling brought back %q", names)
		}
		all := kinds(t, s, u.ID)
		if got := len(events(t, s, u.ID)); got != 6 {
			t.Errorf("%d events: %s", got, all)
		}
	})
}

func TestRevocationsHitWhatTheyName(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, stranger := addUser(t, s), addUser(t, s)
		theirs := addApp(t, s, stranger.ID, "phone")
		kept, app := addApp(t, s, u.ID, "kept"), addApp(t, s, u.ID, "phone")
		browser := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		e := event(models.EventDeviceRevoked, u.ID, noon)
		e.Detail = string(models.RevokedByOwner)
		key := func(d models.Device) models.DeviceKey { return models.DeviceKey{UserID: u.ID, ID: d.ID} }
		if _, _, err := s.RevokeDevice(t.Context(), key(theirs), e); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("another account's device: %v", err)
		}
		for name, err := range map[string]error{
			"another secret":    s.RevokeBySecret(t.Context(), key(app), []byte("wrong"), "", nil, e),
			"a browser":         s.RevokeBySecret(t.Context(), key(browser), secretOf(browser.ID), "", nil, e),
			"an unknown device": s.RevokeBySecret(t.Context(), models.DeviceKey{UserID: u.ID, ID: uuid.New()}, nil, "", nil, e),
			"another's phone":   s.RevokeBySecret(t.Context(), key(theirs), secretOf(theirs.ID), "", nil, e),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if names := liveNames(t, s, u.ID); len(names) != 3 {
			t.Errorf("only %q are left", names)
		}
		if err := s.RevokeBySecret(t.Context(), key(app), secretOf(app.ID), "", nil, e); err != nil || device(t, s, app).RevokeReason != models.RevokedByOwner {
			t.Errorf("by its own secret: %v", err)
		}
		if d, fresh, err := s.RevokeDevice(t.Context(), key(app), e); err != nil || fresh || d.Name != "phone" {
			t.Errorf("a second time: %v %v", fresh, err)
		}
		for _, want := range []int64{1, 0} {
			told := len(events(t, s, u.ID))
			n, err := s.RevokeOthers(t.Context(), u.ID, kept.ID, e)
			if err != nil || n != want || len(events(t, s, u.ID)) != told+int(want) {
				t.Errorf("the others: %d, %v", n, err)
			}
		}
		if names := liveNames(t, s, u.ID); !slices.Equal(names, []string{"kept"}) || device(t, s, theirs).RevokedAt != nil {
			t.Errorf("left: %q", names)
		}
	})
}

func TestAnyAppMaySignInUntilOneIsRegistered(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		allowed := func(id string) bool {
			t.Helper()
			facts, err := s.SignInFacts(t.Context(), models.SignInQuestion{EmailKey: "ada@example.com", ClientID: id, Keys: [][]byte{{1}}, At: noon})
			if err != nil {
				t.Fatal(err)
			}
			return facts.Allowed
		}
		if !allowed("x") {
			t.Error("none is registered, and x may not")
		}
		a := models.Client{ID: "a", Name: "A", CreatedAt: noon, IOSApps: "TEAM123456.a", AndroidApps: "com.example.a=00 com.example.b=01"}
		if err := s.AddClient(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if allowed("x") || !allowed("a") || allowed("A") {
			t.Error("only a is registered")
		}
		if list, err := s.Clients(t.Context()); err != nil || len(list) != 1 || !reflect.DeepEqual(list[0], a) {
			t.Errorf("%+v %v", list, err)
		}
		if err := s.RemoveClient(t.Context(), "a"); err != nil || !allowed("x") {
			t.Errorf("none is registered any more: %v", err)
		}
	})
}
