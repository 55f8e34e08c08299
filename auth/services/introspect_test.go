package services_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
)

func TestAConfidentialClientIntrospectsTokens(t *testing.T) {
	eachCounted(t, func(t *testing.T, store *models.Store, statements *atomic.Int64) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.StatusTTL, c.MaxRefreshes = 30*time.Second, 5 })
		const cb = "https://app.example.com/cb"
		d.addClient(t, client.Registration{Name: "Photos", ID: "photos", Confidential: true})
		d.addClient(t, client.Registration{Name: "Web", ID: "web", Confidential: true, RedirectURIs: []string{cb}, Scopes: []string{client.OwnDevicesRead}})
		d.addClient(t, client.Registration{Name: "Notes", ID: "notes"})
		photos, web := d.proven(t, "photos"), d.proven(t, "web")
		// ask returns the answer as it is on the wire, and what it cost.
		ask := func(by client.Identity, presented string) (map[string]any, int64) {
			t.Helper()
			if _, err := d.Clients.Apps(t.Context()); err != nil { // the clients are read at most every 10 seconds
				t.Fatal(err)
			}
			before := statements.Load()
			i, err := d.Tokens.Introspect(t.Context(), presented, by)
			if err != nil {
				t.Fatal(err)
			}
			cost := statements.Load() - before
			b, err := json.Marshal(i)
			if err != nil {
				t.Fatal(err)
			}
			m := map[string]any{}
			if err := json.Unmarshal(b, &m); err != nil {
				t.Fatal(err)
			}
			return m, cost
		}
		inactive := func(name string, by client.Identity, presented string, cost int64) {
			t.Helper()
			if m, n := ask(by, presented); !reflect.DeepEqual(m, map[string]any{"active": false}) || n != cost {
				t.Errorf("%s: %v, %d statements", name, m, n)
			}
		}
		active := func(name string, by client.Identity, presented string) map[string]any {
			t.Helper()
			m, n := ask(by, presented)
			if m["active"] != true || n != 1 {
				t.Errorf("%s: %v, %d statements", name, m, n)
			}
			return m
		}

		phone, page := d.loginAt(t, "notes"), d.loginAt(t, "web")
		claims := written(t, phone.AccessToken)
		m := active("a first-party app's access token", photos, phone.AccessToken)
		for _, name := range []string{"sub", "aud", "iss", "exp", "iat", "jti", "sid", "client_id", "auth_time", "acr", "amr"} {
			if !reflect.DeepEqual(m[name], claims[name]) || m[name] == nil {
				t.Errorf("%s is %v, in the token %v", name, m[name], claims[name])
			}
		}
		if len(m) != 13 || m["token_type"] != "Bearer" || strings.Contains(strings.ToLower(toJSON(t, m)), "ada@") {
			t.Errorf("%v", m)
		}
		if m := active("a scoped client's access token", photos, page.AccessToken); m["scope"] != "own_devices:read" {
			t.Errorf("%v", m)
		}
		row, err := store.Device(t.Context(), d.ada.ID, phone.DeviceID)
		if err != nil {
			t.Fatal(err)
		}
		bound, _, err := d.Tokens.MintAccess(t.Context(), row, "thumbprint")
		if err != nil {
			t.Fatal(err)
		}
		if m := active("a bound access token", photos, bound); m["token_type"] != "DPoP" || !reflect.DeepEqual(m["cnf"], map[string]any{"jkt": "thumbprint"}) {
			t.Errorf("%v", m)
		}

		// A device token is its own client's business, and introspection uses nothing up.
		spent := page.RefreshToken
		for range 3 {
			m := active("its own device token", web, page.RefreshToken)
			if m["client_id"] != "web" || m["sid"] != page.DeviceID.String() || m["scope"] != "own_devices:read" || m["token_type"] != nil || m["aud"] != nil || len(m) != 7 {
				t.Errorf("%v", m)
			}
		}
		inactive("another client's device token", photos, page.RefreshToken, 1)
		inactive("a public client's device token", photos, phone.RefreshToken, 1)
		refresh := func() {
			t.Helper()
			d.advance(time.Minute)
			if page, err = d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: page.RefreshToken, Client: web, From: at("192.0.2.1")}); err != nil {
				t.Fatal(err)
			}
		}
		refresh()
		active("the token before, whose answer may be lost", web, spent)
		refresh()
		inactive("a token that was used before", web, spent, 1)
		active("which signs nobody out", web, page.RefreshToken)
		for range 3 {
			refresh()
		}
		if m, _ := ask(web, page.RefreshToken); m["active"] != false {
			t.Errorf("past the limit of refreshes: %v", m)
		}

		for name, presented := range map[string]string{
			"garbage": "x", "a cut token": phone.AccessToken[:len(phone.AccessToken)-2], "a cut device token": phone.RefreshToken[:40], "no signature": strings.Join(strings.Split(phone.AccessToken, ".")[:2], ".") + ".",
			"two": phone.AccessToken + " " + phone.AccessToken, "NUL": "\x00",
		} {
			inactive(name, photos, presented, 0)
		}
		stranger := d.config
		stranger.Audience, stranger.Issuer = "https://other.example.com", "https://other.example.com"
		foreign, err := services.New(store, stranger)
		if err != nil {
			t.Fatal(err)
		}
		if err := foreign.Keys.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		elsewhere, _, err := foreign.Tokens.MintAccess(t.Context(), row, "")
		if err != nil {
			t.Fatal(err)
		}
		inactive("another issuer's token", photos, elsewhere, 0)

		// Only a client that authenticated may ask.
		public, err := d.Clients.Authenticate(t.Context(), client.Credentials{ID: "notes"}, at("192.0.2.1"))
		if err != nil {
			t.Fatal(err)
		}
		for name, by := range map[string]client.Identity{"nobody": {}, "a public client": public} {
			for _, presented := range []string{phone.AccessToken, phone.RefreshToken, "x", ""} {
				if i, err := d.Tokens.Introspect(t.Context(), presented, by); auth.AsError(err).Kind != auth.KindInvalidClient || i.Active {
					t.Errorf("%s: %+v %v", name, i, err)
				}
			}
		}
		if _, err := d.Tokens.Introspect(t.Context(), "", photos); auth.AsError(err).Kind != auth.KindInvalidRequest {
			t.Errorf("no token: %v", err)
		}

		// The answer is of now: no status list is waited for.
		phone = d.loginAt(t, "notes")
		if err := d.Tokens.Revoke(t.Context(), token.RefreshRequest{Token: phone.RefreshToken, From: at("192.0.2.1")}); err != nil {
			t.Fatal(err)
		}
		inactive("a device that was signed out", photos, phone.AccessToken, 1)
		phone = d.loginAt(t, "notes")
		d.advance(15 * time.Minute)
		inactive("an access token past its end", photos, phone.AccessToken, 0)
		phone = d.loginAt(t, "notes")
		if _, err := d.Operator.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		inactive("a disabled account's", photos, phone.AccessToken, 1)
		inactive("a disabled account's device token", web, page.RefreshToken, 1)

		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if i, err := d.Tokens.Introspect(t.Context(), phone.AccessToken, photos); auth.AsError(err).Kind != auth.KindUnavailable || i.Active {
			t.Errorf("without a database: %+v %v", i, err)
		}
	})
}

func toJSON(t *testing.T, value any) string {
	t.Helper()
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
