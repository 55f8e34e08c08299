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

// signInKey is EmailKey within the gate, for callers who have not signed in.
func (s *Service) signInKey(ctx context.Context, typed string) (key string, err error) {
	if keys := auth.KeysOf(typed); len(keys) == 1 {
		return keys[0], nil
	}
	err = s.gate.Query(ctx, func() error {
		key, err = s.EmailKey(ctx, typed)
		return err
	})
	return key, err
}
