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

// SignInAttempt is a sign-in, or a confirmation, before its password is checked.
type SignInAttempt struct {
	EmailKey           string // found from email when that is given
	email              string // as it was typed
	password, clientID string
	From               auth.Caller
	checkApp           func(allowed bool) error // checks the app, given whether its client_id may sign in, before the limits; nil for browsers
	Confirms           bool                     // the person is signed in already: does not count as a sign-in

	trusted []string                                  // secrets of a browser that may skip the second step
	purpose string                                    // of the challenge, if there is a second step
	pending func(token.Verified) (pendingStep, error) // what to keep until the second step
}

// passwordCheck is one check of a password within the limits, and what it holds while it runs.
type passwordCheck struct {
	s           *Service
	user        models.User // the zero User when the address has no account
	from        auth.Caller
	granted     ratelimit.SignInLimits // the limits for the way in which the account knows the caller
	limits      ratelimit.SignInLimits // granted, with fallbacks for what is used up
	reserved    []models.Counter       // failures counted in advance
	leaveGate   func()                 // nil: not in the gate
	releaseSlot func()                 // of the account; nil: it holds none
}

// BeginCheck checks everything about an attempt except the password: the app, the limits, and how many attempts of the account are
// in progress. The caller must call End on the result.
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
		if a.email != "" {
			if a.EmailKey, err = auth.EmailKey(ctx, s.store, a.email, s.clock.Now()); err != nil {
				return err
			}
		}
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
	// Take a slot only now, so that attempts that the limits refuse hold none.
	if err := c.takeSlot(ctx, a, known); err != nil {
		return err
	}
	return s.gate.Query(ctx, func() (err error) {
		c.reserved, err = s.limits.Reserve(ctx, c.limits.Failures)
		return err
	})
}

// takeSlot takes the account's slot. If it has to wait, it leaves the gate, so that others can pass.
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
	return c.s.gate.Query(ctx, func() error { // attempts that went first may have used up the budget
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

// failed keeps the failures that were counted in advance: the password was wrong.
func (c *passwordCheck) failed() { c.reserved = nil }

// Confirmed counts a right password. Without a limit on these, a person who has the password could keep the hashing busy.
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

// End gives back failures that were counted in advance, unless the password was wrong, and releases the slot and the gate.
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

// verify checks the password of a sign-in. An unknown account takes the same steps as a wrong password, and so the same time.
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
	case c.user.LockedAt != nil: // same response as for a wrong password: this may be the thief
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

// ConfirmPassword checks the password of a person who is signed in, before a sensitive act. A wrong one counts like a failed
// sign-in. It returns KindWrongPassword, KindRateLimited or KindUnavailable.
func (s *Service) ConfirmPassword(ctx context.Context, user models.User, password string, from auth.Caller) error {
	c, err := s.BeginCheck(ctx, SignInAttempt{EmailKey: user.EmailKey, From: from, Confirms: true})
	if err != nil {
		return err
	}
	defer c.End(ctx)
	c.user = user // as read with the session: the caller's act is conditional on this hash
	ok, _, err := s.hasher.Verify(ctx, user.PasswordHash, password)
	switch {
	case err != nil:
		return err
	case ok && user.LockedAt != nil:
		return errLocked
	case ok:
		return c.Confirmed(ctx)
	}
	if err := s.recordFailure(ctx, c, models.EventPasswordFailed, ""); !errors.Is(err, auth.ErrBadCredentials) {
		return err
	}
	return &auth.Error{Kind: auth.KindWrongPassword, Message: "That is not your password."}
}

// errLocked refuses every confirmation while the password is locked, one with a passkey too: the owner said that it was not them.
var errLocked = &auth.Error{Kind: auth.KindWrongPassword, Message: "Your password is locked. Choose a new one by mail first."}
