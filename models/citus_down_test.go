package models_test

import (
	"errors"
	"testing"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// Accounts whose shards live go on while another node is down, and so does what the coordinator answers by itself.
func TestWithANodeOfCitusDownTheOtherAccountsGoOn(t *testing.T) {
	needCitus(t)
	nodes := modelstest.StartCitus(t)
	s := open(t, models.Config{URL: nodes.Distributed(t), Conns: 8})
	key := models.SigningKey{KID: "k", Alg: "ES256", Seq: 1, CreatedAt: noon, SignsFrom: noon, Sealed: []byte{1}}
	if err := s.AddSigningKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	var devices []models.Device
	users := map[string]models.User{}
	for range 24 {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		devices, users[d.ID.String()] = append(devices, d), u
	}
	if err := nodes.Nodes[2].Stop("fast"); err != nil {
		t.Fatal(err)
	}
	var alive, dead, signedIn int
	for _, d := range devices {
		got, err := s.RotateDevice(t.Context(), present(d, 1, noon))
		switch {
		case err == nil && got.Outcome == models.Rotated:
			alive++
		case errors.Is(err, models.ErrUnavailable):
			dead++
			continue
		default:
			t.Fatalf("%v, %v", got.Outcome, err)
		}
		if _, err := s.AddDevice(t.Context(), inPlace(signIn(d.UserID, models.KindApp, "tablet", noon), int64(alive))); err != nil {
			t.Errorf("a sign-in on a node that lives: %v", err)
		}
		facts, err := s.SignInFacts(t.Context(), models.SignInQuestion{EmailKey: users[d.ID.String()].EmailKey, ClientID: "app-1", At: noon})
		if err == nil && facts.User.ID == d.UserID {
			signedIn++
		} else if !errors.Is(err, models.ErrUnavailable) {
			t.Errorf("the address: %v", err)
		}
	}
	if alive == 0 || dead == 0 || signedIn == 0 {
		t.Errorf("%d refreshes and %d sign-ins went on, %d refreshes did not", alive, signedIn, dead)
	}
	if err := s.CheckWrite(t.Context(), []byte("replica"), noon); err != nil {
		t.Errorf("/readyz: %v", err)
	}
	if keys, err := s.SigningKeys(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("signing keys: %v", err)
	}
	if _, err := revokedPlaces(t, s, noon); err != nil {
		t.Errorf("status lists: %v", err)
	}
	if err := nodes.Nodes[2].Start(); err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		if _, err := s.RotateDevice(t.Context(), present(d, 1, noon)); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}
