package services_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestAClientIsUpdatedByWhatIsGiven(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		c, err := d.Clients.Add(t.Context(), client.Registration{
			Name: "Notes", ID: "notes", RedirectURIs: []string{"https://b.example/cb", "com.example:/cb", "https://b.example/cb"}, PostLogoutURIs: []string{"https://b.example/"},
			Origins: []string{"app://."}, BackchannelLogoutURI: "https://b.example/out", DeviceGrant: true, SSO: true, Scopes: []string{"b a"}, IOSApps: []string{"A1B2C3D4E5.com.example"},
		})
		if err != nil || c.Secret != "" || c.RedirectURIs != "com.example:/cb https://b.example/cb" || c.Scopes != "a b" {
			t.Fatalf("%+v %v", c, err)
		}
		update := func(n client.Change) client.Added {
			t.Helper()
			got, err := d.Clients.Update(t.Context(), "notes", n)
			if err != nil {
				t.Errorf("%+v: %v", n, err)
			}
			return got
		}
		off, empty, name := false, "", "Memos"
		want := c.Client
		want.Name, want.RedirectURIs, want.Origins, want.BackchannelLogoutURI, want.SSO, want.Scopes = "Memos", "https://a.example/", "", "", false, ""
		got := update(client.Change{Name: &name, RedirectURIs: []string{"https://a.example/"}, Origins: []string{""}, BackchannelLogoutURI: &empty, SSO: &off, Scopes: []string{""}})
		if !reflect.DeepEqual(got.Client, want) || got.Secret != "" {
			t.Errorf("%+v, want %+v", got, want)
		}

		first := update(client.Change{Confidential: true})
		again := update(client.Change{Confidential: true})
		next := update(client.Change{NewSecret: true})
		if first.Secret == "" || again.Secret != "" || next.Secret == "" || next.Secret == first.Secret || reflect.DeepEqual(next.SecretHash, first.SecretHash) {
			t.Errorf("secrets %q, %q, %q", first.Secret, again.Secret, next.Secret)
		}
		if kept, err := d.Clients.Find(t.Context(), "notes"); err != nil || !reflect.DeepEqual(kept, next.Client) || strings.Contains(string(kept.SecretHash), next.Secret) {
			t.Errorf("%+v %v", kept, err)
		}
		if public := update(client.Change{Public: true}); public.Confidential() {
			t.Error("it still has a secret")
		}
		for name, n := range map[string]struct {
			client.Change
			field, says string
		}{
			"a secret of a public client":     {client.Change{NewSecret: true, Name: &name}, "new-secret", "--confidential"},
			"public and confidential":         {client.Change{Public: true, Confidential: true}, "public", "no secret"},
			"no name":                         {client.Change{Name: &empty, SSO: &off}, "name", "needs a name"},
			"one bad URI among good ones":     {client.Change{Origins: []string{"app://."}, RedirectURIs: []string{"https://a.example/", "http://a.example/"}}, "redirect-uri", `"http://a.example/" must be https`},
			"an empty URI among others":       {client.Change{RedirectURIs: []string{"", "https://a.example/"}}, "redirect-uri", `"" is empty`},
			"a bad post-logout URI":           {client.Change{PostLogoutURIs: []string{"x"}}, "post-logout-uri", `"x"`},
			"a bad origin":                    {client.Change{Origins: []string{"https://a.example/"}}, "origin", `"https://a.example/"`},
			"a bad back-channel URI":          {client.Change{BackchannelLogoutURI: &name}, "backchannel-logout-uri", `"no name"`},
			"a bad scope":                     {client.Change{Scopes: []string{`"`}}, "scope", `"\""`},
			"a bad iOS app":                   {client.Change{IOSApps: []string{"x"}}, "ios-app", `"x"`},
			"a bad Android app, a new secret": {client.Change{AndroidApps: []string{"x"}, Confidential: true}, "android-app", `"x"`},
		} {
			if n.BackchannelLogoutURI != nil {
				bad := "no name"
				n.BackchannelLogoutURI = &bad
			}
			before, _ := d.Clients.Find(t.Context(), "notes")
			_, err := d.Clients.Update(t.Context(), "notes", n.Change)
			refusal := auth.AsError(err)
			if refusal.Kind != auth.KindInvalidRequest || len(refusal.Fields) != 1 || refusal.Fields[0].Field != n.field || !strings.Contains(refusal.Fields[0].Detail, n.says) {
				t.Errorf("%s: %v, %+v", name, err, refusal.Fields)
			}
			if after, err := d.Clients.Find(t.Context(), "notes"); err != nil || !reflect.DeepEqual(before, after) {
				t.Errorf("%s changed something: %+v %v", name, after, err)
			}
		}
		for _, n := range []client.Change{{}, {NewSecret: true}, {Confidential: true}} {
			if _, err := d.Clients.Update(t.Context(), "none", n); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("an unknown client: %v", err)
			}
		}
	})
}
