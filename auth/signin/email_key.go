package signin

import (
	"context"
	"errors"

	"latchkey/auth"
	"latchkey/models"
)

// EmailKey is the key of the account that has a typed address, in whatever spelling, or else of the one that may still take it back.
// Without any it is the key that a new account gets.
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

// signInKey is EmailKey for callers of whom there may be any number.
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
