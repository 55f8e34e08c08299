package keys

import (
	"context"
	"time"

	"latchkey/auth/keyring"
)

// Inspection is what Inspect found.
type Inspection struct {
	Published  []string  // the ids of the keys that belong in the key set; empty: no key was made yet
	Alg        string    // of the key that signs
	SignsSince time.Time // when that key's turn began; in the future if a clock was set back
	Overdue    bool      // a key is due that a running server would have made
	Stale      int       // keys that a previous secret sealed
}

// Inspect reads the signing keys and changes nothing: unlike Load it makes no key. It returns keyring.ErrSealedByOther if a key was
// sealed under a secret that this process does not have.
func (s *Service) Inspect(ctx context.Context) (found Inspection, err error) {
	rows, err := s.store.SigningKeys(ctx)
	if err != nil || len(rows) == 0 {
		return found, err
	}
	now := s.clock.Now()
	var list []*keyring.Key
	for _, row := range rows {
		key, stale, err := s.openRow(row)
		if err != nil {
			return found, err
		}
		if stale {
			found.Stale++
		}
		list = append(list, key)
	}
	ring := keyring.New(s.config.SigningAlg, list, s.schedule())
	for _, key := range ring.Published(now) {
		found.Published = append(found.Published, key.ID)
	}
	if current, ok := ring.Signing(now); ok {
		found.Alg, found.SignsSince = current.Alg, current.SignsFrom
	}
	_, _, found.Overdue = ring.Due(now)
	return found, nil
}
