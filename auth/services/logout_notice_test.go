package services_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/client"
	"latchkey/auth/deletion"
	"latchkey/auth/device"
	"latchkey/auth/logout"
	"latchkey/auth/notify"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// signOuts are the ways in which an app is signed out. New sign-ins end browsers only, and browsers have no client.
var signOuts = map[string]func(t *testing.T, d *desk, l *letters, m member) error{
	"by its owner": func(t *testing.T, d *desk, _ *letters, m member) error {
		return second(d.Devices.Revoke(t.Context(), m.by, m.told.DeviceID.String(), at("192.0.2.1")))
	},
	"in a selection": func(t *testing.T, d *desk, _ *letters, m member) error {
		return second(d.Devices.RevokeSelected(t.Context(), m.by, []string{m.told.DeviceID.String(), m.untold.DeviceID.String()}, at("192.0.2.1")))
	},
	"everywhere else": func(t *testing.T, d *desk, _ *letters, m member) error {
		return second(d.Devices.RevokeOthers(t.Context(), m.by, at("192.0.2.1")))
	},
	"by a new password": func(t *testing.T, d *desk, _ *letters, m member) error {
		return second(d.Accounts.ChangePassword(t.Context(), m.by, account.PasswordChange{Confirmation: confirmed(memberPassword, at("192.0.2.1")), New: "another fine day"}))
	},
	"by a password reset": func(t *testing.T, d *desk, l *letters, m member) error {
		if err := d.Accounts.RequestPasswordReset(t.Context(), m.Email, at("192.0.2.1")); err != nil {
			return err
		}
		return d.Accounts.ResetPassword(t.Context(), d.link(t, l, notify.KindPasswordReset, m.Email), "another fine day", at("192.0.2.1"))
	},
	"by an operator's password": func(t *testing.T, d *desk, _ *letters, m member) error {
		return second(d.Operator.SetPassword(t.Context(), m.Email, "another fine day"))
	},
	"by an operator": func(t *testing.T, d *desk, _ *letters, m member) error {
		return second(d.Operator.SignOutUser(t.Context(), m.Email))
	},
	"by disabling": func(t *testing.T, d *desk, _ *letters, m member) error {
		return second(d.Operator.Disable(t.Context(), m.Email))
	},
	"by itself": func(t *testing.T, d *desk, _ *letters, m member) error {
		claims, err := d.Tokens.Verify(m.told.AccessToken)
		if err != nil {
			return err
		}
		return d.Devices.RevokeByToken(t.Context(), device.TokenAct{Claims: claims, ID: "current", From: at("192.0.2.1")})
	},
	"by RFC 7009": func(t *testing.T, d *desk, _ *letters, m member) error {
		return d.Tokens.Revoke(t.Context(), token.RefreshRequest{Token: m.told.RefreshToken, From: at("192.0.2.1")})
	},
	"by RFC 7009 with its access token": func(t *testing.T, d *desk, _ *letters, m member) error {
		return d.Tokens.Revoke(t.Context(), token.RefreshRequest{Token: m.told.AccessToken, From: at("192.0.2.1")})
	},
	"by reuse": func(t *testing.T, d *desk, _ *letters, m member) error {
		present := m.told.RefreshToken
		for range 3 {
			d.advance(time.Minute)
			next, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: present, From: at("192.0.2.1")})
			if err != nil {
				return err
			}
			present = next.RefreshToken
		}
		_, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: m.told.RefreshToken, From: at("198.51.100.7")})
		if err == nil {
			return errors.New("no reuse")
		}
		return nil
	},
	"by “This wasn’t me”": func(t *testing.T, d *desk, l *letters, m member) error {
		return second(d.Accounts.AnswerNotMe(t.Context(), d.link(t, l, notify.KindNewDevice, m.Email), at("192.0.2.1")))
	},
	"by an address that is taken back": func(t *testing.T, d *desk, l *letters, m member) error {
		elsewhere := "elsewhere-" + m.Email
		if err := d.Addresses.Ask(t.Context(), m.by, address.Request{Email: elsewhere, Confirmation: confirmed(memberPassword, at("198.51.100.7"))}); err != nil {
			return err
		}
		if _, err := d.Addresses.Confirm(t.Context(), d.link(t, l, notify.KindEmailConfirm, elsewhere), memberPassword, at("198.51.100.7")); err != nil {
			return err
		}
		return second(d.Addresses.Undo(t.Context(), d.link(t, l, notify.KindEmailChanged, m.Email), at("192.0.2.1")))
	},
	"by deletion of the account": func(t *testing.T, d *desk, _ *letters, m member) error {
		return d.Deletions.Delete(t.Context(), m.by, deletion.Request{Email: m.Email, Confirmation: confirmed(memberPassword, at("192.0.2.1"))})
	},
	"by the app's wish": func(t *testing.T, d *desk, _ *letters, m member) error {
		return second(d.Logout.End(t.Context(), logout.Request{IDTokenHint: d.idToken(t, m.ID, "told", m.told.DeviceID)}, m.by, logout.Ends{App: true, Browser: true}, at("192.0.2.1")))
	},
}

func TestEverySignOutIsToldToItsClientOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		l, box := d.listen(t), d.keepLetters(t)
		bystander := d.member(t, "bystander@example.com")
		i := 0
		for name, signOut := range signOuts {
			i++
			m := d.member(t, fmt.Sprintf("person%d@example.com", i))
			d.advance(20 * time.Minute)
			if _, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: m.untold.RefreshToken, From: at("192.0.2.1")}); err != nil {
				t.Fatal(err)
			}
			m.told = d.appOf(t, m.Email, "told", "watch") // with an access token that is still good
			d.sendNotices(t)
			if got := l.heard(); len(got) > 0 {
				t.Fatalf("%s: told before anything was done: %v", name, got)
			}
			if err := signOut(t, d, box, m); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for range 3 { // as replicas do, and later rounds
				d.sendNotices(t)
			}
			d.judgeHeard(t, name, m, l.heard())
			if n := noticesIn(t, store); n != 0 {
				t.Errorf("%s: %d notices are left", name, n)
			}
			d.advance(time.Hour) // limits on what strangers and owners may do
		}
		if _, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: bystander.told.RefreshToken, From: at("192.0.2.1")}); err != nil {
			t.Errorf("another account's app: %v", err)
		}
	})
}

// judgeHeard checks what the client heard of one person: one logout token for each of its devices that is out, and none for others.
func (d *desk) judgeHeard(t *testing.T, name string, m member, heard []jwt.MapClaims) {
	t.Helper()
	ids, now := map[string]bool{}, d.now()
	sids := make([]string, 0, len(heard))
	for _, c := range heard {
		sid, _ := c["sid"].(string)
		jti, _ := c["jti"].(string)
		if sids = append(sids, sid); ids[jti] || len(jti) < 16 {
			t.Errorf("%s: jti %q", name, jti)
		}
		ids[jti] = true
		if minutes(t, c, "iat", now) != 0 || minutes(t, c, "exp", now) != 2*time.Minute {
			t.Errorf("%s: iat %v, exp %v", name, c["iat"], c["exp"])
		}
		for _, claim := range []string{"iss", "aud", "iat", "exp", "jti", "sid"} {
			delete(c, claim)
		}
		want := jwt.MapClaims{"sub": m.ID.String(), "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("%s: claims:\n%s", name, diff)
		}
	}
	if !slices.Contains(sids, m.told.DeviceID.String()) || len(slices.Compact(slices.Sorted(slices.Values(sids)))) != len(sids) {
		t.Errorf("%s: the client heard of %q, want %s once", name, sids, m.told.DeviceID)
	}
	for _, sid := range sids {
		if sid == m.untold.DeviceID.String() || sid == m.by.Device.ID.String() {
			t.Errorf("%s: the client heard of a device of another client", name)
		}
	}
}

func TestAClientThatFailsIsToldLater(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		l := d.listen(t)
		var said bytes.Buffer
		d.change(t, func(c *services.Config) { c.Logger = slog.New(slog.NewTextHandler(&said, nil)) })
		m := d.member(t, "person@example.com")
		out := func() {
			t.Helper()
			answer := d.appOf(t, m.Email, "told", "watch")
			if _, err := d.Devices.Revoke(t.Context(), m.by, answer.DeviceID.String(), at("192.0.2.1")); err != nil {
				t.Fatal(err)
			}
		}
		heard := func(when string, want, left int) {
			t.Helper()
			d.sendNotices(t)
			if got, waiting := l.heard(), noticesIn(t, store); len(got) != want || waiting != left {
				t.Errorf("%s: the client heard %d times, want %d; %d notices wait, want %d", when, len(got), want, waiting, left)
			}
		}

		out()
		l.will(500, 302, 404)
		heard("an error", 1, 1)
		heard("at once after it", 0, 1)
		d.advance(notify.FirstWait / 4)
		heard("before half a pause", 0, 1)
		d.advance(notify.FirstWait)
		heard("a redirect", 1, 1)
		d.advance(2 * notify.FirstWait)
		heard("a page that is not there", 1, 1)
		d.advance(4 * notify.FirstWait)
		heard("mended", 1, 0)

		out()
		l.will(400)
		heard("refused", 1, 0)

		out()
		l.will(204)
		heard("without content", 1, 0)

		out()
		l.will(slices.Repeat([]int{503}, 100)...)
		heard("down", 1, 1)
		d.advance(logout.GiveUpAfter - time.Minute)
		heard("down for most of a day", 1, 1)
		d.advance(2 * time.Hour)
		heard("down for a day", 1, 0)
		if c := d.Logout.NoticeCounts(); c != (logout.NoticeCounts{Delivered: 2, Failed: 5, Refused: 1, GivenUp: 1}) {
			t.Errorf("%+v", c)
		}
		l.will()

		for text, wanted := range map[string]bool{"client=told": true, "again_in": true, "it answered 503": true, "eyJ": false, m.ID.String(): false, m.Email: false, l.URL: false} {
			if strings.Contains(said.String(), text) != wanted {
				t.Errorf("the log says %q: %v\n%s", text, !wanted, said.String())
			}
		}

		// A client that wants to be told no more, or is gone, is not; the sweeper takes the rest.
		out()
		none := ""
		if _, err := d.Clients.Update(t.Context(), "told", client.Change{BackchannelLogoutURI: &none}); err != nil {
			t.Fatal(err)
		}
		heard("not wanted any more", 0, 1)
		d.advance(logout.GiveUpAfter + 2*time.Hour)
		if _, err := d.Operator.Sweep(t.Context()); err != nil || noticesIn(t, store) != 0 {
			t.Errorf("the sweeper leaves %d (%v)", noticesIn(t, store), err)
		}
	})
}

// A client that does not answer holds no other client up.
func TestRunTellsClientsWhileAnotherHangs(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		l := d.listen(t)
		if _, err := d.Clients.Add(t.Context(), client.Registration{Name: "Hung", ID: "hung", BackchannelLogoutURI: "https://hung.example/"}); err != nil {
			t.Fatal(err)
		}
		entered, release, post := make(chan struct{}, 10), make(chan struct{}), d.config.PostLogout
		d.change(t, func(c *services.Config) {
			c.PostLogout = func(ctx context.Context, uri, token string) (int, error) {
				if uri != "https://hung.example/" {
					return post(ctx, uri, token)
				}
				entered <- struct{}{}
				<-release
				return 0, errors.New("no answer")
			}
		})
		m := d.member(t, "person@example.com")
		hung := d.appOf(t, m.Email, "hung", "car")
		if _, err := d.Devices.Revoke(t.Context(), m.by, hung.DeviceID.String(), at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for range 2 { // replicas
			running.Go(func() { d.Logout.Run(ctx) })
		}
		<-entered
		if _, err := d.Devices.Revoke(t.Context(), m.by, m.told.DeviceID.String(), at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); noticesIn(t, store) > 1; time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatal("the client was never told")
			}
		}
		stop()
		close(release)
		running.Wait()
		if got := l.heard(); len(got) != 1 || len(entered) != 0 || noticesIn(t, store) != 1 {
			t.Errorf("the client heard %d times, the other %d times more, %d notices wait", len(got), len(entered), noticesIn(t, store))
		}
	})
}
