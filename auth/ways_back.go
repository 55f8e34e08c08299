package auth

import (
	"context"

	"latchkey/models"
)

// WaysBack lists the addresses that can take the account back now.
func (s *Service) WaysBack(ctx context.Context, by *Session) ([]models.WayBack, error) {
	return s.store.WaysBack(ctx, by.User, s.now())
}

// EndWaysBack ends the ways back to addresses that the account came to after its present one, and returns how many there
// were. It asks for no password, since it ends none to an older address: those end by themselves, or a thief with the
// password would end the owner's.
func (s *Service) EndWaysBack(ctx context.Context, by *Session, from Caller) (ended int64, err error) {
	return s.store.EndWaysBack(ctx, by.User.ID, s.event(models.EventWaysBackEnded, by.User.ID, from, s.now()))
}
