package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/auth"
	"latchkey/auth/keyring"
	"latchkey/models"
)

// MaxAge is how long others may keep the key set (Cache-Control: max-age).
const MaxAge = 5 * time.Minute

const (
	keySignsFor = 30 * 24 * time.Hour // a signing key's turn
	keyLead     = time.Hour           // a key is published at least so long before its turn
	// RingReadEvery is how soon a process sees a rotation elsewhere.
	RingReadEvery = 10 * time.Second

	// keyAnnounce is how long a key is published at least before a forced rotation: replicas read it some seconds after
	// it was made, and the key set that one served right before that is kept for its max-age.
	keyAnnounce = MaxAge + 3*RingReadEvery
)

func (s *Service) schedule() keyring.Schedule {
	return keyring.Schedule{Every: keySignsFor, Keep: s.config.AccessTTL + time.Hour, Lead: keyLead, Announce: keyAnnounce}
}

// Load reads the signing keys, makes those that are due and forgets those that are retired. Replicas may call it
// at the same time: the database decides whose new key counts. It returns keyring.ErrSealedByOther when the keys
// were sealed under a secret that this process does not have.
func (s *Service) Load(ctx context.Context) error {
	s.ringLock.Lock()
	defer s.ringLock.Unlock()
	now := s.clock.Now()
	ring, err := s.readRing(ctx)
	if err != nil {
		return err
	}
	for seq, from, due := ring.Due(now); due; seq, from, due = ring.Due(now) {
		if err := s.makeKey(ctx, seq, now, from); err != nil {
			return err
		}
		before := len(ring.Published(now))
		if ring, err = s.readRing(ctx); err != nil {
			return err
		}
		if len(ring.Published(now)) <= before {
			return errors.New("keys: a new signing key did not appear in the database")
		}
	}
	var retired []string
	for _, k := range ring.Retired(now) {
		retired = append(retired, k.ID)
	}
	if err := s.store.DeleteSigningKeys(ctx, retired); err != nil {
		return err
	}
	s.ring.Store(ring)
	s.ringAt = now
	return nil
}

func (s *Service) readRing(ctx context.Context) (*keyring.Ring, error) {
	rows, err := s.store.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]*keyring.Key, 0, len(rows))
	for _, row := range rows {
		key, stale, err := s.sealer.Open(keyring.Sealed{
			ID: row.KID, Alg: row.Alg, Seq: row.Seq, SignsFrom: row.SignsFrom, CreatedAt: row.CreatedAt, Ciphertext: row.Sealed,
		})
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", row.KID, err)
		}
		if stale {
			sealed, err := s.sealer.Seal(key)
			if err != nil {
				return nil, fmt.Errorf("reseal signing key: %w", err)
			}
			if err := s.store.ResealSigningKey(ctx, row.KID, row.Sealed, sealed); err != nil {
				return nil, err
			}
		}
		keys = append(keys, key)
	}
	return keyring.New(s.config.SigningAlg, keys, s.schedule()), nil
}

func (s *Service) makeKey(ctx context.Context, seq int64, now, from time.Time) error {
	key, err := keyring.Generate(s.config.SigningAlg, seq, now, from)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	sealed, err := s.sealer.Seal(key)
	if err != nil {
		return fmt.Errorf("seal signing key: %w", err)
	}
	return s.store.AddSigningKey(ctx, models.SigningKey{
		KID: key.ID, Alg: key.Alg, Seq: key.Seq, CreatedAt: now, SignsFrom: from, Sealed: sealed,
	})
}

// Current is the key that signs now. The ring is in memory: a request asks the database only if it was never read.
func (s *Service) Current(ctx context.Context) (*keyring.Key, error) {
	if s.ring.Load() == nil {
		if err := s.Load(ctx); err != nil {
			return nil, err
		}
	}
	key, ok := s.ring.Load().Signing(s.clock.Now())
	if !ok {
		return nil, errors.New("keys: no signing key has its turn yet")
	}
	return key, nil
}

// Find finds the key that signed a token. A kid that is not in the ring may be of a key that another replica has
// just made and put to work, by a second rotation within seconds: the ring is then read again, at most once a second.
func (s *Service) Find(kid string) (*keyring.Key, bool) {
	ring, now := s.ring.Load(), s.clock.Now()
	if ring == nil {
		return nil, false
	}
	key, ok := ring.Find(kid, now)
	if ok {
		return key, true
	}
	s.ringLock.Lock()
	stale := !auth.Fresh(s.ringAt, now, time.Second)
	if stale {
		s.ringAt = now // an attempt counts, or a database that is down would be asked for every forged token
	}
	s.ringLock.Unlock()
	if !stale {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := s.Load(ctx); err != nil {
		return nil, false
	}
	return s.ring.Load().Find(kid, now)
}

// JWKS is the document of the published public keys (RFC 7517 §5).
func (s *Service) JWKS(ctx context.Context) ([]byte, error) {
	if _, err := s.Current(ctx); err != nil {
		return nil, err
	}
	return s.ring.Load().JWKS(s.clock.Now()), nil
}

// Info describes one key to an operator.
type Info struct {
	ID, Alg              string
	CreatedAt, SignsFrom time.Time
	Signing, Next        bool
}

// List lists the published keys.
func (s *Service) List(ctx context.Context) ([]Info, error) {
	if err := s.Load(ctx); err != nil {
		return nil, err
	}
	now, ring := s.clock.Now(), s.ring.Load()
	current, _ := ring.Signing(now)
	var list []Info
	for _, k := range ring.Published(now) {
		list = append(list, Info{
			ID: k.ID, Alg: k.Alg, CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom,
			Signing: current != nil && k.ID == current.ID, Next: k.SignsFrom.After(now),
		})
	}
	return list, nil
}

// TooNew is the refusal of a rotation: verifiers may hold a key set that does not have the next key yet.
type TooNew struct{ From time.Time } // when it may sign

func (e *TooNew) Error() string {
	return fmt.Sprintf("the next signing key is too new: servers that hold a key set of the last %d minutes may not know it; it may sign from %s on",
		int(MaxAge.Minutes()), e.From.Format(time.RFC3339))
}

// RotateAnnounced makes the next key sign now; the old one stays published. Other replicas follow within seconds, and
// until then sign with the old key, which stays good. It returns TooNew while verifiers may not know the next key.
func (s *Service) RotateAnnounced(ctx context.Context) error { return s.rotate(ctx, false) }

// Rotate is RotateAnnounced without its refusal, for a key that must not sign a minute longer: verifiers that
// do not know the next key refuse tokens until they fetch the key set again.
func (s *Service) Rotate(ctx context.Context) error { return s.rotate(ctx, true) }

func (s *Service) rotate(ctx context.Context, insist bool) error {
	if err := s.Load(ctx); err != nil {
		return err
	}
	now, ring := s.clock.Now(), s.ring.Load()
	current, _ := ring.Signing(now)
	next, from, ok := ring.Next(now)
	if !ok {
		return errors.New("keys: there is no next signing key")
	}
	if next.CreatedAt.After(now) { // the clock was set back: all that is known is that the key is there now
		if err := s.store.RedateSigningKey(ctx, next.ID, now); err != nil {
			return err
		}
		from = now.Add(keyAnnounce)
	}
	if now.Before(from) && !insist {
		return &TooNew{From: from.Add(time.Second - 1).Truncate(time.Second)} // as it is printed
	}
	// The key that signs has its turn in the future when the clock was set back. It must not take over again then.
	for _, k := range []*keyring.Key{current, next} {
		if !k.SignsFrom.After(now) {
			continue
		}
		// Not found: another process rotated at the same moment, and that is what was wanted.
		if err := s.store.AdvanceSigningKey(ctx, k.ID, now); err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
	}
	return s.Load(ctx)
}
