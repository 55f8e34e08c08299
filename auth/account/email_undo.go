package account

import (
	"context"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/models"
)

// EmailUndoLink is what the link in the mail to a former address would do, or has just done.
type EmailUndoLink struct {
	Email  string // the address that it gives back
	Locked bool   // the link was used, and the password is locked since
}

// FindEmailUndo reads the link in the mail to a former address without using it. KindDeadLink when it cannot be used; with one
// that was used lately, and whose address the account still has, comes KindUsedLink.
func (s *Service) FindEmailUndo(ctx context.Context, secret string) (EmailUndoLink, error) {
	f, user, err := s.findEmailUndo(ctx, secret)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return EmailUndoLink{}, err
	}
	return EmailUndoLink{Email: f.Email, Locked: err != nil && user.LockedAt != nil}, err
}

func (s *Service) findEmailUndo(ctx context.Context, secret string) (f models.FormerAddress, user models.User, err error) {
	hash, err := notify.LinkHash(secret)
	if err != nil {
		return f, user, err
	}
	if f, err = s.store.FindFormerAddress(ctx, hash, s.clock.Now()); err != nil {
		return f, user, notify.DeadLink(err)
	}
	user, err = s.store.UserByID(ctx, f.UserID)
	switch {
	case err == nil && (user.DisabledAt != nil || f.UsedAt != nil && f.EmailKey != user.EmailKey):
		err = notify.ErrDeadLink
	case err == nil && f.UsedAt != nil:
		err = notify.ErrUsedLink
	}
	return f, user, notify.DeadLink(err)
}

// ResetAfterUndo mails a link to a new password to the owner of an account that this link has just given its address
// back. Refusals: KindDeadLink when it did not, and those of RequestPasswordReset.
func (s *Service) ResetAfterUndo(ctx context.Context, secret string, from auth.Caller) error {
	_, user, err := s.findEmailUndo(ctx, secret)
	if auth.AsError(err).Kind != auth.KindUsedLink {
		return orDead(err)
	}
	return s.resetLocked(ctx, user, secret, from)
}

// UndoEmailChange uses the link up: the account has that address again, whatever it has by then, every device is signed
// out, and the password is locked until it is reset by a mail to that address. Nobody has to be signed in. KindDeadLink
// for a link that cannot be used, KindUsedLink for one that was used lately; then nothing was changed.
func (s *Service) UndoEmailChange(ctx context.Context, secret string, from auth.Caller) (email string, err error) {
	hash, err := notify.LinkHash(secret)
	if err != nil {
		return "", err
	}
	now := s.clock.Now()
	f, err := s.store.UndoEmailChange(ctx, models.EmailUndo{
		Hash: hash, At: now, Event: auth.NewEvent(models.EventEmailRestored, uuid.Nil, from, now),
		FreshStart: models.FreshStart{KnownOrigins: s.limits.Origins(from)},
		Mails: func(f models.FormerAddress, left string) []models.MailWithLinks {
			mails := []models.MailWithLinks{s.notify.ComposeTo(f.Email, f.UserID, notify.NewNotification(notify.KindEmailRestored, from, now))}
			if auth.SameEmail(left) != auth.SameEmail(f.EmailKey) {
				// Without from where: perhaps it goes to a thief.
				mails = append(mails, s.notify.ComposeTo(left, f.UserID, notify.Notification{Kind: notify.KindEmailLost, At: now}))
			}
			return mails
		},
	})
	if err == nil {
		s.notify.Wake()
	}
	return f.Email, notify.UsedOrDead(err, func() error {
		_, err := s.FindEmailUndo(ctx, secret)
		return err
	})
}
