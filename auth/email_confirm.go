package auth

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/models"
)

// EmailMove is a change of address.
type EmailMove struct{ From, To string }

// FindEmailChange reads a link without using it, and tells what it would do. KindDeadLink when it cannot be used; with one
// whose address the account has already comes KindUsedLink.
func (s *Service) FindEmailChange(ctx context.Context, secret string) (EmailMove, error) {
	_, user, p, err := s.findEmailChange(ctx, secret)
	return EmailMove{From: user.Email, To: p.Email}, err
}

// findEmailChange reads a link whose account is as it was when its owner asked. It looks twice: between its two reads
// another press of the button may have used the link.
func (s *Service) findEmailChange(ctx context.Context, secret string) (link models.OneTime, user models.User, p pendingEmail, err error) {
	for range 2 {
		if link, user, p, err = s.readEmailChange(ctx, secret); AsError(err).Kind != KindDeadLink {
			break
		}
	}
	return link, user, p, err
}

func (s *Service) readEmailChange(ctx context.Context, secret string) (link models.OneTime, user models.User, p pendingEmail, err error) {
	link, user, err = s.findLink(ctx, linkEmail, secret)
	used := err != nil && AsError(err).Kind == KindUsedLink
	if err != nil && !used {
		return link, user, p, err
	}
	text, err := s.boxes.open(emailRow(link.Hash), link.Box)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return link, user, p, &Error{Kind: errDeadLink.Kind, Message: errDeadLink.Message, Cause: err}
	}
	if sameEmail(user.EmailKey) == sameEmail(p.Email) { // by this link, or by another one that was mailed for the same wish
		return link, user, p, errUsedLink
	}
	if used || user.LockedAt != nil || user.EmailKey != p.From || user.PasswordHash != p.Hash {
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
	key, err := s.emailKey(ctx, p.Email)
	if err != nil {
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
		Link: link.Hash, UserID: user.ID, From: p.From, Verified: p.Hash, Email: p.Email, EmailKey: key, At: now,
		Former: models.FormerAddress{
			Hash: undo.Hash, UserID: user.ID, Email: user.Email, EmailKey: user.EmailKey, CreatedAt: now, ExpiresAt: undo.ExpiresAt,
		},
		Again: func(f models.FormerAddress) (models.FormerAddress, models.Notice) { return s.fresh(f, tell, now) },
		Event: s.event(models.EventEmailChanged, user.ID, from, now),
		Undo:  s.noticeTo(user.Email, user.ID, tell), Left: left, News: s.noticeTo(p.Email, user.ID, news),
	})
	if errors.Is(err, models.ErrDuplicate) {
		return move, &Error{Kind: KindEmailTaken, Message: "This e-mail address belongs to another account by now, or is kept for one. Nothing was changed.", Cause: err}
	}
	if errors.Is(err, models.ErrTooManyWaysBack) {
		return move, &Error{Kind: KindNotAllowed, Message: "The e-mail address of this account was changed too often lately. Nothing was changed. Try again in a few days.", Cause: err}
	}
	if err == nil {
		s.kickMail()
	}
	return move, usedOrDead(err, func() error {
		_, err := s.FindEmailChange(ctx, secret)
		return err
	})
}

// fresh makes one more way back to an address that the account had before the one that it leaves now.
func (s *Service) fresh(f models.FormerAddress, tell Letter, now time.Time) (models.FormerAddress, models.Notice) {
	link, secret := newLink(f.UserID, "", "", now, EmailUndoLife)
	f.Hash, f.ExpiresAt = link.Hash, link.ExpiresAt
	tell.Link, tell.Until, tell.Again = secret, link.ExpiresAt, true
	return f, s.noticeTo(f.Email, f.UserID, tell)
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
