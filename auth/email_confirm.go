package auth

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"latchkey/models"
)

// EmailMove is a change of address.
type EmailMove struct{ From, To string }

// FindEmailChange reads a link without using it, and tells what it would do. KindDeadLink when it cannot be used.
func (s *Service) FindEmailChange(ctx context.Context, secret string) (EmailMove, error) {
	_, user, p, err := s.findEmailChange(ctx, secret)
	return EmailMove{From: user.Email, To: p.Email}, err
}

// findEmailChange reads a link whose account is as it was when its owner asked.
func (s *Service) findEmailChange(ctx context.Context, secret string) (link models.OneTime, user models.User, p pendingEmail, err error) {
	if link, user, err = s.findLink(ctx, linkEmail, secret); err != nil {
		return link, user, p, err
	}
	text, err := s.boxes.open(emailRow(link.Hash), link.Box)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return link, user, p, &Error{Kind: errDeadLink.Kind, Message: errDeadLink.Message, Cause: err}
	}
	if user.LockedAt != nil || user.EmailKey != p.From || user.PasswordHash != p.Hash {
		return link, user, p, errDeadLink
	}
	return link, user, p, nil
}

// ConfirmEmailChange uses the link up: the account has the new address from then on. The address that it leaves gets a
// mail with a link that takes it back, and the new one a mail, too. Devices stay signed in, and the places where the
// account is at home stay known: its owner's password was asked for, and to call the owner's own browsers new would
// only teach to overlook such mails. Nobody has to be signed in, but the password is asked for once more: an address that was
// mistyped is a stranger's, and with the account's address the stranger would have the account. Refusals: KindDeadLink,
// KindWrongPassword, KindInvalidRequest, KindRateLimited, KindEmailTaken, KindUnavailable; then nothing was changed.
func (s *Service) ConfirmEmailChange(ctx context.Context, secret, password string, from Caller) (EmailMove, error) {
	link, user, p, err := s.findEmailChange(ctx, secret)
	move := EmailMove{From: user.Email, To: p.Email}
	if err != nil {
		return move, err
	}
	var bad fields
	if bad.text("password", password, maxPassword); bad.err() != nil {
		return move, bad.err()
	}
	if err := s.confirmPassword(ctx, user, password, from); err != nil {
		return move, err
	}
	now := s.now()
	undo, takeBack := newLink(user.ID, "", "", now, EmailUndoLife)
	tell := letter(LetterEmailChanged, from, now)
	tell.After = veil(p.Email)
	left := s.noticeTo(user.Email, user.ID, tell)
	tell.Link, tell.Until = takeBack, undo.ExpiresAt
	news := letter(LetterEmailNew, from, now)
	news.Before, news.After = user.Email, p.Email
	err = s.store.ChangeEmail(ctx, models.EmailChange{
		Link: link.Hash, UserID: user.ID, From: p.From, Verified: p.Hash, Email: p.Email, EmailKey: foldEmail(p.Email), At: now,
		Former: models.FormerAddress{
			Hash: undo.Hash, UserID: user.ID, Email: user.Email, EmailKey: user.EmailKey, CreatedAt: now, ExpiresAt: undo.ExpiresAt,
		},
		Event: s.event(models.EventEmailChanged, user.ID, from, now),
		Undo:  s.noticeTo(user.Email, user.ID, tell), Left: left, News: s.noticeTo(p.Email, user.ID, news),
	})
	if errors.Is(err, models.ErrDuplicate) {
		return move, &Error{Kind: KindEmailTaken, Message: "This address belongs to another account by now, or is kept for one. Nothing was changed.", Cause: err}
	}
	if err == nil {
		s.kickMail()
	}
	return move, deadLink(err)
}

// veiledDomain is how many characters of a domain a veiled address has.
const veiledDomain = 40

// veil is an address as its former owner, who may be anybody by now, is told of it. Of a long domain the end is left: it could
// hold whole sentences.
func veil(email string) string {
	at := strings.LastIndexByte(email, '@')
	domain := []rune(email[at+1:])
	if len(domain) > veiledDomain {
		domain = append([]rune{'…'}, domain[len(domain)-veiledDomain+1:]...)
	}
	_, first := utf8.DecodeRuneInString(email)
	return email[:first] + "…@" + string(domain)
}
