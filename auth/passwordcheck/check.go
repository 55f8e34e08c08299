package passwordcheck

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/password"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// Attempt is a sign-in, or a confirmation, before its password is checked.
type Attempt struct {
	EmailKey string // of the account; found from Email when that is given
	Email    string // as it was typed
	ClientID string // of an app that signs in
	From     auth.Caller
	CheckApp func(allowed bool) error // checks the app, given whether its client_id may sign in, before the limits; nil for browsers
	Confirms bool                     // the person is signed in already: does not count as a sign-in
}

// Check is one check of a password within the limits, and what it holds while it runs. The caller must call End.
type Check struct {
	s           *Service
	user        models.User // the zero User when the address has no account
	from        auth.Caller
	granted     ratelimit.SignInLimits // the limits for the way in which the account knows the caller
	limits      ratelimit.SignInLimits // granted, with fallbacks for what is used up
	reserved    []models.Counter       // failures counted in advance
	leaveGate   func()                 // nil: not in the gate
	releaseSlot func()                 // of the account; nil: it holds none
}

// Begin checks everything about an attempt except the password: the app, the limits, and how many attempts of the account are in
// progress. The caller must call End on the result.
func (s *Service) Begin(ctx context.Context, a Attempt) (*Check, error) {
	c := &Check{s: s, from: a.From}
	err := c.begin(ctx, a)
	if err != nil {
		c.End(ctx)
		return nil, auth.About(c.user.ID, err)
	}
	return c, nil
}

func (c *Check) begin(ctx context.Context, a Attempt) (err error) {
	s := c.s
	if c.leaveGate, err = s.gate.Admit(a.From); err != nil {
		return err
	}
	var known ratelimit.Known
	err = s.gate.Query(ctx, func() error {
		if a.Email != "" {
			if a.EmailKey, err = auth.EmailKey(ctx, s.store, a.Email, s.clock.Now()); err != nil {
				return err
			}
		}
		facts, err := s.store.SignInFacts(ctx, models.SignInQuestion{
			EmailKey: a.EmailKey, ClientID: a.ClientID, Keys: s.limits.SignInKeys(a.EmailKey, a.From), At: s.clock.Now(),
			Browser: s.limits.BrowserOrigin(a.From), Network: s.limits.NetworkOrigin(a.From), KnownSince: s.clock.Now().Add(-ratelimit.KnownFor), JKT: a.From.JKT,
		})
		if err != nil {
			return err
		}
		if a.CheckApp != nil {
			if err := a.CheckApp(facts.Allowed); err != nil {
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
func (c *Check) takeSlot(ctx context.Context, a Attempt, known ratelimit.Known) (err error) {
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
func (c *Check) failed() { c.reserved = nil }

// Confirmed counts a right password. Without a limit on these, a person who has the password could keep the hashing busy.
func (c *Check) Confirmed(ctx context.Context) error {
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
func (c *Check) End(ctx context.Context) {
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

// Verify checks the password of a sign-in, and returns its account. rehashed is a hash with today's parameters, if the stored one has
// weaker parameters or is of another system. An unknown account takes the same steps as a wrong password, and so the same time. Verify returns
// KindInvalidCredential, KindAccountDisabled or KindUnavailable.
func (c *Check) Verify(ctx context.Context, typed string) (user models.User, rehashed string, err error) {
	s, found := c.s, c.user.ID != uuid.Nil
	var ok, stale bool
	if found {
		ok, stale, err = s.hasher.Verify(ctx, c.user.PasswordHash, typed)
	} else {
		err = s.hasher.VerifyUnknown(ctx, typed)
	}
	switch {
	case err != nil:
		return user, "", err
	case !ok:
		return user, "", s.recordFailure(ctx, c, models.EventSignInFailed, "")
	case c.user.LockedAt != nil: // same response as for a wrong password: this may be the thief
		return user, "", s.recordFailure(ctx, c, models.EventSignInFailed, LockedDetail)
	case c.user.DisabledAt != nil:
		return user, "", auth.About(c.user.ID, auth.Refuse(auth.KindAccountDisabled, "This account is disabled. Ask your administrator for help."))
	}
	if stale {
		rehashed, err = s.hasher.Hash(ctx, typed)
		switch {
		case errors.Is(err, password.ErrRefused): // another system took characters that we do not take: its hash stays
			rehashed = ""
		case err != nil:
			return user, "", err
		}
	}
	return c.user, rehashed, nil
}

// Budgets returns what the transaction of a sign-in counts, and the failures that it takes back. When it has, or may have, the caller
// calls TakenBack.
func (c *Check) Budgets() (spend []models.Budget, uncount []models.Counter) {
	return c.limits.Spend(), c.reserved
}

// TakenBack says that a transaction took the failures back, or may have: End never does so twice.
func (c *Check) TakenBack() { c.reserved = nil }

// Confirm checks the password of a person who is signed in, before a sensitive act. A wrong one counts like a failed
// sign-in. It returns KindWrongPassword, KindRateLimited or KindUnavailable.
func (s *Service) Confirm(ctx context.Context, user models.User, password string, from auth.Caller) error {
	c, err := s.Begin(ctx, Attempt{EmailKey: user.EmailKey, From: from, Confirms: true})
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
		return ErrLocked
	case ok:
		return c.Confirmed(ctx)
	}
	if err := s.recordFailure(ctx, c, models.EventPasswordFailed, ""); !errors.Is(err, auth.ErrBadCredentials) {
		return err
	}
	return auth.About(user.ID, &auth.Error{Kind: auth.KindWrongPassword, Message: "That’s not your password. Try again."})
}

// ErrLocked refuses every confirmation while the password is locked, one with a passkey too: the owner said that it was not them.
var ErrLocked = &auth.Error{Kind: auth.KindWrongPassword, Message: "Your password is locked. Choose a new one first, with a link that we e-mail you."}
