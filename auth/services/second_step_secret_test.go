package services_test

import (
	"bytes"
	"testing"

	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// A change of the server secret: first the new one is accepted everywhere, then it is used, and at last the old one goes.
func TestAuthenticatorAppsOutliveAChangeOfTheSecret(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		secret := d.addApp(t, at("192.0.2.1"))
		next := bytes.Repeat([]byte{2}, 32)
		works := func(when string) {
			t.Helper()
			d.advance(step)
			if kind := d.finish(t, d.begin(t, at("192.0.2.1")), d.code(t, secret), at("192.0.2.1")); kind != -1 {
				t.Errorf("%s: kind %d", when, kind)
			}
		}
		d.change(t, func(c *services.Config) { c.Previous = [][]byte{next} })
		works("the new secret is accepted")
		began := d.begin(t, at("192.0.2.1"))
		d.change(t, func(c *services.Config) { c.Secret, c.Previous = next, [][]byte{testSecret} })
		d.advance(step)
		if kind := d.finish(t, began, d.code(t, secret), at("192.0.2.1")); kind != -1 {
			t.Errorf("a sign-in that was begun under the old secret: kind %d", kind)
		}
		works("the new secret is used")

		before := d.factorsOf(t)[0]
		if _, err := d.Operator.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := d.factorsOf(t)[0]
		if bytes.Equal(before.Data, after.Data) || after.LastStep != before.LastStep {
			t.Error("the sweep left the secret under the old key, or changed more than it")
		}
		if _, err := d.Operator.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if again := d.factorsOf(t)[0]; !bytes.Equal(again.Data, after.Data) {
			t.Error("what the new secret sealed is sealed once more")
		}
		d.change(t, func(c *services.Config) { c.Previous = nil })
		works("the old secret is gone")
	})
}

// One app that no secret opens, as after a wrong restore, keeps no other from being sealed again.
func TestASecretThatNothingOpensIsLeftAlone(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		secret := d.addApp(t, at("192.0.2.1"))
		ada := d.factorsOf(t)[0]
		for _, email := range []string{"bea@example.com", "eve@example.com"} {
			u, err := d.Operator.AddUser(t.Context(), email, "a password of theirs", models.RoleUser)
			if err != nil {
				t.Fatal(err)
			}
			_, err = store.AddFactors(t.Context(), models.FactorAddition{
				UserID: u.ID, Add: []models.Factor{{Kind: models.FactorTOTP, Data: ada.Data}}, At: d.now(), // sealed for another row
				Event: models.Event{UserID: u.ID, Kind: models.EventFactorAdded, At: d.now(), Actor: models.ActorOwner},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		next := bytes.Repeat([]byte{2}, 32)
		d.change(t, func(c *services.Config) { c.Secret, c.Previous = next, [][]byte{testSecret} })
		if _, err := d.Operator.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.change(t, func(c *services.Config) { c.Previous = nil })
		d.advance(step)
		if kind := d.finish(t, d.begin(t, at("192.0.2.1")), d.code(t, secret), at("192.0.2.1")); kind != -1 {
			t.Errorf("kind %d", kind)
		}
	})
}
