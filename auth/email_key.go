package auth

import (
	"context"
	"errors"
	"time"

	"latchkey/models"
)

// EmailKey returns the key of the account with a typed address in any spelling or, failing that, of the account that may still take
// the address back. Otherwise it returns the key that a new account would get.
func EmailKey(ctx context.Context, store *models.Store, typed string, now time.Time) (string, error) {
	keys := keysOf(typed)
	if len(keys) == 1 {
		return keys[0], nil
	}
	key, err := store.FindEmailKey(ctx, keys, now)
	if errors.Is(err, models.ErrNotFound) {
		return SameEmail(typed), nil
	}
	return key, err
}
