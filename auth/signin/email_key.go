package signin

import (
	"context"
	"errors"

	"latchkey/auth"
	"latchkey/models"
)

// EmailKey returns the key of the account with a typed address in any spelling or, failing that, of the account that may still take
// the address back. Otherwise it returns the key that a new account would get.
func (s *Service) EmailKey(ctx context.Context, typed string) (string, error) {
	keys := auth.KeysOf(typed)
	if len(keys) == 1 {
		return keys[0], nil
	}
	key, err := s.store.FindEmailKey(ctx, keys, s.clock.Now())
	if errors.Is(err, models.ErrNotFound) {
		return auth.SameEmail(typed), nil
	}
	return key, err
}
