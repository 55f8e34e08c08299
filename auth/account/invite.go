package account

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/notify"
	"latchkey/models"
)

// FirstPasswordDetail marks the event of a password that was chosen with an invitation.
const FirstPasswordDetail = "invited"

// InvitationMail is the mail with the link to the first password of an account. It goes to the account's address at the time when
// it is written.
func (s *Service) InvitationMail(user models.User) models.MailWithLinks {
	now := s.clock.Now()
	l := notify.NewNotification(notify.KindInvited, auth.Caller{}, now)
	link, secret := notify.NewLink(user.ID, notify.LinkInvite, models.NewID(now).String(), now, notify.InviteLife) // a subject of its own: it replaces none
	l.Link, l.Until = secret, link.ExpiresAt
	return s.notify.Compose(user.ID, l, link)
}

// FindInvitation reads a link without using it, and returns its account. It returns KindDeadLink when the link cannot be used, and
// KindUsedLink with the account when it was used lately.
func (s *Service) FindInvitation(ctx context.Context, secret string) (models.User, error) {
	_, user, err := s.findInvitation(ctx, secret)
	return user, err
}

// findInvitation reads a link that was mailed to the address that its account has now, and that waits for its first password.
func (s *Service) findInvitation(ctx context.Context, secret string) (models.OneTime, models.User, error) {
	link, user, err := s.notify.FindLink(ctx, notify.LinkInvite, secret)
	if err == nil && !user.Invited() { // perhaps the link was used between the reading of the two: look again
		link, user, err = s.notify.FindLink(ctx, notify.LinkInvite, secret)
	}
	used := err != nil && auth.AsError(err).Kind == auth.KindUsedLink
	switch {
	case err != nil && !used:
	case link.MailedTo != user.EmailKey, !used && !user.Invited():
		err = notify.ErrDeadLink
	}
	return link, user, err
}

// AcceptInvitation uses the link up: it sets the first password, signs this browser in and mails the owner. The limits are those of
// ResetPassword. Refusals: KindDeadLink, KindUsedLink, KindInvalidRequest (of new_password; the link stays good), KindRateLimited,
// KindUnavailable.
func (s *Service) AcceptInvitation(ctx context.Context, secret string, r browser.Login) (key browser.Key, err error) {
	user, err := s.choosePassword(ctx, s.findInvitation, secret, r.Password, r.From)
	if err != nil {
		return key, err
	}
	if user, err = s.asChosen(ctx, user); err != nil {
		return key, err
	}
	return s.browsers.SignIn(ctx, user, models.ByInvitation, r.From, r.Replaces)
}

// asChosen reads an account again after its owner has chosen a password. A sign-in with it fails if it has another one by now.
func (s *Service) asChosen(ctx context.Context, chosen models.User) (models.User, error) {
	user, err := s.store.UserByID(ctx, chosen.ID)
	user.PasswordHash = chosen.PasswordHash
	return user, err
}
