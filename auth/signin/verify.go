package signin

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// SignInAttempt is a sign-in whose password is to be checked.
type SignInAttempt struct {
	EmailKey, password, clientID string
	From                         auth.Caller
	checkApp                     func(allowed bool) error // judges the app by whether it may sign in, before the limits are asked; nil: a browser
	Confirms                     bool                     // of a person who is signed in already: it is not counted as another sign-in
}

// passwordCheck is one check of a password, within the limits, and what it holds while it is under way.
type passwordCheck struct {
	s           *Service
	user        models.User // the zero User when the address has no account
	from        auth.Caller
	granted     ratelimit.SignInLimits // as the account knows the caller
	limits      ratelimit.SignInLimits // what is left of them
	reserved    []models.Counter       // failures that were counted in advance
	leaveGate   func()                 // nil: not in the gate
	releaseSlot func()                 // of the account; nil: it holds none
}

// BeginCheck judges an attempt by everything but the password: the app, the limits, how many of the account are under way.
// Whoever begins a check ends it.
func (s *Service) BeginCheck(ctx context.Context, a SignInAttempt) (*passwordCheck, error) {
	c := &passwordCheck{s: s, from: a.From}
	err := c.begin(ctx, a)
	if err != nil {
		c.End(ctx)
		return nil, err
	}
	return c, nil
}

func (c *passwordCheck) begin(ctx context.Context, a SignInAttempt) (err error) {
	s := c.s
	if c.leaveGate, err = s.gate.Admit(a.From); err != nil {
		return err
	}
	var known ratelimit.Known
	err = s.gate.Query(ctx, func() error {
		facts, err := s.store.SignInFacts(ctx, models.SignInQuestion{
			EmailKey: a.EmailKey, ClientID: a.clientID, Keys: s.limits.SignInKeys(a.EmailKey, a.From), At: s.clock.Now(),
			Browser: s.limits.BrowserOrigin(a.From), Network: s.limits.NetworkOrigin(a.From), KnownSince: s.clock.Now().Add(-ratelimit.KnownFor), JKT: a.From.JKT,
		})
		if err != nil {
			return err
		}
		if a.checkApp != nil {
			if err := a.checkApp(facts.Allowed); err != nil {
				return err
			}
		}
		known = ratelimit.KnownBy(facts)
		c.user, c.granted = facts.User, s.limits.SignInLimits(a.EmailKey, a.From, known).For(a.Confirms)
		c.limits = c.granted.WithFallback(facts.Counters, s.clock.Now())
		return ratelimit.CheckLimits(facts.Counters, c.limits.All(), 0, s.clock.Now())
	})
	if err != nil {
		return err
	}
	// Only now, so that what the limits refuse holds no slot.
	if err := c.takeSlot(ctx, a, known); err != nil {
		return err
	}
	return s.gate.Query(ctx, func() (err error) {
		c.reserved, err = s.limits.Reserve(ctx, c.limits.Failures)
		return err
	})
}

// takeSlot waits for the account's turn outside the door, where others could not pass.
func (c *passwordCheck) takeSlot(ctx context.Context, a SignInAttempt, known ratelimit.Known) (err error) {
	key, most, waited := "account "+a.EmailKey, ratelimit.SlotsOfAccount, false
	if known.Browser {
		key, most = "key "+a.EmailKey, ratelimit.SlotsOfBrowser
		if a.From.Browser != "" {
			key = "browser " + a.From.Browser + " " + a.EmailKey
		}
	}
	c.releaseSlot, err = c.s.slots.Take(ctx, key, most, func() {
		waited = true
		c.leaveGate()
		c.leaveGate = nil
	})
	if err != nil || !waited {
		return err
	}
	if c.leaveGate, err = c.s.gate.Admit(a.From); err != nil {
		return err
	}
	return c.s.gate.Query(ctx, func() error { // those that went before may have used the budget up
		var keys [][]byte
		for _, l := range c.granted.All() {
			keys = append(keys, l.Key)
		}
		counters, err := c.s.store.Counters(ctx, keys, c.s.clock.Now())
		if err != nil {
			return err
		}
		c.limits = c.granted.WithFallback(counters, c.s.clock.Now())
		return ratelimit.CheckLimits(counters, c.limits.All(), 0, c.s.clock.Now())
	})
}

// failed keeps what was counted in advance: the password was wrong.
func (c *passwordCheck) failed() { c.reserved = nil }

// Confirmed counts a password that was right. Without a bound on these, who has it could keep the hashing busy.
func (c *passwordCheck) Confirmed(ctx context.Context) error {
	var keys [][]byte
	for _, l := range c.limits.Confirmations {
		keys = append(keys, l.Key)
	}
	now := c.s.clock.Now()
	return c.s.gate.Query(ctx, func() error {
		_, err := c.s.store.IncrementCounters(ctx, keys, now, now.Add(-ratelimit.AttemptWindow))
		return err
	})
}

// End gives back what was counted in advance, unless it is used, and makes room for others.
func (c *passwordCheck) End(ctx context.Context) {
	if len(c.reserved) > 0 {
		c.s.limits.GiveBack(ctx, c.reserved)
		c.reserved = nil
	}
	if c.releaseSlot != nil {
		c.releaseSlot()
	}
	if c.leaveGate != nil {
		c.leaveGate()
	}
}

// verify checks the password of a sign-in. An unknown account takes the same steps, and so the same time, as a wrong password.
func (c *passwordCheck) verify(ctx context.Context, password string) (v token.Verified, err error) {
	s, found := c.s, c.user.ID != uuid.Nil
	var ok, stale bool
	if found {
		ok, stale, err = s.hasher.Verify(ctx, c.user.PasswordHash, password)
	} else {
		err = s.hasher.VerifyUnknown(ctx, password)
	}
	switch {
	case err != nil:
		return token.Verified{}, err
	case !ok:
		return token.Verified{}, s.recordFailure(ctx, c, models.EventSignInFailed, "")
	case c.user.LockedAt != nil: // answered like a wrong one: whoever has it may be the thief
		return token.Verified{}, s.recordFailure(ctx, c, models.EventSignInFailed, LockedDetail)
	case c.user.DisabledAt != nil:
		return token.Verified{}, auth.Refuse(auth.KindAccountDisabled, "This account is disabled.")
	}
	v = token.Verified{User: c.user}
	if stale {
		if v.Rehashed, err = s.hasher.Hash(ctx, password); err != nil {
			return token.Verified{}, err
		}
	}
	return v, nil
}

// ConfirmPassword asks a person who is signed in for the password again. A wrong one counts like a failed sign-in.
func (s *Service) ConfirmPassword(ctx context.Context, user models.User, password string, from auth.Caller) error {
	c, err := s.BeginCheck(ctx, SignInAttempt{EmailKey: user.EmailKey, From: from, Confirms: true})
	if err != nil {
		return err
	}
	defer c.End(ctx)
	c.user = user // as it was read with the session: the caller's act is conditional on this hash
	ok, _, err := s.hasher.Verify(ctx, user.PasswordHash, password)
	switch {
	case err != nil:
		return err
	case ok && user.LockedAt != nil:
		return &auth.Error{Kind: auth.KindWrongPassword, Message: "Your password is locked. Choose a new one by mail first."}
	case ok:
		return c.Confirmed(ctx)
	}
	if err := s.recordFailure(ctx, c, models.EventPasswordFailed, ""); !errors.Is(err, auth.ErrBadCredentials) {
		return err
	}
	return &auth.Error{Kind: auth.KindWrongPassword, Message: "That is not your password."}
}
