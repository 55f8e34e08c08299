package auth

import (
	"context"
	"errors"

	"latchkey/models"
)

// PasswordChange is a person's wish for a new password.
type PasswordChange struct {
	Current, New string
	From         Caller
}

// ChangePassword replaces the password and signs out every device but this browser, and tells how many those were.
// Refusals: KindInvalidRequest, KindWrongPassword (of current_password), KindRateLimited, KindUnavailable.
func (s *Service) ChangePassword(ctx context.Context, by *Session, c PasswordChange) (revoked int64, err error) {
	var bad fields
	bad.text("current_password", c.Current, maxPassword)
	bad.refuse("new_password", s.problemWithPassword(by.User.Email, c.New))
	if len(bad) == 0 && c.Current == c.New {
		bad.refuse("new_password", "Choose a password other than the current one.")
	}
	if err := bad.err(); err != nil {
		return 0, err
	}
	if err := s.confirmPassword(ctx, by.User, c.Current, c.From); err != nil {
		return 0, err
	}
	hash, err := s.hasher.Hash(ctx, c.New)
	if err != nil {
		return 0, err
	}
	now := s.now()
	revoked, err = s.store.ChangePassword(ctx, models.PasswordChange{
		UserID: by.User.ID, Verified: by.User.PasswordHash, Hash: hash, At: now, Keep: by.Device.ID, By: models.ActorOwner,
		Event:      s.event(models.EventPasswordChanged, by.User.ID, c.From, now),
		FreshStart: s.freshStart(by.User.EmailKey, c.From),
		Notice:     s.alarm(by.User.ID, letter(LetterPasswordChanged, c.From, now), ""),
	})
	if errors.Is(err, models.ErrChanged) {
		return 0, &Error{Kind: KindWrongPassword, Message: "Your password was changed meanwhile.", Cause: err}
	}
	s.kickMail()
	return revoked, err
}
