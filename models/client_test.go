package models_test

import (
	"errors"
	"reflect"
	"testing"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestAClientIsStoredAndChangedColumnByColumn(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		all := models.Client{
			ID: "all", Name: "All", CreatedAt: noon, IOSApps: "TEAM123456.a", AndroidApps: "com.example.a=00", RedirectURIs: "com.example:/a https://a.example/cb",
			PostLogoutURIs: "https://a.example/", Origins: "app://. https://a.example", BackchannelLogoutURI: "https://a.example/out", SecretHash: []byte{1, 2},
			DeviceGrant: true, SSO: true, Scopes: "own_devices:read users:read",
		}
		bare := models.Client{ID: "bare", Name: "Bare", CreatedAt: noon}
		for _, c := range []models.Client{all, bare} {
			if err := s.AddClient(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Client(t.Context(), c.ID); err != nil || !reflect.DeepEqual(got, c) {
				t.Errorf("%+v %v, want %+v", got, err, c)
			}
		}
		update := func(id string, c models.ClientChange, want models.Client) {
			t.Helper()
			got, err := s.UpdateClient(t.Context(), id, c)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v %v, want %+v", got, err, want)
			}
			if kept, err := s.Client(t.Context(), id); err != nil || !reflect.DeepEqual(kept, want) {
				t.Errorf("kept: %+v %v", kept, err)
			}
		}
		text, empty, yes, no := "x", "", true, false
		update("all", models.ClientChange{}, all)
		all.RedirectURIs, all.Scopes, all.DeviceGrant, all.Name = "x", "", false, "x"
		update("all", models.ClientChange{RedirectURIs: &text, Scopes: &empty, DeviceGrant: &no, Name: &text}, all)
		update("all", models.ClientChange{Secret: models.FirstSecret, NewSecretHash: []byte{9}}, all) // it has one
		all.SecretHash = []byte{9}
		update("all", models.ClientChange{Secret: models.NextSecret, NewSecretHash: []byte{9}}, all)
		all.SecretHash = nil
		update("all", models.ClientChange{Secret: models.NoSecret}, all)
		if _, err := s.UpdateClient(t.Context(), "all", models.ClientChange{Secret: models.NextSecret, NewSecretHash: []byte{9}}); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("another secret of a public client: %v", err)
		}
		bare.SecretHash, bare.IOSApps, bare.AndroidApps, bare.PostLogoutURIs, bare.Origins, bare.BackchannelLogoutURI, bare.SSO = []byte{3}, "x", "x", "x", "x", "x", true
		update("bare", models.ClientChange{Secret: models.FirstSecret, NewSecretHash: []byte{3}, IOSApps: &text, AndroidApps: &text, PostLogoutURIs: &text, Origins: &text, BackchannelLogoutURI: &text, SSO: &yes}, bare)
		for _, c := range []models.ClientChange{{}, {Name: &text}} {
			if _, err := s.UpdateClient(t.Context(), "none", c); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("an unknown client: %v", err)
			}
		}
	})
}

// To register a television or a backend does not lock out the apps that sign in under any client_id.
func TestOnlyClientsThatSignPeopleInByThemselvesExcludeUnregisteredOnes(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		secret := []byte{1}
		for name, c := range map[string]struct {
			models.Client
			open bool
		}{
			"the device grant alone":           {models.Client{DeviceGrant: true}, true},
			"a secret alone":                   {models.Client{SecretHash: secret, Scopes: "users:read"}, true},
			"a secret and the device grant":    {models.Client{SecretHash: secret, DeviceGrant: true}, true},
			"a back-channel URI and a secret":  {models.Client{SecretHash: secret, BackchannelLogoutURI: "https://a.example/out"}, true},
			"a public client":                  {models.Client{}, false},
			"a public client with scopes":      {models.Client{Scopes: "own_devices:read", SSO: true}, false},
			"a secret and a redirect URI":      {models.Client{SecretHash: secret, RedirectURIs: "https://a.example/cb"}, false},
			"the device grant and an iOS app":  {models.Client{DeviceGrant: true, IOSApps: "TEAM123456.a"}, false},
			"the device grant and Android":     {models.Client{DeviceGrant: true, AndroidApps: "a.b=00"}, false},
			"the device grant and an origin":   {models.Client{DeviceGrant: true, Origins: "app://."}, false},
			"the device grant and a redirect":  {models.Client{DeviceGrant: true, RedirectURIs: "a.b:/cb"}, false},
			"a client of the previous release": {models.Client{}, false},
		} {
			c.ID, c.Name, c.CreatedAt = "c", "C", noon
			if name == "a client of the previous release" {
				exec(t, s, "INSERT INTO clients (id, name, created_at, ios_apps, android_apps) VALUES ('c', 'C', ?, '', '')", noon)
			} else if err := s.AddClient(t.Context(), c.Client); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"c", "other"} {
				facts, err := s.SignInFacts(t.Context(), models.SignInQuestion{EmailKey: "ada@example.com", ClientID: id, Keys: [][]byte{{1}}, At: noon})
				if want := c.open || id == "c"; err != nil || facts.Allowed != want {
					t.Errorf("%s: %s may sign in: %t, %v", name, id, facts.Allowed, err)
				}
			}
			if err := s.RemoveClient(t.Context(), "c"); err != nil {
				t.Fatal(err)
			}
		}
	})
}
