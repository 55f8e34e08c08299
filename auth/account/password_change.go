package account

import (
	"context"
	"errors"
	"time"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/signin"
	"latchkey/models"
)

// PasswordChange is a person's request for a new password.
type PasswordChange struct {
	Current, New string
	From         auth.Caller
}

// ChangedBefore is what ChangePassword returns instead of a count if the same form, sent twice, has changed the password already.
const ChangedBefore = -1

// repeatWithin is how long after a change of password the same form counts as sent twice.
const repeatWithin = time.Minute

// ChangePassword replaces the password, signs out all devices except this browser, and returns how many. It returns
// KindInvalidRequest, KindWrongPassword (of current_password), KindRateLimited, or KindUnavailable.
func (s *Service) ChangePassword(ctx context.Context, by *signin.Session, c PasswordChange) (revoked int64, err error) {
	var bad auth.Fields
	bad.Text("current_password", c.Current, auth.MaxPassword)
	bad.Refuse("new_password", s.ProblemWithPassword(by.User.Email, c.New))
	if len(bad) == 0 && c.Current == c.New {
		bad.Refuse("new_password", "Choose a password other than the current one.")
	}
	if err := bad.Err(); err != nil {
		return 0, err
	}
	if done, err := s.changedBefore(ctx, by.User, c); err != nil || done {
		return ChangedBefore, err
	}
	if err := s.signIn.ConfirmPassword(ctx, by.User, c.Current, c.From); err != nil {
		return 0, err
	}
	if err := s.judgeAtGate(ctx, by.User.Email, c); err != nil {
		return 0, err
	}
	hash, err := s.hasher.Hash(ctx, c.New)
	if err != nil {
		return 0, err
	}
	now := s.clock.Now()
	revoked, err = s.store.ChangePassword(ctx, models.PasswordChange{
		UserID: by.User.ID, Verified: by.User.PasswordHash, Hash: hash, At: now, Keep: by.Device.ID, By: models.ActorOwner,
		Event:      auth.Limited(auth.NewEvent(models.EventPasswordChanged, by.User.ID, c.From, now), ratelimit.PasswordLimit),
		FreshStart: s.limits.FreshStart(by.User, c.From),
		Mail:       s.notify.ComposeNotMe(by.User.ID, notify.NewNotification(notify.KindPasswordChanged, c.From, now), ""),
	})
	if errors.Is(err, models.ErrChanged) {
		if user, findErr := s.store.UserByID(ctx, by.User.ID); findErr == nil {
			if done, err := s.changedBefore(ctx, user, c); err != nil || done {
				return ChangedBefore, err
			}
		}
		return 0, &auth.Error{Kind: auth.KindWrongPassword, Message: "Your password has changed since you opened this page.", Cause: err}
	}
	s.notify.Wake()
	return revoked, err
}

// changedBefore reports whether the account got its password within repeatWithin, and it is the requested one. Only the browser
// that changed it, or a browser that signed in with it, is signed in then. A generated password is no change of the owner's. A guess gains nothing: it is within the limits, and
// after a wrong one the current password is checked, which counts. A right one counts as a confirmation.
func (s *Service) changedBefore(ctx context.Context, user models.User, c PasswordChange) (bool, error) {
	if age := s.clock.Now().Sub(user.PasswordChangedAt); age < 0 || age >= repeatWithin || user.LockedAt != nil || user.MustChoosePassword() {
		return false, nil
	}
	check, err := s.signIn.BeginCheck(ctx, signin.SignInAttempt{EmailKey: user.EmailKey, From: c.From, Confirms: true})
	if err != nil {
		return false, err
	}
	defer check.End(ctx)
	same, _, err := s.hasher.Verify(ctx, user.PasswordHash, c.New)
	if err == nil && same {
		err = check.Confirmed(ctx)
	}
	return same, err
}
