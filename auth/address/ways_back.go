package address

import (
	"context"
	"slices"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/models"
)

// WaysBack returns the former addresses that can take the account back now.
func (s *Service) WaysBack(ctx context.Context, by *browser.Session) ([]models.WayBack, error) {
	return s.store.WaysBack(ctx, by.User, s.clock.Now())
}

// EndWaysBack ends the ways back to addresses that the account got after its present one, and returns how many there were. It cannot
// end ways back to older addresses. Those expire by themselves; otherwise a thief with the password could end the owner's. Where there is
// nothing to end, nothing is asked. EndWaysBack returns KindInvalidRequest (of current_password and code) and the errors of confirm.Service.Act.
func (s *Service) EndWaysBack(ctx context.Context, by *browser.Session, c confirm.Confirmation) (ended int64, err error) {
	ways, err := s.WaysBack(ctx, by)
	if err != nil || !slices.ContainsFunc(ways, func(w models.WayBack) bool { return w.Later }) {
		return 0, err
	}
	err = s.confirm.Act(ctx, by, c, func(p models.Proof) (err error) {
		ended, err = s.store.EndWaysBack(ctx, auth.NewEvent(models.EventWaysBackEnded, by.User.ID, c.From, s.clock.Now()), p)
		return err
	})
	return ended, err
}
