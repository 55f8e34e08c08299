package services_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// logged returns what the service logs from then on.
func (d *desk) logged(t *testing.T) *bytes.Buffer {
	var b bytes.Buffer
	d.change(t, func(c *services.Config) { c.Logger = slog.New(slog.NewTextHandler(&b, nil)) })
	return &b
}

// attack signs in every thirty seconds, each time on another app.
func (d *desk) attack(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		d.app(t, fmt.Sprintf("his %d", i))
		d.advance(30 * time.Second)
		d.sendAll(t)
	}
}

func (d *desk) arrived(t *testing.T, server *mailtest.Server) (alone, summaries []notify.Notification) {
	t.Helper()
	list, _ := mailsTaken(t, server)
	for _, l := range list {
		if l.Since.IsZero() {
			alone = append(alone, l)
		} else {
			summaries = append(summaries, l)
		}
	}
	return alone, summaries
}

func TestAnHourOfSignInsIsAHandfulOfMails(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		d.browse(t, "hers", "192.0.2.1")
		d.advance(2 * time.Hour)
		began := d.now()
		const signIns = 99 // with hers, as many as an account may in a day
		d.change(t, func(c *services.Config) {
			c.Budgets = ratelimit.Budgets{Window: signIns + 1, Day: ratelimit.MaxSignInsDay}
		})
		d.attack(t, signIns)
		d.advance(10 * time.Minute)
		d.sendAll(t)
		alone, summaries := d.arrived(t, server)
		t.Logf("%d sign-ins within an hour: %d mails about one, %d summaries", signIns, len(alone), len(summaries))
		if len(alone) != 3 || len(summaries) < 6 || len(summaries) > 7 {
			t.Errorf("%d mails and %d summaries", len(alone), len(summaries))
		}
		for _, l := range summaries {
			if !l.Since.Equal(began) {
				t.Errorf("a summary since %s, the first was at %s", l.Since, began)
			}
		}
		if n := d.waiting(t, store); n != 0 {
			t.Errorf("%d mails wait", n)
		}
	})
}

func TestASummaryTellsOfEverySignInWithinTenMinutes(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		told := map[string]int{}
		d.change(t, func(c *services.Config) {
			c.Render = func(l notify.Notification) (notify.Rendered, error) {
				for _, line := range l.SignIns {
					told[line.DeviceName]++
				}
				if !l.Since.IsZero() && (int64(len(l.SignIns)) != l.SignInsTotal || l.SignIns[0].DeviceName != "his 0" || l.SignIns[0].IP != "192.0.2.1" || l.SignIns[0].UserAgent != "test") {
					t.Errorf("%+v", l)
				}
				return notify.Rendered{Subject: string(l.Kind), Text: "{}", HTML: "<p>"}, nil
			}
		})
		d.browse(t, "hers", "192.0.2.1")
		d.advance(time.Hour)
		for i := range 8 {
			d.app(t, fmt.Sprintf("his %d", i))
			d.advance(time.Minute)
			d.sendAll(t)
		}
		if len(told) != 0 || len(server.Mails()) != 3 {
			t.Fatalf("after eight minutes: %d mails, %v", len(server.Mails()), told)
		}
		d.advance(5 * time.Minute) // ten minutes after the fourth
		d.sendAll(t)
		if len(told) != 8 || len(server.Mails()) != 4 {
			t.Errorf("ten minutes after the fourth: %d mails, %v", len(server.Mails()), told)
		}
		d.app(t, "his 8")
		d.advance(10 * time.Minute)
		d.sendAll(t)
		if told["his 8"] != 1 || told["his 0"] != 2 {
			t.Errorf("the next one: %v", told)
		}
	})
}

// Three sign-ins in an hour get a mail each, and the fourth does not, wherever the hour begins.
func TestOnlyAFourthSignInWithinAnHourWaits(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		d.browse(t, "hers", "192.0.2.1")
		for _, c := range []struct {
			wait  time.Duration
			alone bool
		}{
			{time.Minute, true}, {50 * time.Minute, true}, {5 * time.Minute, true},
			{6 * time.Minute, true},                  // an hour after the first
			{time.Minute, false},                     // 50, 55, 61, 62
			{47*time.Minute + 50*time.Second, false}, // 55 to 109:50
			{50 * time.Minute, true},                 // 61 is long ago
			{time.Hour, true}, {0, true}, {0, true}, {0, false},
			{-time.Hour, true}, // a clock that was ahead
		} {
			d.advance(c.wait)
			before, summaries := d.arrived(t, server)
			var waiting int
			if err := store.Pools()[0].QueryRowContext(t.Context(), "SELECT count(*) FROM mails").Scan(&waiting); err != nil {
				t.Fatal(err)
			}
			d.app(t, "phone")
			d.sendAll(t)
			after, _ := d.arrived(t, server)
			if (len(after) > len(before)) != c.alone {
				t.Errorf("%s later: alone %v, want %v (%d summaries)", c.wait, !c.alone, c.alone, len(summaries))
			}
		}
	})
}

func TestTheLinkOfASummaryCoversEverySignInSinceTheFirst(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		hers := d.browse(t, "hers", "192.0.2.1")
		before := d.app(t, "her phone")
		d.advance(2 * time.Hour)
		began := d.now()
		var his []token.Answer
		for i := range 5 {
			his = append(his, d.app(t, fmt.Sprintf("his %d", i)))
			d.advance(time.Second)
		}
		d.advance(10 * time.Minute)
		d.sendAll(t)
		his = append(his, d.app(t, "his last")) // after the summary
		alone, summaries := d.arrived(t, server)
		if len(alone) != 4 || len(summaries) != 1 {
			t.Fatalf("%d mails, %d summaries", len(alone), len(summaries))
		}
		for _, l := range alone {
			if _, err := d.Accounts.FindNotMe(t.Context(), l.Link); err != nil {
				t.Errorf("the link of an earlier mail: %v", err)
			}
		}
		link := summaries[0].Link
		if got, err := d.Accounts.FindNotMe(t.Context(), link); err != nil || !got.Since.Equal(began) || got.DeviceName != "" {
			t.Fatalf("%+v, %v", got, err)
		}
		if done, err := d.Accounts.AnswerNotMe(t.Context(), link, at("192.0.2.1")); err != nil || done.Revoked != int64(len(his)) {
			t.Errorf("%d devices, %v", done.Revoked, err)
		}
		for i, answer := range his {
			if !d.isOut(answer.RefreshToken) {
				t.Errorf("his %d goes on", i)
			}
		}
		if d.isOut(before.RefreshToken) {
			t.Error("her phone is signed out")
		}
		if list, err := d.Devices.List(t.Context(), hers); err != nil || len(list) != 2 {
			t.Errorf("hers: %v, %v", list, err)
		}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindInvalidCredential {
			t.Errorf("the password is not locked: %v", kind)
		}
		if _, err := d.Accounts.AnswerNotMe(t.Context(), link, at("192.0.2.1")); auth.AsError(err).Kind != auth.KindUsedLink {
			t.Errorf("once more: %v", err)
		}
	})
}

// Sign-ins at the moment when a summary is sent are reported by it or by the next one.
func TestNoSignInFallsBetweenTwoSummaries(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.post(t)
		var mu sync.Mutex
		told := map[string]bool{}
		d.change(t, func(c *services.Config) {
			c.Render = func(l notify.Notification) (notify.Rendered, error) {
				mu.Lock()
				defer mu.Unlock()
				for _, line := range l.SignIns {
					told[line.DeviceName] = true
				}
				return notify.Rendered{Subject: string(l.Kind), Text: "{}", HTML: "<p>"}, nil
			}
		})
		d.browse(t, "hers", "192.0.2.1")
		d.advance(time.Hour)
		const rounds, each = 6, 4
		for round := range rounds {
			var all sync.WaitGroup
			for i := range each {
				all.Go(func() {
					_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: fmt.Sprintf("his %d %d", round, i), From: at("192.0.2.1")})
					if err != nil {
						t.Error(err)
					}
				})
			}
			for range 2 {
				all.Go(func() {
					if _, err := d.Notify.SendMails(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			d.advance(10 * time.Minute)
		}
		for range 3 {
			d.sendAll(t)
			d.advance(10 * time.Minute)
		}
		if len(told) != rounds*each {
			t.Errorf("%d of %d sign-ins were told of: %v", len(told), rounds*each, told)
		}
		if n := d.waiting(t, store); n != 0 {
			t.Errorf("%d mails wait", n)
		}
	})
}

// While the mail server is down for a day, one summary of an account waits, not one for each ten minutes.
func TestADownMailServerGathersOneSummary(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		server.Fail(func(string) error { return mailtest.ErrHangUp }, nil, nil)
		d.browse(t, "hers", "192.0.2.1")
		d.advance(time.Hour)
		for i := range 10 {
			d.app(t, fmt.Sprintf("his %d", i))
			d.advance(11 * time.Minute)
			d.sendAll(t)
		}
		if n := d.waiting(t, store); n != 4 {
			t.Errorf("%d mails wait: three and one summary", n)
		}
		server.Fail(nil, nil, nil)
		d.advance(time.Hour)
		d.sendAll(t)
		alone, summaries := d.arrived(t, server)
		if len(alone) != 3 || len(summaries) != 1 {
			t.Errorf("%d mails, %d summaries arrive", len(alone), len(summaries))
		}
	})
}
