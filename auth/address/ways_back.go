package address

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/signin"
	"latchkey/models"
)

// WaysBack returns the former addresses that can take the account back now.
func (s *Service) WaysBack(ctx context.Context, by *signin.Session) ([]models.WayBack, error) {
	return s.store.WaysBack(ctx, by.User, s.clock.Now())
}

// EndWaysBack ends the ways back to addresses that the account got after its present one, and returns how many there were. It asks
// for no password, because it cannot end ways back to older addresses. Those expire by themselves; otherwise a thief with the
// password could end the owner's.
func (s *Service) EndWaysBack(ctx context.Context, by *signin.Session, from auth.Caller) (ended int64, err error) {
	return s.store.EndWaysBack(ctx, by.User.ID, auth.NewEvent(models.EventWaysBackEnded, by.User.ID, from, s.clock.Now()))
}
