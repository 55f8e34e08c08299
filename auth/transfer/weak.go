package transfer

import (
	"context"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/password"
	"latchkey/auth/password/foreign"
	"latchkey/models"
)

// DropWeak takes weak imported hashes that were not used within WeakLife out of their accounts, and returns how many. Their owners need a
// password reset then, and read so in their activity.
func (s *Service) DropWeak(ctx context.Context) (int64, error) {
	e := auth.NewEvent(models.EventPasswordDropped, uuid.Nil, auth.Caller{}, s.clock.Now())
	e.Actor = models.ActorSystem
	return s.store.DropWeakHashes(ctx, foreign.Mark, password.None, e)
}
