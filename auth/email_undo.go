package auth

import (
	"context"

	"github.com/google/uuid"

	"latchkey/models"
)

// FindEmailUndo reads the link in the mail to a former address without using it, and tells which address it takes back.
// KindDeadLink when it cannot be used.
func (s *Service) FindEmailUndo(ctx context.Context, secret string) (email string, err error) {
	hash, err := linkHash(secret)
	if err != nil {
		return "", err
	}
	f, err := s.store.FindFormerAddress(ctx, hash, s.now())
	if err != nil {
		return "", deadLink(err)
	}
	user, err := s.store.UserByID(ctx, f.UserID)
	if err == nil && user.DisabledAt != nil {
		err = errDeadLink
	}
	return f.Email, deadLink(err)
}

// UndoEmailChange uses the link up: the account has that address again, whatever it has by then, every device is signed
// out, and the password is locked until it is reset by a mail to that address. Nobody has to be signed in. KindDeadLink
// for a link that cannot be used; then nothing was changed.
func (s *Service) UndoEmailChange(ctx context.Context, secret string, from Caller) (email string, err error) {
	hash, err := linkHash(secret)
	if err != nil {
		return "", err
	}
	now := s.now()
	f, err := s.store.UndoEmailChange(ctx, models.EmailUndo{
		Hash: hash, At: now, Event: s.event(models.EventEmailRestored, uuid.Nil, from, now),
		FreshStart: models.FreshStart{Places: s.places(from)},
		Tell: func(f models.FormerAddress, left string) []models.Notice {
			notices := []models.Notice{s.noticeTo(f.Email, f.UserID, letter(LetterEmailRestored, from, now))}
			if foldEmail(left) != f.EmailKey {
				// Without from where: perhaps it goes to a thief.
				notices = append(notices, s.noticeTo(left, f.UserID, Letter{Kind: LetterEmailLost, At: now}))
			}
			return notices
		},
	})
	if err == nil {
		s.kickMail()
	}
	return f.Email, deadLink(err)
}
