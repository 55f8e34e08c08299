package services_test

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"sync/atomic"
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

func (d *desk) addClient(t *testing.T, r client.Registration) client.Added {
	t.Helper()
	c, err := d.Clients.Add(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// loginAt signs in through a client.
func (d *desk) loginAt(t *testing.T, id string) token.Answer {
	t.Helper()
	answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", ClientID: id, From: at("192.0.2.1")})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// deviceAt signs in as a browser lets an app in: with scopes that the person granted.
func (d *desk) deviceAt(t *testing.T, id, granted string) token.Answer {
	t.Helper()
	n, secret := d.Tokens.NewDevice(token.Verified{User: d.ada}, models.KindApp, at("192.0.2.1"), 24*time.Hour)
	n.FreeName, n.Device.ClientID, n.Device.Scope = token.FreeName("phone"), id, granted
	row, err := d.Tokens.AddDevice(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := d.Tokens.Issue(t.Context(), row, secret, "")
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// written are the claims of a token as they are on the wire.
func written(t *testing.T, access string) (m map[string]any) {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// may tells what a token opens: w for whoami, r to read and c to change devices, a for acts on the account.
func (d *desk) may(t *testing.T, access string) (list string) {
	t.Helper()
	claims, err := d.Tokens.Verify(access)
	if err != nil {
		t.Fatal(err)
	}
	for letter, scope := range map[string]string{"w": "", "r": client.OwnDevicesRead, "c": client.OwnDevicesWrite, "a": client.OwnAccountWrite} {
		switch err := claims.Allow(scope); {
		case err == nil:
			list += letter
		case claims.ForAPI && (auth.AsError(err).Kind != auth.KindInsufficientScope || auth.AsError(err).Scope != scope),
			!claims.ForAPI && auth.AsError(err).Kind != auth.KindInvalidToken:
			t.Errorf("%s: %v", scope, err)
		}
	}
	sorted := ""
	for _, letter := range "wrca" {
		if strings.ContainsRune(list, letter) {
			sorted += string(letter)
		}
	}
	return sorted
}

func TestWhatAnAccessTokenMayDoIsWrittenIntoIt(t *testing.T) {
	const both, first = "own_devices:read own_devices:write", "own_devices:read own_devices:write own_account:write"
	here := []any{"https://api.example.com", "https://id.example.com"}
	elsewhere := any("https://api.example.com")
	eachCounted(t, func(t *testing.T, store *models.Store, statements *atomic.Int64) {
		d := newDesk(t, store)
		const cb = "https://app.example.com/cb"
		for id, r := range map[string]client.Registration{
			"first": {}, "reader": {Scopes: []string{"own_devices:read"}}, "writer": {Scopes: []string{"own_devices:write", "photos:read"}}, "both": {Scopes: []string{both}},
			"photos": {Scopes: []string{"photos:read photos:write"}}, "oidc": {Scopes: []string{"openid"}},
			"backend": {Scopes: []string{"users:read", "devices:write", "credentials:write", "events:read"}, Confidential: true},
			"mixed":   {Scopes: []string{"users:delete", "own_devices:read"}, Confidential: true},
		} {
			r.ID, r.Name, r.RedirectURIs = id, id, []string{cb}
			d.addClient(t, r)
		}
		for _, c := range []struct {
			client, granted string
			scope           any // nil: there is no claim
			aud             any
			may             string
		}{
			{"first", "", nil, here, "wrca"},
			{"first", "openid email offline_access", "openid email offline_access " + first, here, "wrca"},
			{"first", "openid users:read devices:write admin own_account:write", "openid " + first, here, "wrca"},
			{"reader", "", "own_devices:read", here, "wr"},
			{"reader", "openid own_devices:write", "openid own_devices:read", here, "wr"},
			{"writer", "offline_access", "offline_access own_devices:write photos:read", here, "wc"},
			{"both", "", both, here, "wrc"},
			{"both", "own_account:write", both, here, "wrc"},
			{"photos", "", "photos:read photos:write", elsewhere, ""},
			{"photos", "openid", "openid photos:read photos:write", elsewhere, ""},
			{"oidc", "", "", elsewhere, ""},
			{"oidc", "openid", "openid", elsewhere, ""},
			{"backend", "", "", elsewhere, ""},
			{"mixed", "openid", "openid own_devices:read", here, "wr"},
		} {
			first := d.deviceAt(t, c.client, c.granted)
			d.advance(time.Minute)
			before := statements.Load()
			if _, err := d.Clients.Apps(t.Context()); err != nil { // the clients are read at most every 10 seconds
				t.Fatal(err)
			}
			read := statements.Load() - before
			r := token.RefreshRequest{Token: first.RefreshToken, From: at("192.0.2.1")}
			if c.client == "backend" || c.client == "mixed" {
				r.Client = d.proven(t, c.client)
				read = statements.Load() - before
			}
			next, err := d.Tokens.Refresh(t.Context(), r)
			if n := statements.Load() - before - read; err != nil || n != 1 {
				t.Fatalf("%s %q: a refresh costs %d statements, %v", c.client, c.granted, n, err)
			}
			for when, answer := range map[string]token.Answer{"signed in": first, "refreshed": next} {
				m := written(t, answer.AccessToken)
				if m["scope"] != c.scope || !reflect.DeepEqual(m["aud"], c.aud) {
					t.Errorf("%s %q, %s: scope %v, aud %v", c.client, c.granted, when, m["scope"], m["aud"])
				}
				if may := d.may(t, answer.AccessToken); may != c.may {
					t.Errorf("%s %q, %s: it may %s, want %s", c.client, c.granted, when, may, c.may)
				}
			}
		}

		// With one name for both, aud is one text, and the scope decides alone.
		d.change(t, func(c *services.Config) { c.Audience = c.Issuer })
		if m := written(t, d.deviceAt(t, "first", "").AccessToken); m["aud"] != "https://id.example.com" {
			t.Errorf("one audience: %v", m["aud"])
		}
		for id, want := range map[string]string{"first": "wrca", "reader": "wr", "photos": "w", "backend": "w"} {
			if may := d.may(t, d.deviceAt(t, id, "").AccessToken); may != want {
				t.Errorf("one audience, %s: %s", id, may)
			}
		}
	})
}

// proven registers nothing: it gives the client a new secret and authenticates with it.
func (d *desk) proven(t *testing.T, id string) client.Identity {
	t.Helper()
	c, err := d.Clients.Update(t.Context(), id, client.Change{NewSecret: true})
	if err != nil {
		t.Fatal(err)
	}
	who, err := d.Clients.Authenticate(t.Context(), client.Credentials{ID: id, Secret: c.Secret}, at("192.0.2.1"))
	if err != nil || who.Proven() != id {
		t.Fatal(id, err)
	}
	return who
}

func TestScopesFollowTheClient(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		unregistered := d.loginAt(t, "app") // before any is registered
		for _, id := range []string{"first", "reader", "later"} {
			d.addClient(t, client.Registration{Name: id, ID: id, Scopes: map[string][]string{"reader": {client.OwnDevicesRead}}[id]})
		}
		devices := map[string]token.Answer{"app": unregistered, "openid": d.deviceAt(t, "first", "openid")}
		for _, id := range []string{"first", "reader", "later"} {
			devices[id] = d.loginAt(t, id)
		}
		check := func(when string, want map[string]string) {
			t.Helper()
			for id, may := range want {
				d.advance(time.Minute)
				next, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: devices[id].RefreshToken, From: at("192.0.2.1")})
				if err != nil {
					t.Fatalf("%s, %s: %v", when, id, err)
				}
				if devices[id] = next; d.may(t, next.AccessToken) != may {
					t.Errorf("%s, %s: it may %s, want %s", when, id, d.may(t, next.AccessToken), may)
				}
			}
		}
		check("at first", map[string]string{"app": "wrca", "first": "wrca", "openid": "wrca", "reader": "wr", "later": "wrca"})
		before := devices["reader"]
		update := func(id string, scopes ...string) {
			t.Helper()
			if _, err := d.Clients.Update(t.Context(), id, client.Change{Scopes: scopes}); err != nil {
				t.Fatal(err)
			}
		}
		update("reader", "")
		update("later", "photos:read")
		check("changed", map[string]string{"reader": "wrca", "later": ""})
		if may := d.may(t, before.AccessToken); may != "wr" {
			t.Errorf("a token minted before may %s", may)
		}
		update("reader", client.OwnDevicesRead)
		for _, id := range []string{"first", "reader", "later"} {
			if err := d.Clients.Remove(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		// A removed client's devices are no first-party app's if anything was granted to them: they would get more than before.
		check("removed", map[string]string{"app": "wrca", "first": "wrca", "openid": "", "reader": "", "later": "wrca"})
		if may := d.may(t, before.AccessToken); may != "wr" {
			t.Errorf("a token minted before may %s", may)
		}
	})
}

func TestBackendScopesAreForConfidentialClients(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		refused := func(name string, err error, field string, says ...string) {
			t.Helper()
			refusal := auth.AsError(err)
			if refusal.Kind != auth.KindInvalidRequest || len(refusal.Fields) != 1 || refusal.Fields[0].Field != field {
				t.Errorf("%s: %v %+v", name, err, refusal.Fields)
				return
			}
			for _, text := range says {
				if !strings.Contains(refusal.Fields[0].Detail, text) {
					t.Errorf("%s: %q lacks %q", name, refusal.Fields[0].Detail, text)
				}
			}
		}
		for _, scope := range []string{"users:read", "users:anything", "users:", "credentials:write", "devices:write", "events:read"} {
			_, err := d.Clients.Add(t.Context(), client.Registration{Name: "Public", Scopes: []string{"own_devices:read", scope}})
			refused("add "+scope, err, "scope", `"`+scope+`"`, "--confidential")
		}
		for _, scope := range []string{"own_devices:write", "users", "devices:read", "devices:write2", "events:read:all", "my_users:read", "x:credentials:write"} {
			if _, err := d.Clients.Add(t.Context(), client.Registration{Name: "Public", Scopes: []string{scope}}); err != nil {
				t.Errorf("add %s: %v", scope, err)
			}
		}
		d.addClient(t, client.Registration{Name: "Public", ID: "public", Scopes: []string{"own_devices:read", "my_users:read"}})
		d.addClient(t, client.Registration{Name: "Backend", ID: "backend", Scopes: []string{"users:read"}, Confidential: true})
		update := func(id string, n client.Change) (client.Added, error) { return d.Clients.Update(t.Context(), id, n) }
		name := "New"
		for _, c := range []struct {
			name, id, field, says string
			client.Change
		}{
			{"a public client gets one", "public", "scope", `"devices:write" is for`, client.Change{Scopes: []string{"a devices:write"}, Name: &name}},
			{"a public client gets one and no secret", "public", "scope", `"users:read"`, client.Change{Scopes: []string{"users:read"}, Public: true}},
			{"a backend becomes public", "backend", "public", "users:read", client.Change{Public: true, Name: &name}},
			{"a backend becomes public with another", "backend", "scope", "events:read", client.Change{Public: true, Scopes: []string{"events:read"}}},
		} {
			before, _ := d.Clients.Find(t.Context(), c.id)
			_, err := update(c.id, c.Change)
			refused(c.name, err, c.field, c.says)
			if after, err := d.Clients.Find(t.Context(), c.id); err != nil || !reflect.DeepEqual(before, after) {
				t.Errorf("%s changed something: %+v %v", c.name, after, err)
			}
		}
		for _, c := range []struct {
			id string
			client.Change
		}{
			{"public", client.Change{Public: true}}, // "my_users:read" is not one of ours
			{"public", client.Change{Scopes: []string{"users:read"}, Confidential: true}},
			{"public", client.Change{Scopes: []string{"users:write"}}},
			{"public", client.Change{Scopes: []string{""}, Public: true}},
			{"backend", client.Change{Scopes: []string{"users:read events:read"}}},
			{"backend", client.Change{Scopes: []string{"own_devices:read"}, Public: true}},
		} {
			if _, err := update(c.id, c.Change); err != nil {
				t.Errorf("%s, %+v: %v %+v", c.id, c.Change, err, auth.AsError(err).Fields)
			}
		}
		if _, err := update("none", client.Change{Scopes: []string{"users:read"}}); auth.AsError(err).Kind != auth.KindNotFound {
			t.Errorf("an unknown client: %v", err)
		}
	})
}

// No one gets the scope of account acts by being registered for it, not even a client that was registered before there was such a scope.
func TestTheScopeOfAccountActsIsOfFirstPartyAppsAlone(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		refused := func(err error) {
			t.Helper()
			if e := auth.AsError(err); e.Kind != auth.KindInvalidRequest || len(e.Fields) != 1 || !strings.Contains(e.Fields[0].Detail, "first-party") {
				t.Errorf("%v %+v", err, e.Fields)
			}
		}
		for _, confidential := range []bool{false, true} {
			_, err := d.Clients.Add(t.Context(), client.Registration{Name: "Third", Scopes: []string{"photos:read " + client.OwnAccountWrite}, Confidential: confidential})
			refused(err)
		}
		d.addClient(t, client.Registration{Name: "Third", ID: "third", Scopes: []string{"photos:read"}})
		_, err := d.Clients.Update(t.Context(), "third", client.Change{Scopes: []string{client.OwnAccountWrite}})
		refused(err)
		old := models.Client{ID: "old", Name: "Old", Scopes: "own_account:write own_devices:write"}
		if err := store.AddClient(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		d.advance(time.Minute)
		for id, want := range map[string]string{"third": "", "old": "wc"} {
			for _, granted := range []string{"", client.OwnAccountWrite, "openid " + client.OwnAccountWrite} {
				if may := d.may(t, d.deviceAt(t, id, granted).AccessToken); may != want {
					t.Errorf("%s with %q may %s, want %s", id, granted, may, want)
				}
			}
		}
	})
}
