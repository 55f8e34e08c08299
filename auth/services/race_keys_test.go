package services_test

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// raceMinted collects the access tokens that a race minted.
type raceMinted struct {
	mu     sync.Mutex
	tokens []string
}

func (m *raceMinted) mint(t *testing.T, s *raced, d models.Device) {
	t.Helper()
	token, _, err := s.Tokens.MintAccess(t.Context(), d, "")
	if err != nil {
		t.Errorf("mint: %v", err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens = append(m.tokens, token)
}

// good checks that both services accept every token after they have read the keys, as they do every ten seconds.
func (m *raceMinted) good(t *testing.T, p *racePair) {
	t.Helper()
	p.each(func(s *raced) {
		if err := s.Keys.Load(t.Context()); err != nil {
			t.Errorf("load: %v", err)
		}
		for _, token := range m.tokens {
			if _, err := s.Tokens.Verify(token); err != nil {
				t.Errorf("a token is not good: %v", err)
			}
		}
	})
}

// raceSeqs checks that no algorithm has two keys of one place, and that no place is empty.
func raceSeqs(t *testing.T, s *raced) (keys int) {
	t.Helper()
	rows, err := s.store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]int64{}
	for _, row := range rows {
		if row.Seq != last[row.Alg]+1 {
			t.Errorf("%s: key %d follows key %d", row.Alg, row.Seq, last[row.Alg])
		}
		last[row.Alg] = row.Seq
	}
	return len(rows)
}

func raceDevice(p *racePair) models.Device {
	now := p.now()
	return models.Device{UserID: models.NewID(now), ID: models.NewID(now), ClientID: "app", ExpiresAt: now.Add(time.Hour)}
}

// Two services that start on an empty database at the same time make one first key and one next, though the clock of
// one is behind.
func TestRaceOfTheFirstKeys(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		p.lag.Store(int64(5 * time.Millisecond))
		var minted raceMinted
		raceTogether(12, func(i int) {
			if err := p.on(i).Keys.Load(t.Context()); err != nil {
				t.Errorf("load: %v", err)
			}
			minted.mint(t, p.on(i), raceDevice(p))
		})
		if n := raceSeqs(t, p.on(0)); n != 2 {
			t.Errorf("%d keys", n)
		}
		minted.good(t, p)
	})
}

// Both services rotate keys while both mint. Of two simultaneous rotations, the second may find that it is done.
func TestRaceOfKeyRotations(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		var minted raceMinted
		rounds := 0
		for range raceRounds(p, 8) {
			rounds++
			raceTogether(8, func(i int) {
				switch {
				case i < 2:
					if err := p.on(i).Keys.Rotate(t.Context()); err != nil {
						t.Errorf("rotate: %v", err)
					}
				case i < 4:
					if err := p.on(i).Keys.Load(t.Context()); err != nil {
						t.Errorf("load: %v", err)
					}
				}
				for range 5 {
					minted.mint(t, p.on(i), raceDevice(p))
				}
			})
			minted.good(t, p)
			raceSeqs(t, p.on(0))
			a, b := signer(t, p.on(0).Services), signer(t, p.on(1).Services)
			if one, other := jwks(t, p.on(0)), jwks(t, p.on(1)); a != b || !bytes.Equal(one, other) {
				t.Errorf("the services sign with %s and %s, and publish %s and %s", a, b, one, other)
			}
			p.advance(time.Minute) // the tokens live for a quarter of an hour
		}
		if n := raceSeqs(t, p.on(0)); n < rounds+2 || n > 2*rounds+2 {
			t.Errorf("%d keys after %d rounds of two rotations", n, rounds)
		}
	})
}

// A change of secret, half done: each service seals under its own and knows the other's. And a change of algorithm,
// half done: each signs with its own, or the other's. Every token is good at both all the time.
func TestRaceOfKeysDuringAChangeOfSettings(t *testing.T) {
	one, two := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	eachPair(t, func(t *testing.T, p *racePair) {
		p.services = [2]*raced{
			newRaced(t, p.on(0).store, services.Config{SigningAlg: "EdDSA", Secret: one, Previous: [][]byte{two}, Now: p.now}),
			newRaced(t, p.on(1).store, services.Config{SigningAlg: "ES256", Secret: two, Previous: [][]byte{one}, Now: p.now}),
		}
		var minted raceMinted
		for range raceRounds(p, 8) {
			raceTogether(8, func(i int) {
				if err := p.on(i).Keys.Load(t.Context()); err != nil {
					t.Errorf("load: %v", err)
				}
				minted.mint(t, p.on(i), raceDevice(p))
			})
			minted.good(t, p)
		}
		if n := raceSeqs(t, p.on(0)); n != 3 && n != 4 { // whichever saw the other's first key publishes its own before it signs, and none after it yet
			t.Errorf("%d keys", n)
		}
	})
}

// signedElsewhere returns an access token that another replica signs with a key that d has not read.
func (d *desk) signedElsewhere(t *testing.T, store *models.Store) string {
	t.Helper()
	replica, err := services.New(store, d.config)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first key was announced, the second is new to d
		d.advance(2 * time.Second)
		if err := replica.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	signed, _, err := replica.Tokens.MintAccess(t.Context(), models.Device{UserID: d.ada.ID, ID: models.NewID(d.now()), ExpiresAt: d.now().Add(time.Hour)}, "")
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// A token of a key that another replica has just put to use is good for all who present one at once, not only for the first.
func TestAllWhoMeetANewKeyAtOnceAreLetIn(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, url string) {
		slow := false
		store, err := models.Open(t.Context(), models.Config{URL: url, OnStatement: func(sql string) {
			if slow && strings.Contains(sql, "signing_keys") {
				time.Sleep(50 * time.Millisecond) // so that the others come while the first one reads
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		d := newDesk(t, store)
		signed := d.signedElsewhere(t, store)
		slow = true
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := d.Tokens.Verify(signed); err != nil {
					t.Errorf("a good token: %v", err)
				}
			})
		}
		wg.Wait()
	})
}

// Forged tokens cause one read of the keys, however many wait for it and however long it takes.
func TestUnknownKeysCauseOneReadThoughItIsSlow(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, url string) {
		var d *desk
		var reads atomic.Int64
		store, err := models.Open(t.Context(), models.Config{URL: url, OnStatement: func(sql string) {
			if d != nil && strings.Contains(sql, "signing_keys") {
				reads.Add(1)
				time.Sleep(50 * time.Millisecond) // so that the others come while the first one reads
				d.advance(2 * time.Second)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		made := newDesk(t, store)
		made.advance(time.Minute)
		d = made
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, ok := d.Keys.Find("forged"); ok {
					t.Error("a key was found that no one made")
				}
			})
		}
		wg.Wait()
		if n := reads.Load(); n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
	})
}
