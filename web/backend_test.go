package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/keys"
	"latchkey/auth/resource"
	"latchkey/models"
)

// newBackendOf is a backend of a site.
func newBackendOf(t *testing.T, s *site, scopes ...string) *backend {
	t.Helper()
	return newProbe(t, s, &ledger{answers: map[string]map[string]bool{}, bodies: map[string]bool{}}).newBackend(scopes...)
}

func TestABackendsTokenOpensNothingElse(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := newBackendOf(t, s)
		for _, path := range []string{"/api/whoami", "/api/devices", "/oauth/userinfo"} {
			if r := s.request(http.MethodGet, path, "", bearer(b.access)...); r.status != http.StatusUnauthorized {
				t.Errorf("%s: %d", path, r.status)
			}
		}
		shop := newShop(t, s, func(c *resource.Config) { c.Audience = s.URL }) // the issuer itself, which the tokens of apps name, too
		shop.becomes(http.StatusOK, "Bearer", s.login("phone").access)
		if r := shop.buy("Bearer", b.access, ""); r.status != http.StatusUnauthorized {
			t.Errorf("a resource server takes it: %d", r.status)
		}
		if r := s.request(http.MethodPost, "/oauth/introspect", `{"token":"`+b.access+`"}`, append(basicOf(b.id, b.secret), "Content-Type", jsonType)...); !strings.Contains(r.body, `{"active":false}`) {
			t.Errorf("introspection: %s", r.body)
		}
	})
}

func TestABackendMayDoWhatItsClientMayNow(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := newBackendOf(t, s)
		change := func(c client.Change) {
			t.Helper()
			if _, err := s.auth.Clients.Update(t.Context(), b.id, c); err != nil {
				t.Fatal(err)
			}
			s.clock.Advance(client.ReadEvery)
		}
		change(client.Change{Scopes: []string{client.EventsRead}})
		if r := b.do(true, http.MethodGet, "/api/admin/users", ""); r.status != http.StatusForbidden {
			t.Errorf("without the scope: %d", r.status)
		}
		if r := b.do(true, http.MethodGet, "/api/admin/events", ""); r.status != http.StatusOK {
			t.Errorf("with the scope: %d", r.status)
		}
		if err := s.auth.Clients.Remove(t.Context(), b.id); err != nil {
			t.Fatal(err)
		}
		if r := b.do(true, http.MethodGet, "/api/admin/events", ""); r.status != http.StatusUnauthorized {
			t.Errorf("a removed client: %d", r.status)
		}
		reader := newBackendOf(t, s, client.UsersWrite)
		if r := reader.do(true, http.MethodPost, "/api/admin/users", `{"email":"new@example.com","password":"a fine day at the sea"}`); r.status != http.StatusForbidden {
			t.Errorf("a password without credentials:write: %d", r.status)
		}
		if r := reader.do(true, http.MethodPatch, "/api/admin/users/"+reader.user, `{"email":"new@example.com"}`); r.status != http.StatusForbidden {
			t.Errorf("an e-mail address without credentials:write: %d", r.status)
		}
	})
}

// A client that only acts for itself does not close the server to other apps, and people cannot sign in to it.
func TestABackendIsNoApp(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		newBackendOf(t, s)
		s.clock.Advance(client.ReadEvery)
		s.login("any app")
	})
}

func TestPeopleSeeWhatABackendDoes(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := newBackendOf(t, s.site)
		ada := s.signedIn()
		s.mails() // of the sign-ins
		user := "/api/admin/users/" + b.user
		for _, act := range []struct{ method, path, body string }{
			{http.MethodDelete, user + "/devices/" + b.device, ""},
			{http.MethodPatch, user, `{"external_id":"4711","metadata":{"plan":"gold"}}`},
			{http.MethodPatch, user, `{"external_id":"4711","metadata":{"plan":"gold"}}`}, // the same again tells nothing
			{http.MethodPost, user + "/password/reset", ""},
			{http.MethodPatch, user, `{"email":"ada@example.net"}`},
		} {
			if r := b.do(true, act.method, act.path, act.body); r.status >= 300 {
				t.Fatalf("%s %s: %d %s", act.method, act.path, r.status, r.body)
			}
		}
		if list := s.mails(); len(list) != 3 { // the link, and the change to both e-mail addresses
			t.Errorf("%d mails: %+v", len(list), list)
		}
		text := ada.shown("/activity").text()
		for _, sentence := range []string{
			"An administrator signed out “of the backend's person”.", "An administrator’s system changed what it keeps about your account.",
			"An administrator had a link e-mailed to you to choose a new password.", "An administrator changed your e-mail address.",
		} {
			if strings.Count(text, sentence) != 1 {
				t.Errorf("the activity does not say once %q", sentence)
			}
		}
		s.clock.Advance(time.Minute)
		feed := b.do(true, http.MethodGet, "/api/admin/events?limit=500", "")
		if n := strings.Count(feed.body, `"actor":"client","actor_client_id":"`+b.id+`"`); n != 4 {
			t.Errorf("%d events name the client: %s", n, feed.body)
		}
		if r := b.do(true, http.MethodDelete, user, ""); r.status != http.StatusNoContent {
			t.Fatalf("deletion: %d %s", r.status, r.body)
		}
		if m := s.mail(); m.To != "ada@example.net" || !strings.Contains(m.Text, "An administrator deleted your account.") || strings.Contains(m.Text, "knows your password") {
			t.Errorf("farewell to %s: %s", m.To, m.Text)
		}
	})
}

// A consumer that ends the session of device_id must not end that of the app that asked for an act on the whole account: it stays signed in.
func TestEventsOfAWholeAccountNameNoDevice(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		backend, a, b := newBackendOf(t, s.site), s.login("a"), s.login("b")
		if r := s.actOn(http.MethodDelete, a, b.id, withConfirmation(s.confirmed(a))); r.status != http.StatusNoContent {
			t.Fatalf("%d %s", r.status, r.body)
		}
		s.login("c")
		for _, name := range []string{"the others", "the address", "the password"} {
			if r := s.accountAct(a, name, s.confirmed(a)); r.status >= 300 {
				t.Fatalf("%s: %d %s", name, r.status, r.body)
			}
		}
		s.clock.Advance(time.Minute)
		type event struct {
			Kind       models.EventKind
			DeviceID   *string `json:"device_id"`
			DeviceName string  `json:"device_name"`
		}
		var feed struct{ Items []event }
		if err := json.Unmarshal([]byte(backend.do(true, http.MethodGet, "/api/admin/events?limit=500", "").body), &feed); err != nil {
			t.Fatal(err)
		}
		told := map[models.EventKind]event{}
		for _, e := range feed.Items {
			told[e.Kind] = e
		}
		if e := told[models.EventDeviceRevoked]; e.DeviceID == nil || *e.DeviceID != b.id || e.DeviceName != "b" {
			t.Errorf("one device: %+v", e)
		}
		for _, kind := range []models.EventKind{models.EventDevicesRevoked, models.EventEmailAsked, models.EventPasswordChanged} {
			if e, ok := told[kind]; !ok || e.DeviceID != nil || e.DeviceName != "" {
				t.Errorf("%s: %v %+v", kind, ok, e)
			}
			s.causedBy(kind, a) // as the person reads it
		}
	})
}

func TestAnInvitedPersonOfABackendChoosesAPassword(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := newBackendOf(t, s.site)
		made := b.do(true, http.MethodPost, "/api/admin/users", `{"email":"grace@example.com","invite":true}`)
		if made.status != http.StatusCreated || made.header.Get("Location") != s.URL+"/api/admin/users/"+made.text(t, "id") {
			t.Fatalf("%d %v %s", made.status, made.header, made.body)
		}
		invitation := s.link(s.mail())
		if r := b.do(true, http.MethodPost, "/api/admin/users/"+made.text(t, "id")+"/password/reset", ""); r.status != http.StatusNoContent {
			t.Errorf("%d %s", r.status, r.body)
		}
		if again := s.link(s.mail()); again == invitation || !strings.Contains(again, "/invite") {
			t.Errorf("the second mail leads to %s", again)
		}
	})
}

// A repeated request makes no second account, at whatever time and however many come at once.
func TestACreationThatIsSentAgainIsTheSame(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := newBackendOf(t, s)
		const body = `{"email":"grace@example.com","password":"a walk in the hills","metadata":{"b":1,"a":[2]}}`
		var all sync.WaitGroup
		ids := make([]string, 8)
		for i := range ids {
			all.Go(func() {
				r := s.request(http.MethodPost, "/api/admin/users", body, append(bearer(b.access), "Content-Type", jsonType, "Idempotency-Key", "order 1")...)
				if r.status != http.StatusCreated {
					t.Errorf("%d %s", r.status, r.body)
					return
				}
				ids[i] = r.text(t, "id")
			})
		}
		all.Wait()
		for _, id := range ids {
			if id != ids[0] || id == "" {
				t.Errorf("accounts %q", ids)
			}
		}
		if r := b.do(true, http.MethodGet, "/api/admin/users?email=Grace%40example.com", ""); strings.Count(r.body, `"id"`) != 1 || !strings.Contains(r.body, `{"b":1,"a":[2]}`) {
			t.Errorf("%s", r.body)
		}
		if r := s.tryLogin("grace@example.com", "a walk in the hills", "phone"); r.status != http.StatusOK {
			t.Errorf("the password: %d %s", r.status, r.body)
		}
	})
}

// Every page of a list leads to the next, and each account is on one.
func TestABackendReadsAllAccounts(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := newBackendOf(t, s)
		for _, name := range numbered("person%d@example.com", 7) {
			s.addUser(name, evePassword)
		}
		s.clock.Advance(time.Minute)
		found, cursor := 0, ""
		for pages := 0; pages < 10; pages++ {
			r := b.do(true, http.MethodGet, "/api/admin/users?limit=3"+cursor, "")
			found += strings.Count(r.body, `"email":`)
			next, ok := r.json(t)["next"].(string)
			if !ok {
				break
			}
			cursor = "&cursor=" + next
		}
		if found != 8 {
			t.Errorf("%d accounts", found)
		}
		if r := b.do(true, http.MethodGet, "/api/admin/users?changed_since="+s.clock.Now().Format("2006-01-02T15:04:05Z"), ""); r.body != `{"items":[],"next":null}`+"\n" && r.body != `{"items":[],"next":null}` {
			t.Errorf("since now: %s", r.body)
		}
	})
}

// A generated password and a required change ask the same of an app.
func TestARequiredChangeHoldsForApps(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := newBackendOf(t, s)
		phone := s.login("phone")
		if r := b.do(true, http.MethodPost, "/api/admin/users/"+b.user+"/password/require-change", ""); r.status != http.StatusNoContent {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if r := s.tryLogin(adaEmail, adaPassword, "another"); r.status != http.StatusForbidden || !strings.Contains(r.body, "password_change_required") {
			t.Errorf("a sign-in: %d %s", r.status, r.body)
		}
		s.refreshed(phone.refresh) // it stays signed in
		if u, err := s.auth.Operator.FindUser(t.Context(), adaEmail); err != nil || !u.MustChoosePassword() || u.Role != models.RoleUser {
			t.Errorf("%v %+v", err, u)
		}
	})
}

func TestABackendsMistakesChangeNothing(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := newBackendOf(t, s)
		user := "/api/admin/users/" + b.user
		if r := b.do(true, http.MethodPatch, user, `{"disabled":true}`); r.status != http.StatusOK {
			t.Fatal(r.body)
		}
		for body, status := range map[string]int{
			`{"disabled":null}`: 422, `{"email":null}`: 422, `null`: 400, `[]`: 400, `{"metadata":{"n":1e999999}}`: 422, `{"metadata":{"a":1,"a":2}}`: 400,
			`{"disabled":false,"disabled":true}`: 400, `{"metadata":"` + strings.Repeat("x", 5000) + `"}`: 422, `{"external_id":" 1"}`: 422,
		} {
			if r := b.do(false, http.MethodPatch, user, body); r.status != status {
				t.Errorf("%.40s: %d %s", body, r.status, r.body)
			}
		}
		for _, query := range []string{"?email=", "?external_id=", "?email=a%40example.com&external_id=1"} {
			if r := b.do(false, http.MethodGet, "/api/admin/users"+query, ""); r.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s", query, r.status, r.body)
			}
		}
		if r := b.do(true, http.MethodGet, user, ""); !strings.Contains(r.body, `"disabled":true`) || !strings.Contains(r.body, `"metadata":{}`) || !strings.Contains(r.body, `"external_id":null`) {
			t.Errorf("afterwards: %s", r.body)
		}
	})
}

// An import over HTTP is the one of the command line: whole accounts, in the order of the request, and the same again changes nothing.
func TestABackendImportsAccounts(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := newBackendOf(t, s)
		const body = `{"users":[{"email":"grace@example.com","external_id":"1","password_hash":"$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m"},
			{"email":"no address"},{"email":"ada@example.com"},{"emial":"x@example.com"},{"email":"grace@example.com"}]}`
		outcomes := func(body string) string {
			t.Helper()
			r := b.do(false, http.MethodPost, "/api/admin/imports", body)
			if r.status != http.StatusOK {
				t.Fatalf("%d %s", r.status, r.body)
			}
			var list []string
			for _, one := range r.json(t)["results"].([]any) {
				list = append(list, one.(map[string]any)["outcome"].(string))
			}
			return strings.Join(list, " ")
		}
		if got := outcomes(strings.Replace(body, `]}`, `],"dry_run":true}`, 1)); got != "created refused present refused present" {
			t.Errorf("judged: %s", got)
		}
		if r := b.do(true, http.MethodGet, "/api/admin/users?external_id=1", ""); strings.Contains(r.body, "grace") {
			t.Errorf("a dry run: %s", r.body)
		}
		if got := outcomes(body); got != "created refused present refused present" {
			t.Errorf("imported: %s", got)
		}
		if got := outcomes(body); got != "present refused present refused present" {
			t.Errorf("again: %s", got)
		}
		if r := b.do(true, http.MethodGet, "/api/admin/users?external_id=1", ""); !strings.Contains(r.body, "grace@example.com") {
			t.Errorf("by its id: %s", r.body)
		}
		for _, wrong := range []string{`{"users":[]}`, `{}`, `{"users":[` + strings.Repeat(`{},`, 500) + `{}]}`} {
			if r := b.do(false, http.MethodPost, "/api/admin/imports", wrong); r.status != http.StatusUnprocessableEntity {
				t.Errorf("%.30s: %d %s", wrong, r.status, r.body)
			}
		}
		writer := newBackendOf(t, s, client.UsersWrite)
		if r := writer.do(true, http.MethodPost, "/api/admin/imports", `{"users":[{"email":"x@example.com"}]}`); r.status != http.StatusForbidden {
			t.Errorf("without credentials:write: %d", r.status)
		}
	})
}

// A token with our signature opens the API for backends only if it is meant for it, and says of itself what a client's own token says.
func TestNoOtherTokenOfOursIsABackends(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := newBackendOf(t, s)
		key, err := s.auth.Keys.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(claims map[string]any){
			"as it should be": func(map[string]any) {},
			"for this server": func(c map[string]any) { c["aud"] = s.URL }, "for two servers": func(c map[string]any) { c["aud"] = []string{s.URL + "/api/admin", s.URL} },
			"of another issuer": func(c map[string]any) { c["iss"] = "https://evil.example" }, "of a person": func(c map[string]any) { c["sub"] = b.user },
			"of a device": func(c map[string]any) { c["sid"] = b.device }, "too old": func(c map[string]any) { c["exp"] = s.clock.Now().Add(-time.Minute).Unix() },
			"of an unknown client": func(c map[string]any) { c["sub"], c["client_id"] = "other", "other" },
		} {
			claims := map[string]any{
				"iss": s.URL, "sub": b.id, "client_id": b.id, "aud": s.URL + "/api/admin", "scope": client.UsersRead, "jti": name,
				"iat": s.clock.Now().Unix(), "exp": s.clock.Now().Add(time.Minute).Unix(),
			}
			change(claims)
			signed, err := keys.Sign(key, "at+jwt", claims)
			if err != nil {
				t.Fatal(err)
			}
			want := http.StatusUnauthorized
			if name == "as it should be" {
				want = http.StatusOK
			}
			if r := s.request(http.MethodGet, "/api/admin/users", "", bearer(signed)...); r.status != want {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
	})
}
