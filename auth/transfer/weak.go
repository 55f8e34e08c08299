package transfer

import (
	"context"

	"latchkey/auth/password"
	"latchkey/auth/password/foreign"
)

// DropWeak takes weak imported hashes that were not used within WeakLife out of their accounts, and returns how many. Their owners need a
// password reset then.
func (s *Service) DropWeak(ctx context.Context) (int64, error) {
	return s.store.DropWeakHashes(ctx, foreign.Mark, password.None, s.clock.Now())
}
