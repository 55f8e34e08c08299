package factor

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"latchkey/auth/seal"
	"latchkey/auth/totp"
)

// resealBatch is how many secrets are read at a time.
const resealBatch = 500

// Reseal seals the secrets of authenticator apps under the present server secret that a previous one sealed, and returns how many. After
// that the previous secret can go. Without a previous secret, Reseal reads nothing. A secret that no configured server secret opens is logged
// and left.
func (s *Service) Reseal(ctx context.Context) (resealed int, err error) {
	if !s.sealer.Changing() {
		return 0, nil
	}
	var user, id uuid.UUID
	for {
		list, err := s.store.SealedFactors(ctx, user, id, resealBatch)
		if err != nil {
			return resealed, err
		}
		for _, f := range list {
			user, id = f.UserID, f.ID
			secret, stale, err := totp.Open(s.sealer, f.UserID, f.Data)
			switch {
			case errors.Is(err, seal.ErrSealedByOther):
				s.log.WarnContext(ctx, "no server secret opens the secret of an authenticator app", "user", f.UserID)
				continue
			case err != nil:
				return resealed, err
			case !stale:
				continue
			}
			if err := s.store.ResealFactor(ctx, f, totp.Seal(s.sealer, f.UserID, secret)); err != nil {
				return resealed, err
			}
			resealed++
		}
		if len(list) < resealBatch {
			return resealed, nil
		}
	}
}
