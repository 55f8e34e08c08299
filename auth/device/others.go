package device

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/confirm"
	"latchkey/models"
)

// RevokeOthersByToken signs out all devices of the owner except the app's own and returns how many there were. It always needs a
// confirmation, even from an app that proves its key, because it signs the owner out everywhere else. Its errors are those of
// confirm.Service.ByApp.
func (s *Service) RevokeOthersByToken(ctx context.Context, a confirm.AppAct) (revoked int64, err error) {
	a.AnyPassword, a.WhileLocked = true, true
	err = s.confirm.ByApp(ctx, a, func(by confirm.ActingApp, p models.Proof) (err error) {
		e := by.Event(auth.NewEvent(models.EventDevicesRevoked, by.User.ID, a.From, s.clock.Now()))
		e.Detail = string(models.RevokedByOwner)
		revoked, err = s.store.RevokeOthers(ctx, by.User.ID, by.Device.ID, e, *p.Challenge)
		return err
	})
	return revoked, err
}
