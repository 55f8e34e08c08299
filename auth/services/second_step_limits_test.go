package services_test

import (
	"sync"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/ratelimit"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// counted counts what many answers at once are told.
type counted struct {
	mu    sync.Mutex
	kinds map[auth.Kind]int
}

func (c *counted) add(kind auth.Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil {
		c.kinds = map[auth.Kind]int{}
	}
	c.kinds[kind]++
}

func mark(ip, browser string) auth.Caller {
	from := at(ip)
	from.Browser = browser
	return from
}

// wrongCode is a code that is wrong at every time of these tests.
const wrongCode = "000000"

func TestAChallengeTakesFiveAnswersHoweverManyComeAtOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		secret := d.addApp(t, at("192.0.2.1"))
		waiting := d.begin(t, at("198.51.100.1"))
		var got counted
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() { got.add(d.finish(t, waiting, wrongCode, at("198.51.100.1"))) })
		}
		wg.Wait()
		if n := got.kinds[auth.KindInvalidCode]; n > challenge.MaxTries || got.kinds[-1] != 0 {
			t.Errorf("%d codes were judged: %v", n, got.kinds)
		}
		for range challenge.MaxTries { // those that the gate turned away were no attempts
			d.finish(t, waiting, wrongCode, at("198.51.100.1"))
		}
		d.advance(step)
		if kind := d.finish(t, waiting, d.code(t, secret), at("198.51.100.1")); kind != auth.KindInvalidChallenge {
			t.Errorf("the right code after five wrong ones: kind %d", kind)
		}
	})
}

// A thief with the password gets ten codes an hour, and however he goes on, the owner's own browser gets in.
func TestWrongCodesOfAStrangerDoNotCountForTheOwner(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		home := mark("192.0.2.1", "the owner's mark")
		secret := d.addApp(t, home)
		thief := mark("198.51.100.1", "the thief's mark")
		var got counted
		for range 5 {
			waiting := d.begin(t, thief)
			for range challenge.MaxTries {
				got.add(d.finish(t, waiting, wrongCode, thief))
			}
		}
		if got.kinds[auth.KindInvalidCode] != ratelimit.MaxWrongCodes || got.kinds[auth.KindRateLimited] != 15 {
			t.Errorf("of 25 wrong codes in an hour: %v", got.kinds)
		}
		d.advance(step)
		if kind := d.finish(t, d.begin(t, thief), d.code(t, secret), thief); kind != auth.KindRateLimited {
			t.Errorf("the right code past the limit: kind %d", kind)
		}
		if kind := d.finish(t, d.begin(t, home), d.code(t, secret), home); kind != -1 {
			t.Errorf("the owner's browser: kind %d", kind)
		}
		d.advance(ratelimit.CodeWindow)
		if kind := d.finish(t, d.begin(t, thief), d.code(t, secret), thief); kind != -1 {
			t.Errorf("an hour later: kind %d", kind)
		}
	})
}

// closeApp gives wrong codes from somewhere unknown until the authenticator app is closed.
func (d *desk) closeApp(t *testing.T) {
	t.Helper()
	thief := mark("198.51.100.1", "the thief's mark")
	for range 3 {
		for range 2 {
			waiting := d.begin(t, thief)
			for range challenge.MaxTries {
				d.finish(t, waiting, wrongCode, thief)
			}
		}
		d.advance(ratelimit.CodeWindow + time.Second)
	}
	if app := d.factorsOf(t)[0]; app.Wrong != challenge.MaxWrongInRow {
		t.Fatalf("%d wrong codes in a row", app.Wrong)
	}
}

func TestAClosedAppOpensForItsOwnerOnly(t *testing.T) {
	home, cafe := mark("192.0.2.1", "the owner's mark"), mark("203.0.113.9", "a new phone")
	for name, open := range map[string]func(t *testing.T, d *desk, secret string){
		"a right code from a known browser": func(t *testing.T, d *desk, secret string) {
			if kind := d.finish(t, d.begin(t, home), d.code(t, secret), home); kind != -1 {
				t.Errorf("kind %d", kind)
			}
		},
		"a new password": func(t *testing.T, d *desk, _ string) {
			for _, password := range []string{adaPassword + "s", adaPassword} {
				if _, err := d.Operator.SetPassword(t.Context(), adaEmail, password); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				secret := d.addApp(t, home)
				d.closeApp(t)
				if n := d.events(t, models.EventFactorClosed); n != 1 {
					t.Errorf("the owner is told %d times", n)
				}
				waiting := d.begin(t, cafe)
				for range 2 { // a half-signed-in browser is not known, however often it comes
					if kind := d.finish(t, waiting, d.code(t, secret), cafe); kind != auth.KindInvalidCode {
						t.Errorf("a right code from somewhere new: kind %d", kind)
					}
				}
				open(t, d, secret)
				d.advance(step)
				if kind := d.finish(t, d.begin(t, cafe), d.code(t, secret), cafe); kind != -1 {
					t.Errorf("afterwards: kind %d", kind)
				}
			})
		})
	}
}

func (d *desk) events(t *testing.T, kind models.EventKind) (n int) {
	t.Helper()
	list, err := d.store.Events(t.Context(), d.ada.ID, models.EventCursor{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// One network cannot fill the queue for the database with answers.
func TestSecondStepsPassTheGate(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.addApp(t, at("192.0.2.1"))
		waiting := d.begin(t, at("198.51.100.1"))
		var leave []func()
		for {
			l, err := d.Gate.Admit(at("198.51.100.1"))
			if err != nil {
				break
			}
			leave = append(leave, l)
		}
		if kind := d.finish(t, waiting, wrongCode, at("198.51.100.1")); kind != auth.KindUnavailable {
			t.Errorf("past the gate: kind %d", kind)
		}
		for _, l := range leave {
			l()
		}
		if kind := d.finish(t, waiting, wrongCode, at("198.51.100.1")); kind != auth.KindInvalidCode {
			t.Errorf("with room again: kind %d", kind)
		}
	})
}
