package address

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/confirm"
	"latchkey/models"
)

// AskByApp is Ask for an app. It returns KindInvalidRequest of email, which leaves the confirmation good, KindNotFound if no mail is sent here, and
// the errors of confirm.Service.ByApp.
func (s *Service) AskByApp(ctx context.Context, a confirm.AppAct, email string) error {
	if !s.notify.Enabled() {
		return errNoMail
	}
	email = auth.TrimEmail(email)
	return s.confirm.ByApp(ctx, a, func(by confirm.ActingApp, p models.Proof) error {
		var bad auth.Fields
		if checkEmail(&bad, by.User, email); bad.Err() != nil {
			return bad.Err()
		}
		return s.ask(ctx, wanted{user: by.User, email: email, from: a.From, proof: p, app: &by})
	})
}
