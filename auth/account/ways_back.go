package account

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/signin"
	"latchkey/models"
)

// WaysBack lists the addresses that can take the account back now.
func (s *Service) WaysBack(ctx context.Context, by *signin.Session) ([]models.WayBack, error) {
	return s.store.WaysBack(ctx, by.User, s.clock.Now())
}

// EndWaysBack ends the ways back to addresses that the account came to after its present one, and returns how many there
// were. It asks for no password, since it ends none to an older address: those end by themselves, or a thief with the
// password would end the owner's.
func (s *Service) EndWaysBack(ctx context.Context, by *signin.Session, from auth.Caller) (ended int64, err error) {
	return s.store.EndWaysBack(ctx, by.User.ID, auth.NewEvent(models.EventWaysBackEnded, by.User.ID, from, s.clock.Now()))
}
