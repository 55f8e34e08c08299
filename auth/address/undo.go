package address

import (
	"context"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/models"
)

// UndoLink is what the link in the mail to a former address would do, or has done.
type UndoLink struct {
	Email  string // the address that the account gets back
	Locked bool   // the link was used, and the password is still locked
}

// FindUndo reads the link in the mail to a former address without using it. It returns KindDeadLink if the link cannot be
// used, and KindUsedLink together with the result if it was used recently and the account still has the address.
func (s *Service) FindUndo(ctx context.Context, secret string) (UndoLink, error) {
	f, user, err := s.findUndo(ctx, secret)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return UndoLink{}, err
	}
	return UndoLink{Email: f.Email, Locked: err != nil && user.LockedAt != nil}, err
}

func (s *Service) findUndo(ctx context.Context, secret string) (f models.FormerAddress, user models.User, err error) {
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

// ResetAfterUndo mails the link of a password reset to the owner of an account that this link has just given its address back. It
// returns KindDeadLink if the link has not, and the errors of RequestPasswordReset.
func (s *Service) ResetAfterUndo(ctx context.Context, secret string, from auth.Caller) error {
	_, user, err := s.findUndo(ctx, secret)
	if auth.AsError(err).Kind != auth.KindUsedLink {
		return notify.OrDead(err)
	}
	return s.accounts.ResetLocked(ctx, user, secret, from)
}

// Undo uses the link and gives the account its former address back, whatever its address is now. It signs out every
// device, removes the factors that were added since shortly before the change, and locks the password until a mail to that address resets it. The person need not be signed in. Undo returns
// KindDeadLink, or KindUsedLink for a link that was used recently; then nothing was changed.
func (s *Service) Undo(ctx context.Context, secret string, from auth.Caller) (email string, err error) {
	hash, err := notify.LinkHash(secret)
	if err != nil {
		return "", err
	}
	now := s.clock.Now()
	f, err := s.store.UndoEmailChange(ctx, models.EmailUndo{
		Hash: hash, At: now, Event: auth.NewEvent(models.EventEmailRestored, uuid.Nil, from, now),
		FreshStart: models.FreshStart{KnownOrigins: s.limits.Origins(from)},
		Mails: func(f models.FormerAddress, left string, gone models.FactorsGone) []models.MailWithLinks {
			l := notify.NewNotification(notify.KindEmailRestored, from, now)
			l.Removed = gone.String()
			mails := []models.MailWithLinks{s.notify.ComposeTo(f.Email, f.UserID, l)}
			if auth.SameEmail(left) != auth.SameEmail(f.EmailKey) {
				// Without the caller's origin, because the recipient may be a thief.
				mails = append(mails, s.notify.ComposeTo(left, f.UserID, notify.Notification{Kind: notify.KindEmailLost, At: now}))
			}
			return mails
		},
	})
	if err == nil {
		s.notify.Wake()
	}
	return f.Email, notify.UsedOrDead(err, func() error {
		_, err := s.FindUndo(ctx, secret)
		return err
	})
}
