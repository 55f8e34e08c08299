package operator

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/notify"
	"latchkey/models"
)

// SetEmail gives an account another address. Both addresses get a mail without a link, because a thief may read the mail of the
// former address. SetEmail returns KindNotFound, KindInvalidRequest, or KindEmailTaken.
func (s *Service) SetEmail(ctx context.Context, email, to string) error {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return err
	}
	return s.setEmail(ctx, commandLine, u, to)
}

func (s *Service) setEmail(ctx context.Context, client string, u models.User, to string) error {
	to = auth.TrimEmail(to)
	if problem := auth.ProblemWithEmail(to); problem != "" {
		return auth.InvalidField("email", problem)
	}
	key, err := auth.EmailKey(ctx, s.store, to, s.clock.Now())
	if err != nil {
		return err
	}
	e := s.event(client, models.EventEmailChanged, u.ID)
	tell := notify.Notification{Kind: notify.KindEmailChanged, At: e.At, ByOperator: true, After: auth.MaskEmail(to)}
	// The new address may be mistyped and a stranger's, so the mail does not tell the former address, which a person chose.
	news := notify.Notification{Kind: notify.KindEmailNew, At: e.At, ByOperator: true, After: to}
	var invitation models.MailWithLinks
	if u.DisabledAt == nil {
		invitation = s.accounts.InvitationMail(u)
	}
	err = s.store.SetEmail(ctx, models.EmailSetting{
		UserID: u.ID, From: u.EmailKey, Email: to, EmailKey: key, At: e.At, Event: e,
		LeftMail: s.notify.ComposeTo(u.Email, u.ID, tell), NewMail: s.notify.ComposeTo(to, u.ID, news), Invitation: invitation,
	})
	return account.EmailTaken(err)
}
