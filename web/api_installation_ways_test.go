package web_test

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/client"
	"latchkey/models"
)

// approved is a code for a request of notes, which ada allows.
func (b *browser) approved(request url.Values) string {
	b.t.Helper()
	page := b.get("/oauth/authorize?" + request.Encode()).header.Get("Location")
	return b.answered(b.allows(page), notesURI).Get("code")
}

func (s *site) redeemWith(code string, more ...string) reply {
	s.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {notesURI}, "code_verifier": {grantVerifier}, "client_id": {"notes"}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return s.postForm("/oauth/token", form)
}

// Through the browser an app names its installation where it pushes its request, or where it redeems the code.
func TestAnAppTakesItsOldPlaceThroughTheBrowser(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		b := s.signedIn()
		first := newPhone(t, s.redeemWith(b.approved(asked()), "installation_id", installationID))
		push := func(more ...string) url.Values {
			r := s.postForm("/oauth/par", asked(append(more, "installation_id", installationID)...))
			if r.status != http.StatusCreated {
				t.Fatalf("%d %s", r.status, r.body)
			}
			return url.Values{"client_id": {"notes"}, "request_uri": {r.text(t, "request_uri")}}
		}
		second := newPhone(t, s.redeemWith(b.approved(push("old_refresh_token", first.refresh))))
		if second.name != first.name || second.id == first.id {
			t.Errorf("pushed: %q after %q", second.name, first.name)
		}
		s.refused(first.refresh, "revoked")
		third := newPhone(t, s.redeemWith(b.approved(push()), "installation_id", otherInstallationID, "old_refresh_token", second.refresh))
		if third.name == second.name {
			t.Error("what comes with the code counts, and that is another installation")
		}
		code := b.approved(asked())
		s.redeemWith(code, "installation_id", "x").wantsOAuth(t, "no UUID", "invalid_request")
		fourth := newPhone(t, s.redeemWith(code, "installation_id", installationID, "old_refresh_token", second.refresh))
		if fourth.name != second.name {
			t.Errorf("redeemed: %q after %q", fourth.name, second.name)
		}
		s.refused(second.refresh, "revoked")
		s.refreshed(third.refresh)
	})
}

func TestATelevisionTakesItsOldPlace(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		tv := s.television()
		p := &probe{site: s, t: t}
		signIn := func(more ...string) phone {
			device, user := s.deviceCodes(tv)
			p.answer(user, true)
			form := url.Values{"grant_type": {deviceGrant}, "device_code": {device}, "client_id": {tv}, "installation_id": {installationID}}
			for i := 0; i < len(more); i += 2 {
				form.Set(more[i], more[i+1])
			}
			return newPhone(t, s.postForm("/oauth/token", form))
		}
		first := signIn()
		s.clock.Advance(time.Minute)
		second := signIn("old_refresh_token", first.refresh)
		if second.name != first.name {
			t.Errorf("%q after %q", second.name, first.name)
		}
		s.refused(first.refresh, "revoked")
		s.refreshed(second.refresh)
	})
}

// The installation goes through the second step, a passkey alone, and a choice among too many devices.
func TestAnAppTakesItsOldPlaceAfterASecondStep(t *testing.T) {
	eachOfTwo(t, func(t *testing.T, s *site) {
		o := s.owner()
		app := o.addAuthenticator()
		finish := func(challenge string) reply { return s.step(challenge, "totp", app.next(s)) }
		half := func(more ...string) string {
			r := s.tryInstalled("phone", installationID, more...)
			r.wants(t, "half", http.StatusForbidden, "second_factor_required")
			return r.text(t, "challenge")
		}
		first := newPhone(t, finish(half()))
		second := newPhone(t, finish(half("old_refresh_token", first.refresh)))
		if second.name != "phone" {
			t.Errorf("%q", second.name)
		}
		s.refused(first.refresh, "revoked")

		key := o.addPasskey(app.next(s))
		start := s.postJSON("/api/login/passkey", map[string]string{"device_name": "x", "installation_id": installationID, "old_refresh_token": second.refresh})
		third := newPhone(t, s.stepWith("/api/login/factor", start.text(t, "challenge"), key.answer(start)))
		if third.name != "phone" {
			t.Errorf("%q with a passkey", third.name)
		}
		s.refused(second.refresh, "revoked")

		other := newPhone(t, finish(half()))
		_, challenge := finish(half()).offered(t)
		fourth := newPhone(t, s.replace(challenge, other.id))
		if d := s.live(adaEmail, fourth.name); len(d.Installation) != 32 {
			t.Errorf("after a choice: %x", d.Installation)
		}
	})
}

// Two phones with one key and one id, such as from a copied image, stop signing each other out.
func TestTwoPhonesWithOneInstallationStayBoth(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		image := newProver(t, s, "ES256")
		signIn := func() phone {
			s.clock.Advance(time.Hour)
			return newPhone(t, s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "phone", "installation_id": installationID},
				"DPoP", image.proof("POST", "/api/login", "", nil)))
		}
		signIn()
		signIn()
		third, fourth := signIn(), signIn()
		signIn()
		if third.name != "phone" || fourth.name != "phone (2)" {
			t.Errorf("%q, %q", third.name, fourth.name)
		}
		for _, p := range []phone{third, fourth} {
			if r := image.refresh(p.refresh); r.status != http.StatusOK {
				t.Errorf("%s: %d %s", p.name, r.status, r.body)
			}
		}
		e := s.eventsOf(adaEmail)
		if countKind(e, models.EventDeviceReplaced) != 2 || countKind(e, models.EventInstallationShared) != 1 {
			t.Errorf("%+v", e)
		}
		told := s.signedIn().shown("/activity").texts("p", "class", "event-text")
		if want := "“phone (2)” and “phone” look like two phones with the same copy of an app, such as from a restored backup. Both stay signed in."; !slices.Contains(told, want) {
			t.Errorf("%q", told)
		}
		// A thief with the id, the token and the password, and without the key.
		thief := newPhone(t, s.tryInstalled("phone", installationID, "old_refresh_token", fourth.refresh))
		if thief.name == "phone (2)" {
			t.Error("a token took the place of a device with a key")
		}
	})
}

// everything is all that the database holds, with bytes as text and in hexadecimal digits.
func (s *site) everything() string {
	s.t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if s.store.Dialect() == "postgres" {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	var tables []string
	rows, err := s.store.Pools()[0].QueryContext(s.t.Context(), query)
	for err == nil && rows.Next() {
		tables = append(tables, "")
		err = rows.Scan(&tables[len(tables)-1])
	}
	if err != nil || len(tables) < 20 {
		s.t.Fatal(tables, err)
	}
	var out strings.Builder
	for _, table := range tables {
		rows, err := s.store.Pools()[0].QueryContext(s.t.Context(), "SELECT * FROM "+table)
		if err != nil {
			s.t.Fatal(err)
		}
		names, _ := rows.Columns()
		for rows.Next() {
			values, targets := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				targets[i] = &values[i]
			}
			if err := rows.Scan(targets...); err != nil {
				s.t.Fatal(err)
			}
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					v = string(b) + " " + hex.EncodeToString(b)
				}
				fmt.Fprintln(&out, v)
			}
		}
		if err := rows.Err(); err != nil {
			s.t.Fatal(err)
		}
	}
	return out.String()
}

func TestAnInstallationIsNeitherStoredNorTold(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "App", ID: "app", RedirectURIs: []string{exampleURI}}); err != nil {
			t.Fatal(err)
		}
		o, b := s.owner(), s.signedIn()
		var answers strings.Builder
		note := func(status int, r reply) reply {
			t.Helper()
			if r.status != status {
				t.Errorf("%d %s", r.status, r.body)
			}
			fmt.Fprintln(&answers, r.header, r.body)
			return r
		}
		first := newPhone(t, note(http.StatusOK, s.tryInstalled("phone", installationID)))
		note(http.StatusOK, s.tryInstalled("phone", installationID))
		note(http.StatusOK, s.tryInstalled("phone", installationID, "old_refresh_token", first.refresh))
		note(http.StatusUnprocessableEntity, s.tryInstalled("phone", installationID+"0"))
		pushed := note(http.StatusCreated, s.postForm("/oauth/par", asked("installation_id", installationID)))
		waiting := b.approved(url.Values{"client_id": {"notes"}, "request_uri": {pushed.text(t, "request_uri")}})
		kept := s.everything() // with a code that waits
		note(http.StatusOK, s.redeemWith(waiting))
		app := o.addAuthenticator()
		half := note(http.StatusForbidden, s.tryInstalled("phone", installationID))
		kept += s.everything() // with a second step that waits
		done := note(http.StatusOK, s.step(half.text(t, "challenge"), "totp", app.next(s)))
		last := newPhone(t, done)
		note(http.StatusOK, s.request(http.MethodGet, "/api/devices", "", bearer(last.access)...))
		for _, path := range []string{"/devices", "/devices/" + last.id, "/activity"} {
			note(http.StatusOK, b.get(path))
		}
		file := note(http.StatusOK, b.post("/security/data", url.Values{"current_password": {adaPassword}, "code": {app.next(s)}}))
		if !strings.Contains(file.body, last.id) {
			t.Error("the export is of another account")
		}
		desk := s.desk()
		note(http.StatusOK, desk.get("/support/users/"+s.live(adaEmail, last.name).UserID.String()))
		kept += s.everything()

		id := uuid.MustParse(installationID)
		hash := s.live(adaEmail, last.name).Installation
		if len(hash) != 32 || !strings.Contains(kept, hex.EncodeToString(hash)) {
			t.Fatalf("the hash is %x", hash)
		}
		names := []string{installationID, hex.EncodeToString(id[:]), string(id[:]), b64(id[:])}
		for where, text := range map[string]string{"database": kept, "answers": answers.String(), "log": s.log.String()} {
			if where != "database" {
				names = append(names, hex.EncodeToString(hash), b64(hash), string(hash))
			}
			for _, name := range names {
				if strings.Contains(strings.ToLower(text), strings.ToLower(name)) {
					t.Errorf("the %s: %q", where, name)
				}
			}
			names = names[:4]
		}
	})
}
