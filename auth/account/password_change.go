package account

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// PasswordChange is a person's request for a new password.
type PasswordChange struct {
	Confirmation confirm.Confirmation // its Password is the current one
	New          string
}

// ChangedBefore is what ChangePassword returns instead of a count if the same form, sent twice, has changed the password already.
const ChangedBefore = -1

// repeatWithin is how long after a change of password the same form counts as sent twice.
const repeatWithin = time.Minute

// ChangePassword replaces the password, signs out all devices except this browser, and returns how many. It returns
// KindInvalidRequest (of current_password, code and new_password) and the errors of confirm.Service.Act.
func (s *Service) ChangePassword(ctx context.Context, by *browser.Session, c PasswordChange) (revoked int64, err error) {
	var bad auth.Fields
	c.Confirmation.CheckForm(&bad, by.User)
	bad.Refuse("new_password", s.ProblemWithPassword(by.User.Email, c.New))
	if len(bad) == 0 && c.Confirmation.Password == c.New {
		bad.Refuse("new_password", saySamePassword)
	}
	if err := bad.Err(); err != nil {
		return 0, err
	}
	if done, err := s.changedBefore(ctx, by.User, c); err != nil || done {
		return ChangedBefore, err
	}
	err = s.confirm.Act(ctx, by, c.Confirmation, func(p models.Proof) (err error) {
		revoked, err = s.changePassword(ctx, newPassword{user: by.User, keep: by.Device.ID, chosen: c.New, from: c.Confirmation.From, proof: p})
		return err
	})
	if err != nil {
		return s.sentTwice(ctx, by, c, err)
	}
	return revoked, nil
}

// newPassword is a change of a password that its owner has confirmed.
type newPassword struct {
	user   models.User
	keep   uuid.UUID // the device that stays signed in
	chosen string
	from   auth.Caller
	proof  models.Proof
	app    *confirm.ActingApp // that asked for it; nil: the portal did
}

// changePassword judges the new password and writes it.
func (s *Service) changePassword(ctx context.Context, n newPassword) (revoked int64, err error) {
	if err := s.judgeAtGate(ctx, n); err != nil {
		return 0, err
	}
	hash, err := s.hasher.Hash(ctx, n.chosen)
	if err != nil {
		return 0, err
	}
	now := s.clock.Now()
	e, l := auth.NewEvent(models.EventPasswordChanged, n.user.ID, n.from, now), notify.NewNotification(notify.KindPasswordChanged, n.from, now)
	if n.app != nil {
		e, l.DeviceName = n.app.Event(e), n.app.Device.Name
	}
	return s.store.ChangePassword(ctx, models.PasswordChange{
		UserID: n.user.ID, Proof: n.proof, Hash: hash, At: now, Keep: n.keep, By: models.ActorOwner,
		Event: auth.Limited(e, ratelimit.PasswordLimit), FreshStart: s.limits.FreshStart(n.user, n.from), Mail: s.notify.ComposeNotMe(n.user.ID, l, ""),
	})
}

// sentTwice returns ChangedBefore when the change was refused only because the same form, sent twice, was faster: then the password
// is another, and the code or the passkey's challenge is used.
func (s *Service) sentTwice(ctx context.Context, by *browser.Session, c PasswordChange, refusal error) (int64, error) {
	if !errors.Is(refusal, models.ErrChanged) && !errors.Is(refusal, models.ErrUsed) {
		return 0, refusal
	}
	user, err := s.store.UserByID(ctx, by.User.ID)
	if err != nil || user.PasswordHash == by.User.PasswordHash {
		return 0, refusal
	}
	if done, err := s.changedBefore(ctx, user, c); err != nil || done {
		return ChangedBefore, err
	}
	return 0, refusal
}

// changedBefore reports whether the account got its password within repeatWithin, and it is the requested one. Only the browser
// that changed it, or a browser that signed in with it, is signed in then. A generated password is no change of the owner's. A guess gains nothing: it is within the limits, and
// after a wrong one the current password is checked, which counts. A right one counts as a confirmation.
func (s *Service) changedBefore(ctx context.Context, user models.User, c PasswordChange) (bool, error) {
	if age := s.clock.Now().Sub(user.PasswordChangedAt); age < 0 || age >= repeatWithin || user.LockedAt != nil || user.MustChoosePassword() {
		return false, nil
	}
	check, err := s.passwords.Begin(ctx, passwordcheck.Attempt{EmailKey: user.EmailKey, From: c.Confirmation.From, Confirms: true})
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
