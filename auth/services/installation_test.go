package services_test

import (
	"bytes"
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

const installationID = "c56a4180-65aa-42ec-a945-5fd21dec0538"

// install signs a person in by an app that names its installation.
func (d *desk) install(t *testing.T, email, password, clientID, old string) (token.Answer, models.Device) {
	t.Helper()
	d.advance(time.Minute)
	answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{
		Email: email, Password: password, DeviceName: "phone", ClientID: clientID, Installation: auth.SentInstallation{ID: installationID, OldToken: old}, From: at("192.0.2.1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	user, err := d.Operator.FindUser(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	row, err := d.store.LiveDevice(t.Context(), user.ID, answer.DeviceID, d.live())
	if err != nil {
		t.Fatal(err)
	}
	return answer, row
}

func TestAnInstallationHasAnotherHashForEachAccountAndClient(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		for _, id := range []string{"app", "tv"} {
			d.addClient(t, client.Registration{ID: id, Name: id})
		}
		if _, err := d.Operator.AddUser(t.Context(), "eve@example.com", "another person's words", models.RoleUser); err != nil {
			t.Fatal(err)
		}
		_, first := d.install(t, adaEmail, adaPassword, "app", "")
		_, again := d.install(t, adaEmail, adaPassword, "app", "")
		_, tv := d.install(t, adaEmail, adaPassword, "tv", "")
		_, eve := d.install(t, "eve@example.com", "another person's words", "app", "")
		if !bytes.Equal(first.Installation, again.Installation) || bytes.Equal(first.Installation, tv.Installation) || bytes.Equal(first.Installation, eve.Installation) || len(eve.Installation) != 32 {
			t.Errorf("%x\n%x\n%x\n%x", first.Installation, again.Installation, tv.Installation, eve.Installation)
		}
	})
}

// As the operator changes the secret: first the new one is accepted, then it is the present one, then the old one goes.
func TestAnAppTakesItsOldPlaceWhileTheSecretChanges(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		renewed := bytes.Repeat([]byte{9}, 32)
		last, row := d.install(t, adaEmail, adaPassword, "app", "")
		for _, secrets := range [][][]byte{{testSecret, renewed}, {renewed, testSecret}, {testSecret, renewed}, {renewed, testSecret}, {renewed}} {
			d.change(t, func(c *services.Config) { c.Secret, c.Previous = secrets[0], secrets[1:] })
			d.advance(24 * time.Hour)
			before := row
			if last, row = d.install(t, adaEmail, adaPassword, "app", last.RefreshToken); row.Name != before.Name {
				t.Errorf("%q after %q", row.Name, before.Name)
			}
		}
		var replaced int
		list, err := store.Events(t.Context(), d.ada.ID, models.EventCursor{}, 100)
		for _, e := range list {
			if e.Kind == models.EventDeviceReplaced {
				replaced++
			}
		}
		if err != nil || replaced != 5 {
			t.Errorf("%d were replaced, %v", replaced, err)
		}
	})
}
