package auth

import (
	"context"
	"errors"

	"latchkey/models"
)

var errBadCredentials = &Error{Kind: KindInvalidCredential, Message: "The e-mail address or the password is wrong."}

// verified is an account whose password was right, with the hash that was checked: whatever is done on its strength
// is conditional on that hash still being the current one.
type verified struct {
	user     models.User
	rehashed string // the password under today's parameters, when the stored ones are weaker
}

// attempt is a sign-in whose password is to be checked.
type attempt struct {
	emailKey, password, clientID string
	from                         Caller
	admit                        func(allowed bool) error // judges the app by whether it may sign in, before the limits are asked; nil: a browser
}

// verifyPassword checks an address and a password, within the limits. An unknown account takes the same steps, and
// so the same time, as a wrong password.
func (s *Service) verifyPassword(ctx context.Context, a attempt) (verified, error) {
	keys, from := s.attemptKeys(a.emailKey, a.from), a.from
	var facts models.SignInFacts
	err := s.door.query(ctx, func() (err error) {
		if facts, err = s.store.SignInFacts(ctx, a.emailKey, a.clientID, keys.all(), s.now().Add(-attemptWindow)); err != nil {
			return err
		}
		if a.admit != nil {
			if err := a.admit(facts.Allowed); err != nil {
				return err
			}
		}
		return s.judgeAttempts(ctx, facts.Attempts, keys, facts.User.ID, from)
	})
	if err != nil {
		return verified{}, err
	}
	user, password := facts.User, a.password
	var ok, stale bool
	if facts.Found() {
		ok, stale, err = s.hasher.Verify(ctx, user.PasswordHash, password)
	} else {
		err = s.hasher.VerifyNobody(ctx, password)
	}
	if err != nil {
		return verified{}, err
	}
	err = s.door.query(ctx, func() error {
		if !ok {
			return s.countFailure(ctx, keys, s.event(models.EventSignInFailed, user.ID, from, s.now()))
		}
		if user.LockedAt != nil { // answered like a wrong one: whoever has it may be the thief
			e := s.event(models.EventSignInFailed, user.ID, from, s.now())
			e.Detail = LockedDetail
			return s.countFailure(ctx, keys, e)
		}
		// Asked again: while this password was hashed, other guesses may have used the limit up. A flood of guesses in
		// parallel thus gains nothing over one guess at a time.
		return s.withinLimits(ctx, keys, user.ID, from)
	})
	if err != nil {
		return verified{}, err
	}
	if user.DisabledAt != nil {
		return verified{}, refuse(KindAccountDisabled, "This account is disabled.")
	}
	v := verified{user: user}
	if stale {
		if v.rehashed, err = s.hasher.Hash(ctx, password); err != nil {
			return verified{}, err
		}
	}
	return v, nil
}

// confirmPassword asks a person who is signed in for the password again. A wrong one counts like a failed sign-in.
func (s *Service) confirmPassword(ctx context.Context, user models.User, password string, from Caller) error {
	leave, err := s.door.enter(from)
	if err != nil {
		return err
	}
	defer leave()
	keys := s.attemptKeys(user.EmailKey, from)
	if err := s.withinLimits(ctx, keys, user.ID, from); err != nil {
		return err
	}
	ok, _, err := s.hasher.Verify(ctx, user.PasswordHash, password)
	if err != nil {
		return err
	}
	if ok && user.LockedAt != nil {
		return &Error{Kind: KindWrongPassword, Message: "Your password is locked. Choose a new one by mail first."}
	}
	if ok {
		return s.withinLimits(ctx, keys, user.ID, from)
	}
	if err := s.countFailure(ctx, keys, s.event(models.EventPasswordFailed, user.ID, from, s.now())); !errors.Is(err, errBadCredentials) {
		return err
	}
	return &Error{Kind: KindWrongPassword, Message: "That is not your password."}
}

// LockedDetail marks a sign-in that failed with the right password, because that is locked.
const LockedDetail = "locked"

// countFailure counts a wrong password and records it, then says so.
func (s *Service) countFailure(ctx context.Context, keys attemptKeys, e models.Event) error {
	if _, err := s.store.CountAttempts(ctx, keys.all(), e.At, e.At.Add(-attemptWindow)); err != nil {
		return err
	}
	if e.Kind == models.EventSignInFailed {
		e.Actor = models.ActorSystem // nobody knows who it was
	}
	if err := s.store.AddEvent(ctx, e); err != nil && !errors.Is(err, models.ErrNotFound) { // of an account deleted meanwhile nothing is kept
		return err
	}
	return errBadCredentials
}
