package auth

import (
	"context"
	"errors"

	"github.com/google/uuid"

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
	confirms                     bool                     // of a person who is signed in already: it is not counted as another sign-in
}

// passwordCheck is one check of a password, within the limits, and what it holds while it is under way.
type passwordCheck struct {
	s        *Service
	user     models.User // the zero User when the address has no account
	from     Caller
	granted  signInLimits     // as the account knows the caller
	limits   signInLimits     // what is left of them
	reserved []models.Counter // failures that were counted in advance
	leave    func()           // the door
	free     func()           // the account's slot
}

// beginCheck judges an attempt by everything but the password: the app, the limits, how many of the account are under way.
// Whoever begins a check ends it.
func (s *Service) beginCheck(ctx context.Context, a attempt) (*passwordCheck, error) {
	c := &passwordCheck{s: s, from: a.from}
	err := c.begin(ctx, a)
	if err != nil {
		c.end(ctx)
		return nil, err
	}
	return c, nil
}

func (c *passwordCheck) begin(ctx context.Context, a attempt) (err error) {
	s := c.s
	if c.leave, err = s.door.enter(a.from); err != nil {
		return err
	}
	var known knownOrigin
	err = s.door.query(ctx, func() error {
		facts, err := s.store.SignInFacts(ctx, models.SignInQuestion{
			EmailKey: a.emailKey, ClientID: a.clientID, Keys: s.limitKeys(a.emailKey, a.from), At: s.now(),
			Browser: s.familiar(a.from), Network: s.familiarNetwork(a.from), KnownSince: s.now().Add(-homeFor), JKT: a.from.JKT,
		})
		if err != nil {
			return err
		}
		if a.admit != nil {
			if err := a.admit(facts.Allowed); err != nil {
				return err
			}
		}
		known = originOf(facts)
		c.user, c.granted = facts.User, s.limitsOf(a.emailKey, a.from, known).when(a.confirms)
		c.limits = c.granted.left(facts.Counters, s.now())
		return judge(facts.Counters, c.limits.all(), 0, s.now())
	})
	if err != nil {
		return err
	}
	// Only now, so that what the limits refuse holds no slot.
	if err := c.takeSlot(ctx, a, known); err != nil {
		return err
	}
	return s.door.query(ctx, func() (err error) {
		c.reserved, err = s.reserve(ctx, c.limits.failures)
		return err
	})
}

// takeSlot waits for the account's turn outside the door, where others could not pass.
func (c *passwordCheck) takeSlot(ctx context.Context, a attempt, known knownOrigin) (err error) {
	key, most, waited := "account "+a.emailKey, slotsOfAccount, false
	if known.browser {
		key, most = "key "+a.emailKey, slotsOfMark
		if a.from.Browser != "" {
			key = "browser " + a.from.Browser + " " + a.emailKey
		}
	}
	c.free, err = c.s.slots.take(ctx, key, most, func() {
		waited = true
		c.leave()
		c.leave = nil
	})
	if err != nil || !waited {
		return err
	}
	if c.leave, err = c.s.door.enter(a.from); err != nil {
		return err
	}
	return c.s.door.query(ctx, func() error { // those that went before may have used the budget up
		var keys [][]byte
		for _, l := range c.granted.all() {
			keys = append(keys, l.key)
		}
		counters, err := c.s.store.Counters(ctx, keys, c.s.now())
		if err != nil {
			return err
		}
		c.limits = c.granted.left(counters, c.s.now())
		return judge(counters, c.limits.all(), 0, c.s.now())
	})
}

// failed keeps what was counted in advance: the password was wrong.
func (c *passwordCheck) failed() { c.reserved = nil }

// confirmed counts a password that was right. Without a bound on these, who has it could keep the hashing busy.
func (c *passwordCheck) confirmed(ctx context.Context) error {
	var keys [][]byte
	for _, l := range c.limits.confirmations {
		keys = append(keys, l.key)
	}
	now := c.s.now()
	return c.s.door.query(ctx, func() error {
		_, err := c.s.store.IncrementCounters(ctx, keys, now, now.Add(-attemptWindow))
		return err
	})
}

// end gives back what was counted in advance, unless it is used, and makes room for others.
func (c *passwordCheck) end(ctx context.Context) {
	if len(c.reserved) > 0 {
		c.s.giveBack(ctx, c.reserved)
		c.reserved = nil
	}
	if c.free != nil {
		c.free()
	}
	if c.leave != nil {
		c.leave()
	}
}

// verify checks the password of a sign-in. An unknown account takes the same steps, and so the same time, as a wrong password.
func (c *passwordCheck) verify(ctx context.Context, password string) (v verified, err error) {
	s, found := c.s, c.user.ID != uuid.Nil
	var ok, stale bool
	if found {
		ok, stale, err = s.hasher.Verify(ctx, c.user.PasswordHash, password)
	} else {
		err = s.hasher.VerifyNobody(ctx, password)
	}
	switch {
	case err != nil:
		return verified{}, err
	case !ok:
		return verified{}, s.recordFailure(ctx, c, models.EventSignInFailed, "")
	case c.user.LockedAt != nil: // answered like a wrong one: whoever has it may be the thief
		return verified{}, s.recordFailure(ctx, c, models.EventSignInFailed, LockedDetail)
	case c.user.DisabledAt != nil:
		return verified{}, refuse(KindAccountDisabled, "This account is disabled.")
	}
	v = verified{user: c.user}
	if stale {
		if v.rehashed, err = s.hasher.Hash(ctx, password); err != nil {
			return verified{}, err
		}
	}
	return v, nil
}

// confirmPassword asks a person who is signed in for the password again. A wrong one counts like a failed sign-in.
func (s *Service) confirmPassword(ctx context.Context, user models.User, password string, from Caller) error {
	c, err := s.beginCheck(ctx, attempt{emailKey: user.EmailKey, from: from, confirms: true})
	if err != nil {
		return err
	}
	defer c.end(ctx)
	c.user = user // as it was read with the session: the caller's act is conditional on this hash
	ok, _, err := s.hasher.Verify(ctx, user.PasswordHash, password)
	switch {
	case err != nil:
		return err
	case ok && user.LockedAt != nil:
		return &Error{Kind: KindWrongPassword, Message: "Your password is locked. Choose a new one by mail first."}
	case ok:
		return c.confirmed(ctx)
	}
	if err := s.recordFailure(ctx, c, models.EventPasswordFailed, ""); !errors.Is(err, errBadCredentials) {
		return err
	}
	return &Error{Kind: KindWrongPassword, Message: "That is not your password."}
}
