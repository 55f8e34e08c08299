package web_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"latchkey/auth/devicetoken"
	"latchkey/auth/seal"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/web"
)

// TestTheForkRule walks every row of the rule through HTTP. A letter is the token that a step got; steps present one.
func TestTheForkRule(t *testing.T) {
	type step struct {
		after   time.Duration
		present string // the name of the token presented
		as      string // the name of the token got; empty: refused
		sameAs  string // the token got is the same as this one
		from    string // another address
		reason  string
	}
	for name, steps := range map[string][]step{
		"a living token rotates": {
			{present: "A", as: "B"}, {after: time.Hour, present: "B", as: "C"}, {present: "C", as: "D"},
		},
		"the base within the window gives the same answer": {
			{present: "A", as: "B"}, {after: 10 * time.Second, present: "A", as: "B'", sameAs: "B"}, {present: "B", as: "C"},
		},
		"the base after the window forks, and an honest client goes on": {
			{present: "A", as: "B"}, {after: 11 * time.Second, present: "A", as: "C"}, {after: 30 * 24 * time.Hour / 2, present: "C", as: "D"},
		},
		"the base from another address forks": {
			{present: "A", as: "B"}, {after: time.Second, present: "A", from: "203.0.113.9", as: "C"}, {present: "B", as: "D"},
		},
		"a used child kills its siblings": {
			{present: "A", as: "B"}, {after: time.Minute, present: "A", as: "C"}, {present: "C", as: "D"},
			{present: "B", reason: token.ReasonReused}, {present: "D", reason: token.ReasonRevoked},
		},
		"the first child kills the second too": {
			{present: "A", as: "B"}, {after: time.Minute, present: "A", as: "C"}, {present: "B", as: "D"},
			{present: "C", reason: token.ReasonReused}, {present: "D", reason: token.ReasonRevoked},
		},
		"a grandparent is reuse": {
			{present: "A", as: "B"}, {present: "B", as: "C"}, {present: "A", reason: token.ReasonReused}, {present: "C", reason: token.ReasonRevoked},
		},
		"many lost answers in a row are forgiven": {
			{present: "A", as: "B"}, {after: time.Hour, present: "A", as: "C"}, {after: time.Hour, present: "A", as: "D"},
			{after: time.Hour, present: "A", as: "E"}, {present: "E", as: "F"}, {present: "F", as: "G"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				other := s.login("bystander")
				tokens := map[string]string{"A": s.login("phone").refresh}
				for i, step := range steps {
					s.clock.Advance(step.after)
					headers := []string{"Content-Type", formType, "X-Forwarded-For", "198.51.100.1"}
					if step.from != "" {
						headers[3] = step.from
					}
					r := s.request(http.MethodPost, "/oauth/token", "grant_type=refresh_token&refresh_token="+tokens[step.present], headers...)
					if step.as == "" {
						if r.status != http.StatusBadRequest || r.text(t, "reason") != step.reason {
							t.Fatalf("step %d, %s: %d %s, want %s", i+1, step.present, r.status, r.body, step.reason)
						}
						continue
					}
					if r.status != http.StatusOK {
						t.Fatalf("step %d, %s: %d %s", i+1, step.present, r.status, r.body)
					}
					got := r.text(t, "refresh_token")
					for name, token := range tokens {
						if same := token == got; same != (name == step.sameAs) {
							t.Fatalf("step %d, %s: the answer is the same as %s: %v", i+1, step.present, name, same)
						}
					}
					tokens[step.as] = got
				}
				s.refreshed(other.refresh) // no other device was touched
			}, func(_ *services.Config, w *web.Config) { w.TrustedProxies = []string{"127.0.0.0/8"} })
		})
	}
}

// A database that was put back from a backup meets tokens that are ahead of it.
func TestATokenAheadOfARestoredDatabaseIsFollowed(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		codec, parsed := parse(t, p.refresh)
		parsed.Generation = 40
		ahead := codec.Mint(parsed)
		parsed.Generation = 39
		behind := codec.Mint(parsed)

		s.clock.Advance(time.Second)
		next := s.refreshed(ahead)
		if _, got := parse(t, next.refresh); got.Generation != 41 {
			t.Errorf("the answer has generation %d", got.Generation)
		}
		if events := s.events(t); events[0].Kind != models.EventDeviceRestored {
			t.Errorf("the activity says %s", events[0].Kind)
		}
		if again := s.refreshed(ahead); again.refresh != next.refresh {
			t.Error("the lost answer was not repeated")
		}
		s.refreshed(next.refresh)
		s.refused(behind, token.ReasonReused)
	})
}

func TestReuseTellsTheOwner(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		first := s.login("phone").refresh
		s.refreshed(s.refreshed(first).refresh)
		s.clock.Advance(time.Second)
		s.refused(first, token.ReasonReused)
		if e := s.events(t)[0]; e.Kind != models.EventDeviceReused || e.DeviceName != "phone" || e.IP != "127.0.0.1" {
			t.Errorf("the newest event: %+v", e)
		}
	})
}

func TestTheThirdForkWarns(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		first := s.login("phone").refresh
		s.refreshed(first)
		for i, want := range []string{token.ForkDetail, token.ForkWarnDetail, token.ForkWarnDetail} { // the fourth is not recorded
			s.clock.Advance(time.Minute)
			s.refreshed(first)
			events := s.events(t)
			if e := events[0]; e.Kind != models.EventDeviceForked || e.Detail != want {
				t.Errorf("event %s %q, want detail %q", e.Kind, e.Detail, want)
			}
			if n := len(events); n != min(i+1, 2)+2 {
				t.Errorf("%d events after fork %d", n, i+1)
			}
		}
	})
}

func TestFiftyRefreshesWithOneTokenGetOneSuccessor(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		var mu sync.Mutex
		successors := map[string]int{}
		together(50, func(int) {
			got := s.refreshed(p.refresh)
			mu.Lock()
			defer mu.Unlock()
			successors[got.refresh]++
		})
		if len(successors) != 1 {
			t.Errorf("%d successors: %v", len(successors), successors)
		}
		for token := range successors {
			s.refreshed(token)
		}
	})
}

func TestLifetimesEndADevice(t *testing.T) {
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		change func(*services.Config)
		pace   time.Duration
		good   int // refreshes at that pace
		reason string
	}{
		"absolute":  {func(c *services.Config) { c.DeviceLifetime = 10 * day }, day, 9, token.ReasonExpired},
		"idle":      {func(c *services.Config) { c.DeviceIdle = day }, day, 0, token.ReasonIdle},
		"refreshes": {func(c *services.Config) { c.MaxRefreshes = 3 }, time.Minute, 3, token.ReasonRefreshLimit},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				p := s.login("phone")
				for range c.good {
					s.clock.Advance(c.pace)
					p = s.refreshed(p.refresh)
				}
				s.clock.Advance(c.pace)
				s.refused(p.refresh, c.reason)
				if again := s.login("phone"); c.reason != token.ReasonRefreshLimit && again.name != "phone" {
					t.Errorf("a device that is over keeps its name: %q", again.name)
				}
				s.refused(p.refresh, c.reason)
			}, func(a *services.Config, _ *web.Config) { c.change(a) })
		})
	}
}

func TestAnAccessTokenNeverOutlivesItsDevice(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := s.tryLogin(adaEmail, adaPassword, "phone")
		if m := r.json(t); m["expires_in"] != 300.0 || m["refresh_in"].(float64) >= 300 {
			t.Errorf("%s", r.body)
		}
	}, func(a *services.Config, _ *web.Config) { a.DeviceLifetime = 5 * time.Minute })
}

func parse(t *testing.T, token string) (*devicetoken.Codec, devicetoken.Token) {
	t.Helper()
	keys, err := seal.Keys([][]byte{testSecret}, "device token")
	if err != nil {
		t.Fatal(err)
	}
	codec := devicetoken.New(keys[0])
	parsed, err := codec.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	return codec, parsed
}

// events is ada's activity, newest first.
func (s *site) events(t *testing.T) []models.Event {
	t.Helper()
	ada, err := s.auth.Operator.FindUser(t.Context(), adaEmail)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.store.Events(t.Context(), ada.ID, models.EventCursor{}, 100)
	if err != nil || len(list) == 0 {
		t.Fatal(err, len(list))
	}
	return list
}
