package deletion

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/confirm"
	"latchkey/models"
)

// DeleteByApp is Delete for an app, whose confirmation stands for the address that the portal asks for. It returns KindNotAllowed for support
// staff and while a former address can be taken back, which leaves the confirmation good, and the errors of confirm.Service.ByApp.
func (s *Service) DeleteByApp(ctx context.Context, a confirm.AppAct) error {
	var had []string
	var user uuid.UUID
	err := s.confirm.ByApp(ctx, a, func(by confirm.ActingApp, p models.Proof) (err error) {
		if by.User.Role == models.RoleSupport {
			return errStaffStays
		}
		user = by.User.ID
		if had, err = s.delete(ctx, by.User, p, a.From, by.Device.Name); errors.Is(err, models.ErrWayBack) {
			return auth.Refuse(auth.KindNotAllowed, sayWayBack)
		}
		return err
	})
	if err == nil {
		s.finishSoon(ctx, user, had)
	}
	return err
}
