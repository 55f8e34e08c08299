package operator

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/notify"
	"latchkey/models"
)

// SetEmail gives an account another address, for an operator. Both addresses get a mail, and neither a link: perhaps a
// thief reads the mail of the former one. Refusals: KindNotFound, KindInvalidRequest, KindEmailTaken.
func (s *Service) SetEmail(ctx context.Context, email, to string) error {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return err
	}
	to = auth.TrimEmail(to)
	if problem := auth.ProblemWithEmail(to); problem != "" {
		return auth.InvalidField("email", problem)
	}
	key, err := s.signIn.EmailKey(ctx, to)
	if err != nil {
		return err
	}
	e := s.event(models.EventEmailChanged, u.ID)
	tell := notify.Notification{Kind: notify.KindEmailChanged, At: e.At, ByOperator: true, After: auth.MaskEmail(to)}
	// The new address may be mistyped and a stranger's: it is not told what the account was called, which a person chose.
	news := notify.Notification{Kind: notify.KindEmailNew, At: e.At, ByOperator: true, After: to}
	var invitation models.Notice
	if u.DisabledAt == nil {
		invitation = s.accounts.InvitationMail(u)
	}
	err = s.store.SetEmail(ctx, models.EmailSetting{
		UserID: u.ID, From: u.EmailKey, Email: to, EmailKey: key, At: e.At, Event: e,
		Left: s.notify.ComposeTo(u.Email, u.ID, tell), News: s.notify.ComposeTo(to, u.ID, news), Invitation: invitation,
	})
	return account.EmailTaken(err)
}
