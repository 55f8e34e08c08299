package ratelimit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"math"
	"slices"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

// The limits on sign-ins, counted in the database so that replicas share them. A window begins with the first of what it counts.
const (
	AttemptWindow      = 15 * time.Minute
	MaxPairFailures    = 10  // of one account from one network
	MaxNetFailures     = 50  // from one network
	MaxUserFailures    = 100 // of one account, from everywhere that it does not know
	MaxKnownFailures   = 30  // of one account, from all that it knows together
	MaxSignIns         = 30  // of one account that succeed
	MaxSignInsDay      = 100 // of one account that succeed, in a day
	MaxFallbackSignIns = 5   // of one browser that the account knows, in a day, that succeed when the others have used up the rest
	MaxConfirmations   = 30  // of one account's password by people who are signed in, that succeed
	KnownFor           = 30 * 24 * time.Hour
	BudgetDay          = 24 * time.Hour
)

// limit is how much may be counted under a key in a window.
type limit struct {
	Key    []byte
	most   int64
	window time.Duration
	alone  bool // past it, nothing else is told: at the limit of a network every account answers alike
}

// SignInLimits are what judges one caller's sign-in to one account.
type SignInLimits struct {
	Failures      []limit // a wrong password is counted under each
	budget        []limit // a sign-in is counted under each
	Confirmations []limit // in place of the budget, for a person who is signed in already
	// own is what is left to a known browser when all that the account knows have used their budget up together: or a thief who made
	// himself known could lock the owner's browser out. Its counter counts all along.
	fallback, fallbackConfirmations []limit
}

// SignInLimits says what judges a caller whom an account knows in this way. A known browser passes the limits of its network and of
// the account, or whoever shares the network, and any stranger, could lock the owner out; a known network passes the account's.
// Whatever an account knows shares one limit and one budget, which strangers cannot use up, so that farmed marks and keys gain a thief
// next to nothing. A caller is counted where it is judged. Keys are hashes, because people type passwords into the field for the address, and because a
// backup should not list who came from where.
func (s *Service) SignInLimits(emailKey string, from auth.Caller, known Known) SignInLimits {
	var l SignInLimits
	if net := from.Network(); net != "" && !known.Browser {
		l.Failures = append(l.Failures, limit{Key: s.KeyedHash("network", net), most: MaxNetFailures, window: AttemptWindow, alone: true},
			limit{Key: s.KeyedHash("pair", emailKey, net), most: MaxPairFailures, window: AttemptWindow})
	}
	if known.Browser || known.network {
		l.Failures = append(l.Failures, limit{Key: s.KeyedHash("known", emailKey), most: MaxKnownFailures, window: AttemptWindow})
	} else {
		l.Failures = append(l.Failures, limit{Key: s.KeyedHash("account", emailKey), most: MaxUserFailures, window: AttemptWindow})
	}
	whose := []string{emailKey}
	if known.Browser {
		whose = append(whose, "known")
	}
	l.budget = []limit{
		{Key: s.KeyedHash(append([]string{"sign-ins"}, whose...)...), most: s.budgets.Window, window: AttemptWindow},
		{Key: s.KeyedHash(append([]string{"sign-ins day"}, whose...)...), most: s.budgets.Day, window: BudgetDay},
	}
	l.Confirmations = []limit{{Key: s.KeyedHash(append([]string{"confirmations"}, whose...)...), most: MaxConfirmations, window: AttemptWindow}}
	if known.Browser && from.Browser != "" {
		l.fallback = []limit{{Key: s.KeyedHash("sign-ins own", emailKey, from.Browser), most: MaxFallbackSignIns, window: BudgetDay}}
		l.fallbackConfirmations = []limit{{Key: s.KeyedHash("confirmations own", emailKey, from.Browser), most: MaxFallbackSignIns, window: AttemptWindow}}
		l.budget = append(l.budget, uncounted(l.fallback)...)
		l.Confirmations = append(l.Confirmations, uncounted(l.fallbackConfirmations)...)
	}
	return l
}

// uncounted are counters without a limit.
func uncounted(limits []limit) []limit {
	limits = slices.Clone(limits)
	for i := range limits {
		limits[i].most = math.MaxInt64
	}
	return limits
}

// All are those by which a caller is judged.
func (l SignInLimits) All() []limit { return slices.Concat(l.Failures, l.budget, l.Confirmations) }

// WithFallback goes over to what a known browser has of its own once the rest is used up.
func (l SignInLimits) WithFallback(counters []models.Counter, now time.Time) SignInLimits {
	if len(l.fallback) > 0 && CheckLimits(counters, l.budget, 0, now) != nil {
		l.budget = l.fallback
	}
	if len(l.fallbackConfirmations) > 0 && CheckLimits(counters, l.Confirmations, 0, now) != nil {
		l.Confirmations = l.fallbackConfirmations
	}
	return l
}

// For leaves of the budget and the confirmations those that count.
func (l SignInLimits) For(confirms bool) SignInLimits {
	if confirms {
		l.budget, l.fallback = nil, nil
	} else {
		l.Confirmations, l.fallbackConfirmations = nil, nil
	}
	return l
}

// Spend is the budget as the sign-in's transaction counts it.
func (l SignInLimits) Spend() (budgets []models.Budget) {
	for _, one := range l.budget {
		budgets = append(budgets, models.Budget{Key: one.Key, Most: one.most, Window: one.window})
	}
	return budgets
}

// Budgets are MaxSignIns and MaxSignInsDay, unless a test signs in more often.
type Budgets struct{ Window, Day int64 }

// SignInKeys are those of the counters of every way in which the account may know the caller.
func (s *Service) SignInKeys(emailKey string, from auth.Caller) (keys [][]byte) {
	for _, known := range []Known{{}, {network: true}, {Browser: true}} {
		l := s.SignInLimits(emailKey, from, known)
		for _, one := range l.All() {
			keys = append(keys, one.Key)
		}
	}
	return keys
}

// KeyedHash hashes the parts under a key of the server, to 16 bytes. No part may hold a NUL.
func (s *Service) KeyedHash(parts ...string) []byte {
	mac := hmac.New(sha256.New, s.key)
	for _, part := range parts {
		mac.Write([]byte(part))
		mac.Write([]byte{0}) // no part holds a NUL
	}
	return mac.Sum(nil)[:16]
}

// CheckLimits refuses with KindRateLimited when one of the counters has reached its limit or, with one attempt counted already, passed it.
func CheckLimits(counters []models.Counter, limits []limit, counted int64, now time.Time) error {
	var wait time.Duration
	for _, l := range limits {
		for _, c := range counters {
			if bytes.Equal(c.Key, l.Key) && c.Count-counted >= l.most {
				wait = max(wait, min(c.EndsAt.Sub(now), l.window))
			}
		}
		if l.alone && wait > 0 {
			break
		}
	}
	if wait == 0 {
		return nil
	}
	return auth.RateLimited(wait)
}

// Reserve counts a failure before the password is checked, so that guesses in parallel gain nothing over one at a time. What it
// returns is to be given back when the password was not wrong.
func (s *Service) Reserve(ctx context.Context, limits []limit) ([]models.Counter, error) {
	var keys [][]byte
	for _, l := range limits {
		keys = append(keys, l.Key)
	}
	now := s.clock.Now()
	counted, err := s.store.IncrementCounters(ctx, keys, now, now.Add(-AttemptWindow))
	if err != nil {
		return nil, err
	}
	if err := CheckLimits(counted, limits, 1, now); err != nil {
		s.GiveBack(ctx, counted) // others used the limit up since it was looked at
		return nil, err
	}
	return counted, nil
}

// GiveBack is for what reserve counted when the password was not found wrong. One that cannot be given back stays a failure.
func (s *Service) GiveBack(ctx context.Context, counted []models.Counter) {
	if err := s.store.DecrementCounters(ctx, counted); err != nil {
		s.log.WarnContext(ctx, "an attempt that did not fail stays counted as one", "error", err)
	}
}

// LimitRetention is for the sweeper: what must outlive its use in limits.
func LimitRetention(now time.Time) models.Retention {
	return models.Retention{CountersBefore: now, KnownOriginsBefore: now.Add(-KnownFor)}
}
