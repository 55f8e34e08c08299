package device

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/confirm"
	"latchkey/models"
)

// RevokeOthersByToken signs out every device and browser of the owner but the app's own, and returns how many there were. Only a confirmation
// will do, also for an app that proves its key: the act takes all that the owner has elsewhere. The errors are those of confirm.Service.ByApp.
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
