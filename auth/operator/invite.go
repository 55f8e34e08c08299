package operator

import (
	"context"
	"errors"
	"fmt"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/models"
)

var errInviteNeedsMail = &auth.Error{
	Kind: auth.KindInvalidRequest, Message: "an invitation is a mail, and no mail is sent here: set LATCHKEY_SMTP_URL and LATCHKEY_MAIL_FROM",
}

// AddInvited creates an account with a password that no one knows, and mails its address a link to choose one. Refusals:
// KindInvalidRequest (of email, or no mail is sent here), KindEmailTaken.
func (s *Service) AddInvited(ctx context.Context, email, role string) (models.User, error) {
	if !s.notify.Enabled() {
		return models.User{}, errInviteNeedsMail
	}
	return s.addUser(ctx, account.NewAccount{Email: email, Password: NewPassword(s.accounts.Config().PasswordMin), Role: role, Invited: true})
}

// Invite mails another link to an account that was invited and has no password of its owner's yet. Earlier links stay good.
// Refusals: KindNotFound, KindInvalidRequest (no mail is sent here), KindNotAllowed (the account is disabled, or not waiting).
func (s *Service) Invite(ctx context.Context, email string) error {
	if !s.notify.Enabled() {
		return errInviteNeedsMail
	}
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return err
	}
	err = s.store.InviteUser(ctx, u.ID, s.event(commandLine, models.EventInvited, u.ID), s.accounts.InvitationMail(u))
	if !errors.Is(err, models.ErrChanged) {
		return err
	}
	message := fmt.Sprintf("%s has a password already: its owner can choose a new one on the page /forgot, or use user set-password", u.Email)
	if u.DisabledAt != nil {
		message = fmt.Sprintf("%s is disabled: enable it first", u.Email)
	}
	return &auth.Error{Kind: auth.KindNotAllowed, Message: message, Cause: err}
}
