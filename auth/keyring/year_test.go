package keyring

import (
	"crypto"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// world is a simulated deployment: rows of keys, a service that signs with them,
// and resource servers that know nothing but key sets up to an hour old.
type world struct {
	t        *testing.T
	alg      string
	schedule Schedule
	keys     []*Key
	signers  []string // kids, in the order in which they began to sign

	cached []fetched // what some resource server may hold: the last hour's key sets
	tokens []signed  // not yet expired
	parsed map[string]map[string]crypto.PublicKey
}

type fetched struct {
	at   time.Time
	keys string
}

type signed struct {
	token string
	exp   time.Time
}

const (
	life  = 15 * time.Minute // of a token
	cache = time.Hour        // of a key set
)

// Keep and Lead are the shortest that are promised to work.
func newWorld(t *testing.T) *world {
	return &world{t: t, alg: ES256, schedule: Schedule{Every: 30 * day, Keep: life, Lead: cache},
		parsed: map[string]map[string]crypto.PublicKey{}}
}

func (w *world) ring() *Ring { return New(w.alg, w.keys, w.schedule) }

// tick is one moment: generate and sweep keys, publish, sign, and let resource
// servers check the new token and every old one, each with every set of the last hour.
func (w *world) tick(now time.Time) {
	w.t.Helper()
	w.keys = fill(w.t, w.alg, w.keys, w.schedule, now)
	for _, k := range w.ring().Retired(now) {
		w.keys = slices.DeleteFunc(w.keys, func(o *Key) bool { return o == k })
	}
	w.publish(now)
	k, ok := w.ring().Signing(now)
	if !ok {
		w.t.Fatalf("%v: nobody signs", now)
	}
	if len(w.signers) == 0 || w.signers[len(w.signers)-1] != k.ID {
		w.signers = append(w.signers, k.ID)
	}
	token := jwt.NewWithClaims(k.Method(), jwt.MapClaims{"exp": now.Add(life).Unix()})
	token.Header["kid"] = k.ID
	raw, err := token.SignedString(k.Signer())
	if err != nil {
		w.t.Fatal(err)
	}
	w.tokens = append(w.tokens, signed{raw, now.Add(life)})
	w.check(now)
}

func (w *world) publish(now time.Time) {
	w.cached = append(w.cached, fetched{now, string(w.ring().JWKS(now))})
	w.cached = slices.DeleteFunc(w.cached, func(f fetched) bool { return now.Sub(f.at) > cache })
}

func (w *world) check(now time.Time) {
	w.t.Helper()
	w.tokens = slices.DeleteFunc(w.tokens, func(s signed) bool { return !now.Before(s.exp) })
	var sets []string
	for _, f := range w.cached {
		if !slices.Contains(sets, f.keys) {
			sets = append(sets, f.keys)
		}
	}
	for _, s := range w.tokens {
		for _, set := range sets {
			if err := w.verify(s.token, set, now); err != nil {
				w.t.Fatalf("%v: a token that expires at %v, with a key set of the last hour: %v\n%s", now, s.exp, err, set)
			}
		}
	}
}

func (w *world) verify(token, set string, now time.Time) error {
	if w.parsed[set] == nil {
		w.parsed[set] = parsePublic(w.t, []byte(set))
	}
	_, err := jwt.Parse(token, func(token *jwt.Token) (any, error) {
		if public := w.parsed[set][token.Header["kid"].(string)]; public != nil {
			return public, nil
		}
		return nil, jwt.ErrTokenUnverifiable
	}, jwt.WithValidMethods([]string{ES256, EdDSA, RS256}), jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithExpirationRequired())
	return err
}

// run ticks every half hour, every three minutes around the beginning of every
// turn, and at the last second before and the first of each change.
func (w *world) run(from, to time.Time) {
	w.t.Helper()
	for now := from; now.Before(to); {
		w.tick(now)
		next := now.Add(30 * time.Minute)
		for _, k := range w.keys {
			if d := k.SignsFrom.Sub(now); d > -75*time.Minute && d < 75*time.Minute {
				next = now.Add(3 * time.Minute)
			}
		}
		for _, k := range w.keys {
			for _, edge := range []time.Time{k.SignsFrom.Add(-time.Second), k.SignsFrom, k.SignsFrom.Add(w.schedule.Keep - 2*time.Second), k.SignsFrom.Add(w.schedule.Keep)} {
				if edge.After(now) && edge.Before(next) {
					next = edge
				}
			}
		}
		now = next
	}
}

func TestAYearOfRotations(t *testing.T) {
	w := newWorld(t)
	w.run(start, onDay(365))
	if len(w.signers) != 13 { // a turn begins on the days 0, 30 … 360
		t.Errorf("%d keys signed, want 13", len(w.signers))
	}
	if len(w.keys) > 3 {
		t.Errorf("%d keys are left: %s", len(w.keys), names(w.keys))
	}
}

func TestAServiceThatCouldMakeNoKeysForLongPublishesTheNextOneFirst(t *testing.T) {
	w := newWorld(t)
	w.run(start, onDay(1))
	w.keys, w.cached = w.keys[:1], nil
	w.publish(onDay(50).Add(-cache)) // still served, without a next key, and cached
	w.run(onDay(50), onDay(52))
	if len(w.signers) != 2 {
		t.Errorf("%d keys signed, want 2", len(w.signers))
	}
}

func TestAForcedRotationKeepsEveryToken(t *testing.T) {
	w := newWorld(t)
	w.run(start, onDay(10))
	next := *w.keys[len(w.keys)-1]
	if !next.SignsFrom.After(onDay(10)) {
		t.Fatal("there is no next key to bring forward")
	}
	old, _ := w.ring().Signing(onDay(10))
	next.SignsFrom = onDay(10) // what the UPDATE does
	w.keys[len(w.keys)-1] = &next
	if k, _ := w.ring().Signing(onDay(10)); k.ID != next.ID {
		t.Error("the next key does not sign at once")
	}
	w.run(onDay(10), onDay(12))
	if _, ok := w.ring().Find(old.ID, onDay(10).Add(life)); ok || len(w.signers) != 2 {
		t.Errorf("%d keys signed, want 2; the old one is still published: %v", len(w.signers), ok)
	}
}

// Key sets fetched before the change do not have the new algorithm's first key.
func TestAChangeOfAlgorithmKeepsTheOldTokens(t *testing.T) {
	w := newWorld(t)
	w.run(start, onDay(20))
	w.alg = EdDSA
	w.run(onDay(20), onDay(100))
	if alg := w.keys[len(w.keys)-1].Alg; alg != EdDSA || len(w.signers) != 4 {
		t.Errorf("%d keys signed, the last of %s", len(w.signers), alg)
	}
	for _, k := range w.keys {
		if k.Alg == ES256 {
			t.Errorf("%s is still kept 80 days after the change", names([]*Key{k}))
		}
	}
	// A replica with the old setting signs with its own, and its tokens are good here too.
	w = newWorld(t)
	w.run(start, onDay(20))
	mixed := fill(t, EdDSA, w.keys, w.schedule, onDay(20))
	for d := 20.0; d < 40; d += 0.25 {
		mixed = fill(t, ES256, mixed, w.schedule, onDay(d))
		k, _ := New(ES256, mixed, w.schedule).Signing(onDay(d))
		if _, ok := New(EdDSA, mixed, w.schedule).Find(k.ID, onDay(d)); !ok {
			t.Fatalf("day %v: %s of the old replica is not published by the new one", d, names([]*Key{k}))
		}
	}
}
