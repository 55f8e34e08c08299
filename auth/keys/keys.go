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

// MaxAge is how long clients may cache the key set (Cache-Control: max-age).
const MaxAge = 5 * time.Minute

const (
	keySignsFor = 30 * 24 * time.Hour // how long a key signs
	keyLead     = time.Hour           // how long a key is published before it signs, at least
	// RingReadEvery is how soon a process sees a rotation by another one.
	RingReadEvery = 10 * time.Second

	// keyAnnounce is how long a key must be published before RotateAnnounced or a change of algorithm makes it sign. Replicas read a key
	// some seconds after it was made, and clients may cache a key set from just before that for MaxAge. Rotate does not wait for this.
	keyAnnounce = MaxAge + 3*RingReadEvery
)

func (s *Service) schedule() keyring.Schedule {
	return keyring.Schedule{Every: keySignsFor, Keep: s.config.AccessTTL + time.Hour, Lead: keyLead, Announce: keyAnnounce}
}

// Load reads the signing keys, reseals those that a previous secret sealed, generates those that are due and deletes those that are
// retired. Replicas may call it at the same time: the database decides whose new key counts. Load returns keyring.ErrSealedByOther if a
// key was sealed under a secret that this process does not have.
func (s *Service) Load(ctx context.Context) error {
	s.ringLock.Lock()
	defer s.ringLock.Unlock()
	return s.load(ctx)
}

// load is Load, for a caller that holds ringLock.
func (s *Service) load(ctx context.Context) error {
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
	s.loadedAt.Store(now.Unix())
	return nil
}

func (s *Service) readRing(ctx context.Context) (*keyring.Ring, error) {
	rows, err := s.store.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]*keyring.Key, 0, len(rows))
	for _, row := range rows {
		key, stale, err := s.openRow(row)
		if err != nil {
			return nil, err
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

// openRow opens a stored key. stale says that a previous secret sealed it.
func (s *Service) openRow(row models.SigningKey) (key *keyring.Key, stale bool, err error) {
	key, stale, err = s.sealer.Open(keyring.Sealed{
		ID: row.KID, Alg: row.Alg, Seq: row.Seq, SignsFrom: row.SignsFrom, CreatedAt: row.CreatedAt, Ciphertext: row.Sealed,
	})
	if err != nil {
		return nil, false, fmt.Errorf("signing key %s: %w", row.KID, err)
	}
	return key, stale, nil
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

// Current returns the key that signs now. It uses the database only if Load has not succeeded yet.
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

// Find returns the published key with the id kid. If this process does not know the id, another replica may just have made the key and,
// after a second rotation, begun to sign with it. So Find then calls Load, at most once a second.
func (s *Service) Find(kid string) (*keyring.Key, bool) {
	if key, ok := s.findRead(kid); ok {
		return key, true
	}
	s.ringLock.Lock()
	defer s.ringLock.Unlock()
	if s.ring.Load() == nil || auth.Fresh(s.ringAt, s.clock.Now(), time.Second) {
		return s.findRead(kid) // another call may have read the key while this one waited
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := s.load(ctx)
	s.ringAt = s.clock.Now() // also after a slow or failed read: of the forged tokens that wait for it, none causes another
	if err != nil {
		return nil, false
	}
	return s.findRead(kid)
}

// findRead is Find in the keys that were read last.
func (s *Service) findRead(kid string) (*keyring.Key, bool) {
	ring := s.ring.Load()
	if ring == nil {
		return nil, false
	}
	return ring.Find(kid, s.clock.Now())
}

// Known is Find that also returns a retired key as long as this process knows it.
func (s *Service) Known(kid string) (*keyring.Key, bool) {
	if ring := s.ring.Load(); ring != nil {
		if key, _ := ring.Find(kid, s.clock.Now()); key != nil {
			return key, true
		}
	}
	return s.Find(kid)
}

// JWKS returns the JSON Web Key Set of the published public keys (RFC 7517 §5).
func (s *Service) JWKS(ctx context.Context) ([]byte, error) {
	if _, err := s.Current(ctx); err != nil {
		return nil, err
	}
	return s.ring.Load().JWKS(s.clock.Now()), nil
}

// Info describes a key to an operator.
type Info struct {
	ID, Alg              string
	CreatedAt, SignsFrom time.Time
	Signing, Next        bool
}

// List calls Load, which may make and delete keys, and returns the published keys.
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

// TooNew refuses a rotation, because verifiers may have cached a key set without the next key.
type TooNew struct{ From time.Time } // when the key may sign

func (e *TooNew) Error() string {
	return fmt.Sprintf("the next signing key is too new: servers that hold a key set of the last %d minutes may not know it; it may sign from %s on",
		int(MaxAge.Minutes()), e.From.Format(time.RFC3339))
}

// RotateAnnounced makes the next key sign now. The old key stays published. Other replicas follow within seconds and sign with the
// old key until then. RotateAnnounced returns a *TooNew while verifiers may not know the next key.
func (s *Service) RotateAnnounced(ctx context.Context) error { return s.rotate(ctx, false) }

// Rotate is RotateAnnounced without that check, for a key that must stop signing at once. Verifiers that do not know the next key
// refuse tokens until they fetch the key set again.
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
	if next.CreatedAt.After(now) { // the clock was set back: it is only known that the key exists now
		if err := s.store.RedateSigningKey(ctx, next.ID, now); err != nil {
			return err
		}
		from = now.Add(keyAnnounce)
	}
	if now.Before(from) && !insist {
		return &TooNew{From: from.Add(time.Second - 1).Truncate(time.Second)} // rounded up, as Error prints seconds
	}
	// If the clock was set back, the current key's turn is in the future. It must not sign again then.
	for _, k := range []*keyring.Key{current, next} {
		if !k.SignsFrom.After(now) {
			continue
		}
		// ErrNotFound: another process rotated at the same moment, which is what the caller wants.
		if err := s.store.AdvanceSigningKey(ctx, k.ID, now); err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
	}
	return s.Load(ctx)
}
