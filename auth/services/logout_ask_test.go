package services_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/browser"
	"latchkey/auth/logout"
	"latchkey/models"
	"latchkey/models/modelstest"
)

const (
	bye        = "https://told.example/bye"
	privateBye = "com.example.told:/bye"
	otherBye   = "https://untold.example/bye"
)

func wish(hint, client, uri, state string) logout.Request {
	return logout.Request{IDTokenHint: hint, ClientID: client, PostLogoutURI: uri, State: state}
}

// What cannot be verified is as if the app had not said it.
func TestAnAppsWishForASignOutIsVerified(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.listen(t)
		ada, eve := d.member(t, "person@example.com"), d.member(t, "eve@example.com")
		hers := func(change map[string]any) string {
			claims := d.idClaims(ada.ID, "told", ada.told.DeviceID)
			maps.Copy(claims, change)
			return d.idTokenOf(t, "JWT", claims)
		}
		hint := hers(nil)
		head, rest, _ := strings.Cut(hint, ".")
		payload, signature, _ := strings.Cut(rest, ".")
		encode := base64.RawURLEncoding.EncodeToString
		evil := encode([]byte(`{"iss":"https://id.example.com","sub":"` + ada.ID.String() + `","aud":"untold","sid":"` + ada.told.DeviceID.String() + `"}`))
		unsigned := encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + payload + "."
		mac := hmac.New(sha256.New, []byte(d.keyID(t)))
		symmetric := encode([]byte(`{"alg":"HS256","typ":"JWT","kid":"`+d.keyID(t)+`"}`)) + "." + payload
		mac.Write([]byte(symmetric))
		symmetric += "." + encode(mac.Sum(nil))

		for name, c := range map[string]struct {
			logout.Request
			by     *browser.Session
			client string
			app    uuid.UUID
			leads  string
		}{
			"all of it":                            {wish(hint, "told", bye, "a b&c"), ada.by, "told", ada.told.DeviceID, bye + "?state=a+b%26c"},
			"the hint":                             {wish(hint, "", "", ""), ada.by, "told", ada.told.DeviceID, ""},
			"the hint alone tells whose URI it is": {wish(hint, "", privateBye, "x"), ada.by, "told", ada.told.DeviceID, privateBye + "?state=x"},
			"no one is signed in":                  {wish(hint, "told", bye, ""), nil, "told", ada.told.DeviceID, bye},
			"a client without a hint":              {wish("", "told", bye, "x"), ada.by, "told", uuid.Nil, bye + "?state=x"},
			"nothing":                              {wish("", "", "", ""), ada.by, "", uuid.Nil, ""},
			"an expired hint":                      {wish(hers(map[string]any{"exp": d.now().Add(-90 * 24 * time.Hour).Unix()}), "", bye, ""), ada.by, "told", ada.told.DeviceID, bye},
			"a list of one audience":               {wish(hers(map[string]any{"aud": []string{"told"}}), "", bye, ""), ada.by, "told", ada.told.DeviceID, bye},

			"a hint of another account":     {wish(d.idToken(t, eve.ID, "told", eve.told.DeviceID), "told", bye, ""), ada.by, "told", uuid.Nil, bye},
			"her device in another's token": {wish(d.idToken(t, eve.ID, "told", ada.told.DeviceID), "told", "", ""), nil, "told", uuid.Nil, ""},
			"a hint of another client":      {wish(hint, "untold", otherBye, ""), ada.by, "", uuid.Nil, ""},
			"another client's device":       {wish(d.idToken(t, ada.ID, "told", ada.untold.DeviceID), "", bye, ""), ada.by, "told", uuid.Nil, bye},
			"a browser in the hint":         {wish(d.idToken(t, ada.ID, "told", ada.by.Device.ID), "", "", ""), ada.by, "told", uuid.Nil, ""},
			"two audiences":                 {wish(hers(map[string]any{"aud": []string{"told", "untold"}}), "", bye, ""), ada.by, "", uuid.Nil, ""},
			"a client that is not there":    {wish(hers(map[string]any{"aud": "none"}), "", bye, ""), ada.by, "", uuid.Nil, ""},

			"a changed hint":               {wish(head+"."+evil+"."+signature, "", otherBye, ""), ada.by, "", uuid.Nil, ""},
			"a changed hint with a client": {wish(head+"."+evil+"."+signature, "told", bye, ""), ada.by, "told", uuid.Nil, bye},
			"no signature":                 {wish(unsigned, "", bye, ""), ada.by, "", uuid.Nil, ""},
			"a symmetric signature":        {wish(symmetric, "", bye, ""), ada.by, "", uuid.Nil, ""},
			"an access token":              {wish(ada.told.AccessToken, "", bye, ""), ada.by, "", uuid.Nil, ""},
			"a logout token":               {wish(d.idTokenOf(t, "logout+jwt", d.idClaims(ada.ID, "told", ada.told.DeviceID)), "", bye, ""), ada.by, "", uuid.Nil, ""},
			"another issuer":               {wish(hers(map[string]any{"iss": "https://evil.example"}), "", bye, ""), ada.by, "", uuid.Nil, ""},
			"no session":                   {wish(hers(map[string]any{"sid": ""}), "", bye, ""), ada.by, "", uuid.Nil, ""},
			"a line break":                 {wish(hint[:10]+"\n"+hint[10:], "", bye, ""), ada.by, "", uuid.Nil, ""},
			"a very long hint":             {wish(hers(map[string]any{"x": strings.Repeat("x", 8<<10)}), "", bye, ""), ada.by, "", uuid.Nil, ""},
			"no token":                     {wish("lk1.x", "", bye, ""), ada.by, "", uuid.Nil, ""},

			"a foreign URI":           {wish(hint, "", "https://evil.example/", ""), ada.by, "told", ada.told.DeviceID, ""},
			"another client's URI":    {wish(hint, "", otherBye, ""), ada.by, "told", ada.told.DeviceID, ""},
			"a longer path":           {wish(hint, "", bye+"/x", ""), ada.by, "told", ada.told.DeviceID, ""},
			"a query":                 {wish(hint, "", bye+"?next=https://evil.example", ""), ada.by, "told", ada.told.DeviceID, ""},
			"a user":                  {wish(hint, "", "https://told.example@evil.example/bye", ""), ada.by, "told", ada.told.DeviceID, ""},
			"a script":                {wish(hint, "", "javascript:alert(1)//told.example/bye", ""), ada.by, "told", ada.told.DeviceID, ""},
			"a document":              {wish(hint, "", "data:text/html,x", ""), ada.by, "told", ada.told.DeviceID, ""},
			"a URI without its app":   {wish("", "", bye, ""), ada.by, "", uuid.Nil, ""},
			"a URI of another scheme": {wish(hint, "", "http://told.example/bye", ""), ada.by, "told", ada.told.DeviceID, ""},
		} {
			q, err := d.Logout.Ask(t.Context(), c.Request, c.by)
			client, app := "", uuid.Nil
			if q.Client != nil {
				client = q.Client.ID
			}
			if q.App != nil {
				app = q.App.ID
			}
			if err != nil || client != c.client || app != c.app || q.Return != c.leads || q.By != c.by {
				t.Errorf("%s: client %q, app %s, leads to %q (%v), want %q, %s, %q", name, client, app, q.Return, err, c.client, c.app, c.leads)
			}
		}

		// What the page did not offer cannot be ended either.
		_, err := d.Logout.End(t.Context(), logout.Request{IDTokenHint: d.idToken(t, eve.ID, "told", eve.told.DeviceID)}, ada.by, logout.Ends{App: true, Browser: true}, at("192.0.2.1"))
		if err != nil || d.isOut(eve.told.RefreshToken) || d.isOut(ada.told.RefreshToken) {
			t.Errorf("a hint of another account ended an app (%v)", err)
		}
		if q, err := d.Logout.Ask(t.Context(), logout.Request{IDTokenHint: hint}, nil); err != nil || q.App == nil {
			t.Errorf("her app: %+v %v", q, err)
		}
		if _, err := d.store.Device(t.Context(), ada.ID, ada.by.Device.ID); err != nil {
			t.Fatal(err)
		}
	})
}

// A hint that a former key signed is good as long as the process knows the key.
func TestAHintOutlivesTheKeyThatSignedIt(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.listen(t)
		m := d.member(t, "person@example.com")
		hint := d.idToken(t, m.ID, "told", m.told.DeviceID)
		known := func(when string, want bool) {
			t.Helper()
			if q, err := d.Logout.Ask(t.Context(), logout.Request{IDTokenHint: hint}, nil); err != nil || (q.App != nil) != want {
				t.Errorf("%s: the hint is known: %v, want %v (%v)", when, q.App != nil, want, err)
			}
		}
		if err := d.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		known("after a rotation", true)
		d.advance(2 * time.Hour)
		known("when its key is retired", true)
		for range 2 { // the first deletes the key
			if err := d.Keys.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		known("when its key is deleted", false)
	})
}

func (d *desk) keyID(t *testing.T) string {
	t.Helper()
	key, err := d.Keys.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return key.ID
}
