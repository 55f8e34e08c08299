package account

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/confirm"
	"latchkey/models"
)

// ChangePasswordByApp is ChangePassword for an app: it signs out all devices but the app's own, and returns how many. It returns
// KindInvalidRequest of new_password, which leaves the confirmation good, and the errors of confirm.Service.ByApp.
func (s *Service) ChangePasswordByApp(ctx context.Context, a confirm.AppAct, chosen string) (revoked int64, err error) {
	a.AnyPassword = true
	err = s.confirm.ByApp(ctx, a, func(by confirm.ActingApp, p models.Proof) (err error) {
		if problem := s.ProblemWithPassword(by.User.Email, chosen); problem != "" {
			return auth.InvalidField("new_password", problem)
		}
		revoked, err = s.changePassword(ctx, newPassword{user: by.User, keep: by.Device.ID, chosen: chosen, from: a.From, proof: p, app: &by})
		return err
	})
	return revoked, err
}

// CanSignUp reports whether people may create accounts: the operator allows it, and mail can be sent.
func (s *Service) CanSignUp() bool { return s.config.SignupOpen && s.notify.Enabled() }

// CanReset reports whether a mail can reset a password.
func (s *Service) CanReset() bool { return s.notify.Enabled() }
