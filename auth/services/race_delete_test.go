package services_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/browser"
	"latchkey/auth/deletion"
	"latchkey/auth/mail"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/support"
	"latchkey/models"
)

// taking is a sender that accepts every mail.
type taking struct{ taken atomic.Int64 }

func (m *taking) Send(context.Context, mail.Message) error {
	m.taken.Add(1)
	return nil
}

// raceLinks are the secrets of the mailed links of an account.
func (o *raceOwner) raceLink(purpose string) string {
	o.t.Helper()
	link, secret := notify.NewLink(o.session.User.ID, purpose, purpose, o.now(), time.Hour)
	if purpose == notify.LinkNotMe {
		link.Subject = models.EveryDevice
	}
	n := o.on(0).Notify.Compose(o.session.User.ID, notify.NewNotification(notify.KindPasswordReset, raceFrom, o.now()), link)
	if err := o.on(0).store.AddMail(o.t.Context(), n); err != nil {
		o.t.Fatal(err)
	}
	return secret
}

// Both services do everything that can be done with an account at the moment when it is deleted twice. Each act succeeds before the
// deletion or fails with an error that a client understands, and nothing of the account is left.
func TestRaceOfTheEndOfAnAccountAgainstEverythingElse(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		server := &taking{}
		p.each(func(s *raced) {
			s.change(t, func(c *services.Config) {
				c.Mail, c.SignupOpen = server, true
				c.Render = func(l notify.Notification) (notify.Rendered, error) {
					text, err := json.Marshal(l)
					return notify.Rendered{Subject: "s", Text: string(text), HTML: "<p>"}, err
				}
			})
			if err := s.Keys.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		staff := p.owner(t)
		if err := p.on(0).Operator.SetRole(t.Context(), staff.email, models.RoleSupport); err != nil {
			t.Fatal(err)
		}
		var err error
		if staff.session, err = p.on(0).Browsers.Authenticate(t.Context(), staff.key, raceFrom); err != nil {
			t.Fatal(err)
		}
		done := map[string]*atomic.Int64{}
		for round := range raceRounds(p, 24) {
			p.advance(ratelimit.AttemptWindow) // the guesses of the last round are forgotten
			o := p.owner(t)
			phone, tablet := o.mustLogin(0, "phone"), o.mustLogin(1, "tablet")
			dead := o.mustLogin(0, "watch")
			for next, i := dead, 0; i < 3; i++ {
				if next, err = p.refresh(t, 0, next.RefreshToken); err != nil {
					t.Fatal(err)
				}
			}
			reset, notMe := o.raceLink(notify.LinkPasswordReset), o.raceLink(notify.LinkNotMe)
			user := o.session.User
			acts := map[string]func(s *raced) error{
				"delete": func(s *raced) error {
					return s.Deletions.Delete(t.Context(), o.session, deletion.Request{Email: o.email, Confirmation: confirmed(racePassword, raceFrom)})
				},
				"delete again": func(s *raced) error {
					return s.Deletions.Delete(t.Context(), o.session, deletion.Request{Email: o.email, Confirmation: confirmed(racePassword, raceFrom)})
				},
				"sign in": func(s *raced) error {
					_, err := s.SignIn.Login(t.Context(), signin.LoginRequest{Email: o.email, Password: racePassword, DeviceName: "phone", From: raceFrom})
					return err
				},
				"sign in on the portal": func(s *raced) error {
					_, err := s.SignIn.LoginBrowser(t.Context(), browser.Login{Email: o.email, Password: racePassword, From: raceFrom, Replaces: o.session})
					return err
				},
				"guess": func(s *raced) error {
					_, err := s.SignIn.Login(t.Context(), signin.LoginRequest{Email: o.email, Password: "a guess at the tide", DeviceName: "x", From: raceFrom})
					return err
				},
				"refresh": func(s *raced) error { _, err := p.refresh(t, round, phone.RefreshToken); return err },
				"reuse":   func(s *raced) error { _, err := p.refresh(t, round, dead.RefreshToken); return err },
				"change the password": func(s *raced) error {
					_, err := s.Accounts.ChangePassword(t.Context(), o.session, account.PasswordChange{Confirmation: confirmed(racePassword, raceFrom), New: "another word for the tide"})
					return err
				},
				"reset the password": func(s *raced) error {
					return s.Accounts.ResetPassword(t.Context(), reset, "a third word for the tide", raceFrom)
				},
				"answer This wasn't me": func(s *raced) error {
					_, err := s.Accounts.AnswerNotMe(t.Context(), notMe, raceFrom)
					return err
				},
				"revoke": func(s *raced) error {
					_, err := s.Devices.Revoke(t.Context(), o.session, tablet.DeviceID.String(), raceFrom)
					return err
				},
				"rename": func(s *raced) error {
					_, err := s.Devices.Rename(t.Context(), o.session, tablet.DeviceID.String(), "slate", raceFrom)
					return err
				},
				"forget": func(s *raced) error {
					return s.Accounts.RequestPasswordReset(t.Context(), o.email, at(fmt.Sprintf("192.0.2.%d", round)))
				},
				"sign up": func(s *raced) error {
					return s.Accounts.Signup(t.Context(), account.SignupRequest{Email: o.email, Password: "some other tide entirely", From: at(fmt.Sprintf("192.0.2.%d", 100+round))})
				},
				"download": func(s *raced) error {
					data, err := s.Exports.Start(t.Context(), o.session, confirmed(racePassword, raceFrom))
					if err == nil {
						data.Close()
					}
					return err
				},
				"look": func(s *raced) error {
					_, err := s.Support.ViewAccount(t.Context(), staff.session, support.View{ID: user.ID.String(), From: raceFrom})
					return err
				},
				"search": func(s *raced) error {
					_, err := s.Support.Search(t.Context(), staff.session, support.Query{Text: "owner", From: raceFrom})
					return err
				},
				"send mails": func(s *raced) error { _, err := s.Notify.SendMails(t.Context()); return err },
				"sweep":      func(s *raced) error { _, err := s.Operator.Sweep(t.Context()); return err },
			}
			if round%3 > 0 { // what makes the password another one keeps the account from going
				delete(acts, "change the password")
				delete(acts, "reset the password")
				delete(acts, "answer This wasn't me")
			}
			var names []string
			for name := range acts {
				if names = append(names, name); done[name] == nil {
					done[name] = &atomic.Int64{}
				}
			}
			raceTogether(len(names), func(i int) {
				name := names[i]
				time.Sleep(rand.N(4 * time.Millisecond))
				if strings.HasPrefix(name, "delete") {
					time.Sleep(rand.N(8 * time.Millisecond))
				}
				err := acts[name](p.on(i + round))
				switch kind := raceKind(err); kind {
				case -1:
					done[name].Add(1)
				case auth.KindSignedOut, auth.KindInvalidCredential, auth.KindInvalidGrant, auth.KindWrongPassword, auth.KindNotFound, auth.KindDeadLink:
				case auth.KindUnavailable: // more than may be hashed, or deleted, at a time, never a database in trouble
					wait := auth.AsError(err).RetryAfter
					if wait != 5*time.Second && (wait != 10*time.Second || !strings.HasPrefix(name, "delete")) {
						t.Errorf("%s: %v", name, err)
					}
				default:
					t.Errorf("%s: kind %d, %v", name, kind, err)
				}
			})
			// Whatever won, the account goes now if it is there.
			if now, err := p.on(0).store.UserByID(t.Context(), user.ID); err == nil {
				d := models.Deletion{UserID: user.ID, Proof: models.Proof{Verified: now.PasswordHash}, Now: p.now, Event: auth.NewEvent(models.EventAccountDeleted, user.ID, raceFrom, p.now()),
					Seal: func(keys []string) []byte { return p.on(0).Deletions.Seal(user.ID, keys) }}
				if now.LockedAt == nil {
					if err := p.on(0).store.DeleteUser(t.Context(), d); err != nil {
						t.Fatal(err)
					}
				} else {
					continue
				}
			}
			if _, err := p.on(round).Deletions.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			o.raceGone()
		}
		tally := map[string]int64{}
		for name, n := range done {
			tally[name] = n.Load()
		}
		t.Logf("done before the end: %v", tally)
		if tally["delete"]+tally["delete again"] == 0 {
			t.Error("no deletion won")
		}
	})
}

// raceGone checks that no table has a row of the owner, except anonymous events and farewells.
func (o *raceOwner) raceGone() {
	o.t.Helper()
	pool, id := o.on(0).store.Pools()[0], o.session.User.ID.String()
	for table, column := range map[string]string{
		"users": "id", "devices": "user_id", "known_places": "user_id", "one_time_tokens": "user_id", "mails": "user_id", "events": "user_id",
		"events WHERE kind = 'support_looked' AND": "detail",
	} {
		condition := " WHERE "
		if strings.Contains(table, "WHERE") {
			condition = " "
		}
		var n int
		if err := pool.QueryRowContext(o.t.Context(), "SELECT count(*) FROM "+table+condition+column+" = '"+id+"'").Scan(&n); err != nil || n != 0 {
			o.t.Errorf("%s: %d rows of a deleted account (%v)", table, n, err)
		}
	}
	if _, err := o.on(1).Browsers.Authenticate(o.t.Context(), o.key, raceFrom); raceKind(err) != auth.KindSignedOut {
		o.t.Errorf("the portal: %v", err)
	}
}
