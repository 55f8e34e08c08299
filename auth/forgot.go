package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"github.com/google/uuid"

	"latchkey/models"
)

var errNoMail = &Error{Kind: KindNotFound, Message: "No mail is sent here. Ask whoever runs this service for a new password."}

// ForgotPassword mails a link by which the owner of an address chooses a new password. Whether there is such an account,
// and whether it is open, neither the answer tells nor what it costs: an address that nobody has gets the same limits
// and the same writes, and a mail that the sender throws away. A newer link ends no older one, or a stranger's request would
// end the owner's: each lives its ResetLife, and the limits on mails bound how many there are. Refusals:
// KindInvalidRequest, KindRateLimited, KindNotFound (no mail is sent here), KindUnavailable.
func (s *Service) ForgotPassword(ctx context.Context, email string, from Caller) error {
	if !s.mailing() {
		return errNoMail
	}
	var bad fields
	bad.text("email", TrimEmail(email), maxEmail)
	if err := bad.err(); err != nil {
		return err
	}
	return s.mailReset(ctx, email, from, func(key string) []quota {
		return []quota{{s.hide("forgot", key), maxForgotten}, s.networkQuota(from, maxNetForgotten, "forgot network")}
	})
}

// mailReset mails the link to a new password to the owner of an address, within the quotas of its folded form.
func (s *Service) mailReset(ctx context.Context, email string, from Caller, quotas func(key string) []quota) error {
	err := s.door.query(ctx, func() error {
		key, err := s.emailKey(ctx, email)
		if err != nil {
			return err
		}
		if err := s.countRequest(ctx, quotas(key)...); err != nil {
			return err
		}
		user, err := s.store.UserByEmail(ctx, key)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		err = s.store.AddNotice(ctx, s.resetNotice(user, err == nil && user.DisabledAt == nil, from))
		if errors.Is(err, models.ErrNotFound) {
			return nil // deleted meanwhile: nobody is there to be mailed
		}
		return err
	})
	if err == nil {
		s.kickMail()
	}
	return err
}

// resetNotice is the mail with the link, or one for nobody that costs the same.
func (s *Service) resetNotice(user models.User, known bool, from Caller) models.Notice {
	now := s.now()
	l, id, recipient := letter(LetterReset, from, now), user.ID, user.Email
	if !known {
		l.Kind, id, recipient = LetterNone, uuid.Nil, "-"
	}
	link, secret := newLink(id, linkReset, models.NewID(now).String(), now, ResetLife) // a subject of its own: it replaces none
	link.Box = mailedTo(user.EmailKey)
	l.Link, l.Until = secret, link.ExpiresAt
	n := s.notice(id, l, link)
	n.Mail.Recipient = recipient
	return n
}

// FindReset reads a link without using it, and tells whose password it replaces. KindDeadLink when it cannot be used; with
// one that was used lately comes KindUsedLink.
func (s *Service) FindReset(ctx context.Context, secret string) (models.User, error) {
	_, user, err := s.findReset(ctx, secret)
	return user, err
}

// findReset reads a link that was mailed to the address that its account has now. Another one may have been written at
// the moment in which the account left its address.
func (s *Service) findReset(ctx context.Context, secret string) (link models.OneTime, user models.User, err error) {
	link, user, err = s.findLink(ctx, linkReset, secret)
	if (err == nil || AsError(err).Kind == KindUsedLink) && !bytes.Equal(link.Box, mailedTo(user.EmailKey)) {
		err = errDeadLink
	}
	return link, user, err
}

// mailedTo notes with a link to which address it went.
func mailedTo(emailKey string) []byte {
	hash := sha256.Sum256([]byte(emailKey))
	return hash[:]
}

// ResetPassword uses the link up: it sets the new password, unlocks it, signs out every device and mails the owner.
// Of one account one is under way at a time, and a link is tried maxResetTries times in a window: a refused password leaves it
// good, so that it could keep the hashing busy. Refusals: KindDeadLink, KindUsedLink, KindInvalidRequest (of new_password; the
// link stays good), KindRateLimited, KindUnavailable.
func (s *Service) ResetPassword(ctx context.Context, secret, password string, from Caller) error {
	user, err := s.FindReset(ctx, secret)
	if err != nil {
		return err
	}
	free, err := s.slots.take(ctx, "reset "+user.ID.String(), slotsOfMark, func() {})
	if err != nil {
		return err
	}
	defer free()
	link, user, err := s.findReset(ctx, secret) // perhaps whoever went before has used it
	if err != nil {
		return err
	}
	if problem := s.problemWithPassword(user.Email, password); problem != "" {
		return invalidField("new_password", problem)
	}
	leave, err := s.door.enter(from)
	if err != nil {
		return err
	}
	defer leave()
	err = s.door.query(ctx, func() error { return s.countRequest(ctx, quota{s.hide("reset tries", LinkID(secret)), maxResetTries}) })
	if err != nil {
		return err
	}
	same, _, err := s.hasher.Verify(ctx, user.PasswordHash, password)
	if err != nil {
		return err
	}
	if same { // perhaps what a thief knows: the reason to be here
		return invalidField("new_password", "Choose a password other than the current one.")
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	now := s.now()
	_, err = s.store.ResetPassword(ctx, models.PasswordReset{
		Purpose: linkReset, Link: link.Hash, UserID: user.ID, EmailKey: user.EmailKey, PasswordHash: hash, At: now, FreshStart: s.freshStart(user, from),
		Event:  s.event(models.EventPasswordReset, user.ID, from, now),
		Notice: s.alarm(user.ID, letter(LetterPasswordChanged, from, now), ""),
	})
	if err == nil {
		s.kickMail()
	}
	return usedOrDead(err, func() error {
		_, err := s.FindReset(ctx, secret)
		return err
	})
}
