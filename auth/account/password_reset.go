package account

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

var errNoMail = &auth.Error{Kind: auth.KindNotFound, Message: "This service doesn’t send e-mail. Ask your administrator for a new password."}

// RequestPasswordReset mails the link of a password reset to the owner of an address. The response and its cost are the same
// whether or not the address has an enabled account: an unknown address gets the same limits and writes, and a mail that is
// discarded instead of sent. A newer link does not end older ones. Otherwise a stranger's request would end the owner's link.
// RequestPasswordReset returns KindInvalidRequest, KindRateLimited, KindNotFound if no mail is sent here, or KindUnavailable.
func (s *Service) RequestPasswordReset(ctx context.Context, email string, from auth.Caller) error {
	if !s.notify.Enabled() {
		return errNoMail
	}
	var bad auth.Fields
	bad.Text("email", auth.TrimEmail(email), auth.MaxEmail)
	if err := bad.Err(); err != nil {
		return err
	}
	return s.mailPasswordReset(ctx, email, from, func(key string) []ratelimit.Quota {
		return []ratelimit.Quota{s.limits.Quota(ratelimit.MaxForgotten, "forgot", key), s.limits.NetworkQuota(from, ratelimit.MaxNetForgotten, "forgot network")}
	})
}

// mailPasswordReset mails the link of a password reset to the owner of an address, within the quotas for its key.
func (s *Service) mailPasswordReset(ctx context.Context, email string, from auth.Caller, quotas func(key string) []ratelimit.Quota) error {
	err := s.gate.Query(ctx, func() error {
		key, err := auth.EmailKey(ctx, s.store, email, s.clock.Now())
		if err != nil {
			return err
		}
		if err := s.limits.CountRequest(ctx, quotas(key)...); err != nil {
			return err
		}
		user, err := s.store.UserByEmail(ctx, key)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		err = s.store.AddMail(ctx, s.PasswordResetMail(user, err == nil && user.DisabledAt == nil, from))
		if errors.Is(err, models.ErrNotFound) {
			return nil // deleted since it was read: there is no person to mail
		}
		return err
	})
	if err == nil {
		s.notify.Wake()
	}
	return err
}

// PasswordResetMail returns the mail with the link, or, if known is false, a mail that costs the same and is discarded.
func (s *Service) PasswordResetMail(user models.User, known bool, from auth.Caller) models.MailWithLinks {
	now := s.clock.Now()
	l, id, recipient := notify.NewNotification(notify.KindPasswordReset, from, now), user.ID, user.Email
	if !known {
		l.Kind, id, recipient = notify.KindNone, uuid.Nil, "-"
	}
	link, secret := notify.NewLink(id, notify.LinkPasswordReset, models.NewID(now).String(), now, notify.ResetLife) // each link has its own subject, so it replaces no other
	link.Payload = mailedTo(user.EmailKey)
	l.Link, l.Until = secret, link.ExpiresAt
	n := s.notify.Compose(id, l, link)
	n.Mail.Recipient = recipient
	return n
}

// FindPasswordReset returns the account whose password a link resets, without using the link. It returns KindDeadLink if the link
// cannot be used, and KindUsedLink together with the account if it was used recently.
func (s *Service) FindPasswordReset(ctx context.Context, secret string) (models.User, error) {
	_, user, err := s.findPasswordReset(ctx, secret)
	return user, err
}

// findPasswordReset reads a link that was mailed to the account's present address. A link to a former address can exist if it was
// written at the moment when the account left that address.
func (s *Service) findPasswordReset(ctx context.Context, secret string) (link models.OneTime, user models.User, err error) {
	link, user, err = s.notify.FindLink(ctx, notify.LinkPasswordReset, secret)
	if (err == nil || auth.AsError(err).Kind == auth.KindUsedLink) && !bytes.Equal(link.Payload, mailedTo(user.EmailKey)) {
		err = notify.ErrDeadLink
	}
	return link, user, err
}

// mailedTo returns the payload of a link: a hash of the address that it went to.
func mailedTo(emailKey string) []byte {
	hash := sha256.Sum256([]byte(emailKey))
	return hash[:]
}

// ResetPassword uses the link: it sets the new password, unlocks it, removes the factors that are younger than models.YoungFactor,
// signs out every device and mails the owner. One reset of an
// account runs at a time, and each link can be tried MaxResetTries times in a window: a refused password leaves the link good, so
// the link could otherwise keep the hashing busy. ResetPassword returns KindDeadLink, KindUsedLink, KindInvalidRequest (of
// new_password; the link stays good), KindRateLimited, or KindUnavailable.
func (s *Service) ResetPassword(ctx context.Context, secret, password string, from auth.Caller) error {
	_, err := s.choosePassword(ctx, s.findPasswordReset, secret, password, from)
	return err
}

// findPasswordLink reads a link for choosing a password, and its account.
type findPasswordLink func(ctx context.Context, secret string) (models.OneTime, models.User, error)

// choosePassword is ResetPassword for any kind of link. It returns the account with its new password.
func (s *Service) choosePassword(ctx context.Context, find findPasswordLink, secret, password string, from auth.Caller) (models.User, error) {
	link, user, err := find(ctx, secret)
	if err != nil {
		return user, err
	}
	release, err := s.slots.Take(ctx, "reset "+user.ID.String(), ratelimit.SlotsOfBrowser, func() {})
	if err != nil {
		return user, err
	}
	defer release()
	if link, user, err = find(ctx, secret); err != nil { // a request that went before may have used it
		return user, err
	}
	hash, err := s.hashChosen(ctx, user, secret, password, from)
	if err != nil {
		return user, err
	}
	now := s.clock.Now()
	l := notify.NewNotification(notify.KindPasswordChanged, from, now)
	l.First = link.Purpose == notify.LinkInvite
	e := auth.NewEvent(models.EventPasswordReset, user.ID, from, now)
	if l.First {
		e.Detail = FirstPasswordDetail
	}
	_, err = s.store.ResetPassword(ctx, models.PasswordReset{
		Purpose: link.Purpose, Link: link.Hash, UserID: user.ID, EmailKey: user.EmailKey, First: l.First, PasswordHash: hash, At: now,
		FreshStart: s.limits.FreshStart(user, from), Event: e,
		Mail: func(gone models.FactorsGone) models.MailWithLinks {
			l.Removed = gone.String()
			return s.notify.ComposeNotMe(user.ID, l, "")
		},
	})
	if err != nil {
		return user, notify.UsedOrDead(err, func() error {
			_, _, err := find(ctx, secret)
			return err
		})
	}
	s.notify.Wake()
	user.PasswordHash = hash
	return user, nil
}

// hashChosen judges and hashes a password that is chosen with a link, within the limits.
func (s *Service) hashChosen(ctx context.Context, user models.User, secret, password string, from auth.Caller) (string, error) {
	if problem := s.ProblemWithPassword(user.Email, password); problem != "" {
		return "", auth.InvalidField("new_password", problem)
	}
	leave, err := s.gate.Admit(from)
	if err != nil {
		return "", err
	}
	defer leave()
	err = s.gate.Query(ctx, func() error {
		return s.limits.CountRequest(ctx, s.limits.Quota(ratelimit.MaxResetTries, "reset tries", notify.LinkID(secret)))
	})
	if err != nil {
		return "", err
	}
	if err := s.JudgePassword(ctx, "new_password", user.Email, password); err != nil {
		return "", err
	}
	if err := s.refuseSame(ctx, user, password); err != nil {
		return "", err
	}
	return s.hasher.Hash(ctx, password)
}
