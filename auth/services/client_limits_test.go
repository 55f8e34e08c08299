package services_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

func of[T any](v T) *T { return &v }

func (d *desk) refreshAs(t *testing.T, id, refresh string) (token.Answer, string) {
	t.Helper()
	answer, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: refresh, Client: client.Identity{ID: id}, From: at("192.0.2.1")})
	if err != nil {
		return answer, auth.AsError(err).Reason
	}
	return answer, ""
}

func TestTheShorterLifetimeCounts(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.DeviceLifetime, c.DeviceIdle = 48*time.Hour, 48*time.Hour })
		d.addClient(t, client.Registration{ID: "short", Name: "Short", Limits: client.Limits{Lifetime: of(24 * time.Hour)}})
		d.addClient(t, client.Registration{ID: "long", Name: "Long", Limits: client.Limits{Lifetime: of(1000 * time.Hour)}})
		d.addClient(t, client.Registration{ID: "plain", Name: "Plain"})
		for id, want := range map[string]time.Duration{"short": 24 * time.Hour, "long": 48 * time.Hour, "plain": 48 * time.Hour} {
			row, err := store.Device(t.Context(), d.ada.ID, d.loginAt(t, id).DeviceID)
			if err != nil || row.ExpiresAt.Sub(row.CreatedAt) != want {
				t.Errorf("%s: %v, %v", id, row.ExpiresAt.Sub(row.CreatedAt), err)
			}
		}
	})
}

// A copied token must not outlive the client's idle limit because its holder leaves the client_id out.
func TestAClientsIdleLimitHoldsWithAndWithoutItsID(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.DeviceLifetime, c.DeviceIdle = 1000*time.Hour, 48*time.Hour })
		d.addClient(t, client.Registration{ID: "short", Name: "Short", Limits: client.Limits{Idle: of(time.Hour)}})
		d.addClient(t, client.Registration{ID: "long", Name: "Long", Limits: client.Limits{Idle: of(500 * time.Hour)}})
		d.addClient(t, client.Registration{ID: "plain", Name: "Plain"})
		for _, c := range []struct {
			id, sent string
			after    time.Duration
			want     string
		}{
			{"short", "short", time.Hour - time.Second, ""},
			{"short", "", time.Hour - time.Second, ""},
			{"short", "short", time.Hour, token.ReasonIdle},
			{"short", "", time.Hour, token.ReasonIdle},
			{"short", "plain", time.Minute, token.ReasonUnknownDevice},
			{"long", "", 48*time.Hour - time.Second, ""},
			{"long", "", 48 * time.Hour, token.ReasonIdle},
			{"plain", "", time.Hour, ""},
			{"plain", "", 48 * time.Hour, token.ReasonIdle},
		} {
			answer := d.loginAt(t, c.id)
			d.advance(c.after)
			listed, err := store.LiveDevice(t.Context(), d.ada.ID, answer.DeviceID, auth.Idle{App: 48 * time.Hour, Browser: time.Hour, Clients: d.Clients.Idles}.Live(d.now()))
			if live := err == nil; live != (c.want != token.ReasonIdle) {
				t.Errorf("%+v: live %v (%v)", c, live, listed.ID)
			}
			next, reason := d.refreshAs(t, c.sent, answer.RefreshToken)
			if reason != c.want {
				t.Errorf("%+v: %q", c, reason)
			}
			if reason == "" { // the token that was used is dead for both
				d.advance(time.Minute)
				if _, reason := d.refreshAs(t, c.sent, next.RefreshToken); reason != "" {
					t.Errorf("%+v: its successor: %s", c, reason)
				}
				if _, reason := d.refreshAs(t, "", answer.RefreshToken); reason != token.ReasonReused {
					t.Errorf("%+v: once more: %q", c, reason)
				}
			}
		}
	})
}

func TestAnAppThatSignsInAtEachStartSignsOutOthersOnlySoOften(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		l := d.keepLetters(t)
		d.addClient(t, client.Registration{ID: "tv", Name: "TV", Limits: client.Limits{MaxDevices: of(2), OnLimit: of(models.OnLimitReplaceOldest)}})
		d.addClient(t, client.Registration{ID: "other", Name: "Other"})
		kept := d.loginAt(t, "other")
		d.loginAt(t, "tv")
		d.loginAt(t, "tv")
		try := func() error {
			d.advance(time.Minute)
			_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "TV", ClientID: "tv", From: at("192.0.2.1")})
			return err
		}
		var done int
		for range 6 {
			err := try()
			if err == nil {
				done++
			} else if auth.AsError(err).Kind != auth.KindTooManyDevices {
				t.Fatal(err)
			}
		}
		d.advance(24 * time.Hour)
		if err := try(); done != 2 || err != nil {
			t.Errorf("%d sign-ins in a day, and the next day %v", done, err)
		}
		if _, err := store.LiveDevice(t.Context(), d.ada.ID, kept.DeviceID, d.live()); err != nil {
			t.Errorf("a device of another client: %v", err)
		}
		d.link(t, l, "device_room", adaEmail)
	})
}

func TestLimitsOfAClientAreChecked(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.addClient(t, client.Registration{ID: "app", Name: "App"})
		for field, l := range map[string]client.Limits{
			"lifetime": {Lifetime: of(30 * time.Second)}, "idle": {Idle: of(time.Hour + time.Millisecond)}, "devices": {MaxDevices: of(-1)}, "on-limit": {OnLimit: of("evict")},
		} {
			_, added := d.Clients.Add(t.Context(), client.Registration{Name: "Bad", Limits: l})
			_, updated := d.Clients.Update(t.Context(), "app", client.Change{Limits: l})
			for _, err := range []error{added, updated} {
				if own := auth.AsError(err); own.Kind != auth.KindInvalidRequest || len(own.Fields) != 1 || own.Fields[0].Field != field {
					t.Errorf("%s: %v", field, err)
				}
			}
		}
		all := models.ClientLimits{Lifetime: time.Hour, Idle: time.Minute, MaxDevices: 3, ReplaceOldest: true}
		c, err := d.Clients.Update(t.Context(), "app", client.Change{Limits: client.Limits{Lifetime: of(time.Hour), Idle: of(time.Minute), MaxDevices: of(3), OnLimit: of("replace-oldest")}})
		if err != nil || c.Limits() != all {
			t.Errorf("%+v %v", c.Limits(), err)
		}
		c, err = d.Clients.Update(t.Context(), "app", client.Change{Limits: client.Limits{Lifetime: of(time.Duration(0)), OnLimit: of("refuse")}})
		if want := (models.ClientLimits{Idle: time.Minute, MaxDevices: 3}); err != nil || c.Limits() != want {
			t.Errorf("%+v %v", c.Limits(), err)
		}
		if _, err := d.Clients.Update(t.Context(), "gone", client.Change{Limits: client.Limits{Idle: of(time.Minute)}}); !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
		if again := d.addClient(t, client.Registration{ID: "again", Name: "Again", Limits: client.Limits{Lifetime: of(time.Hour), Idle: of(time.Minute), MaxDevices: of(3), OnLimit: of("replace-oldest")}}); again.Limits() != all {
			t.Errorf("%+v", again.Limits())
		}
		if found, err := d.Clients.Find(t.Context(), "again"); err != nil || found.Limits() != all {
			t.Errorf("%+v %v", found, err)
		}
	})
}
