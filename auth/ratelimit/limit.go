package ratelimit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"math"
	"slices"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

// The limits on sign-ins. They are counted in the database, so that replicas share them. A window starts with the first attempt
// that it counts.
const (
	AttemptWindow      = 15 * time.Minute
	MaxPairFailures    = 10                  // of one account from one network
	MaxNetFailures     = 50                  // from one network
	MaxUserFailures    = 100                 // of one account from all origins that it does not know
	MaxKnownFailures   = 30                  // of one account from all origins that it knows
	MaxSignIns         = 30                  // successful sign-ins of one account
	MaxSignInsDay      = 100                 // successful sign-ins of one account in a day
	MaxFallbackSignIns = 5                   // in a day, of one known browser once the known origins' budget is used up; confirmations: in AttemptWindow
	MaxConfirmations   = 30                  // right passwords of one account when a signed-in person confirms an act
	KnownFor           = 30 * 24 * time.Hour // how long an account knows an origin after a sign-in from it
	BudgetDay          = 24 * time.Hour
)

// Budgets are how many sign-ins of one account succeed in AttemptWindow and in a day: MaxSignIns and MaxSignInsDay, except in
// tests.
type Budgets struct{ Window, Day int64 }

// limit is how much may be counted under a key in a window.
type limit struct {
	name   string // of metrics
	Key    []byte
	most   int64
	window time.Duration
	alone  bool // past it, later limits are not checked: a network that reached its own limit gets the same answer for every account
}

// SignInLimits are the limits on one caller's sign-ins to one account.
type SignInLimits struct {
	Failures      []limit // each counts wrong passwords
	budget        []limit // each counts sign-ins
	Confirmations []limit // counts confirmed passwords; applies to a signed-in person instead of the budget
	// The fallbacks apply to a known browser after all known origins together have used up their budget or confirmations. Otherwise a
	// thief who made an origin known could lock the owner's browser out. A known browser's attempts always count under them.
	fallback, fallbackConfirmations []limit
}

// SignInLimits returns the limits for a caller whom the account knows in the given way. A known browser is exempt from the limits
// of its network and of the account: otherwise others on the network, or any stranger, could lock the owner out. A known network is
// exempt from the limit of the account only. All known origins share one limit and one budget, which strangers cannot use up, so a
// thief gains little by making many origins known. An attempt is counted under the limits that it is checked against. Keys are
// hashes, because people type passwords into the address field, and because a backup should not list who signed in from where.
func (s *Service) SignInLimits(emailKey string, from auth.Caller, known Known) SignInLimits {
	var l SignInLimits
	if net := from.Network(); net != "" && !known.Browser {
		l.Failures = append(l.Failures, limit{name: "failures_network", Key: s.KeyedHash("network", net), most: MaxNetFailures, window: AttemptWindow, alone: true},
			limit{name: "failures_pair", Key: s.KeyedHash("pair", emailKey, net), most: MaxPairFailures, window: AttemptWindow})
	}
	if known.Browser || known.network {
		l.Failures = append(l.Failures, limit{name: "failures_known", Key: s.KeyedHash("known", emailKey), most: MaxKnownFailures, window: AttemptWindow})
	} else {
		l.Failures = append(l.Failures, limit{name: "failures_account", Key: s.KeyedHash("account", emailKey), most: MaxUserFailures, window: AttemptWindow})
	}
	whose := []string{emailKey}
	if known.Browser {
		whose = append(whose, "known")
	}
	l.budget = []limit{
		{name: "sign_ins", Key: s.KeyedHash(append([]string{"sign-ins"}, whose...)...), most: s.budgets.Window, window: AttemptWindow},
		{name: "sign_ins_day", Key: s.KeyedHash(append([]string{"sign-ins day"}, whose...)...), most: s.budgets.Day, window: BudgetDay},
	}
	l.Confirmations = []limit{{name: "confirmations", Key: s.KeyedHash(append([]string{"confirmations"}, whose...)...), most: MaxConfirmations, window: AttemptWindow}}
	if known.Browser && from.Browser != "" {
		l.fallback = []limit{{name: "sign_ins", Key: s.KeyedHash("sign-ins own", emailKey, from.Browser), most: MaxFallbackSignIns, window: BudgetDay}}
		l.fallbackConfirmations = []limit{{name: "confirmations", Key: s.KeyedHash("confirmations own", emailKey, from.Browser), most: MaxFallbackSignIns, window: AttemptWindow}}
		l.budget = append(l.budget, uncounted(l.fallback)...)
		l.Confirmations = append(l.Confirmations, uncounted(l.fallbackConfirmations)...)
	}
	return l
}

// uncounted returns limits that are counted but never reached.
func uncounted(limits []limit) []limit {
	limits = slices.Clone(limits)
	for i := range limits {
		limits[i].most = math.MaxInt64
	}
	return limits
}

// All returns all limits that an attempt is checked against.
func (l SignInLimits) All() []limit { return slices.Concat(l.Failures, l.budget, l.Confirmations) }

// WithFallback returns l with a known browser's fallbacks in place of limits that the counters have reached.
func (l SignInLimits) WithFallback(counters []models.Counter, now time.Time) SignInLimits {
	if len(l.fallback) > 0 && CheckLimits(counters, l.budget, 0, now) != nil {
		l.budget = l.fallback
	}
	if len(l.fallbackConfirmations) > 0 && CheckLimits(counters, l.Confirmations, 0, now) != nil {
		l.Confirmations = l.fallbackConfirmations
	}
	return l
}

// For returns l for a confirmation, without the budget, or for a sign-in, without the confirmations.
func (l SignInLimits) For(confirms bool) SignInLimits {
	if confirms {
		l.budget, l.fallback = nil, nil
	} else {
		l.Confirmations, l.fallbackConfirmations = nil, nil
	}
	return l
}

// Spend returns the budgets that the transaction of the sign-in counts.
func (l SignInLimits) Spend() (budgets []models.Budget) {
	for _, one := range l.budget {
		budgets = append(budgets, models.Budget{Key: one.Key, Most: one.most, Window: one.window})
	}
	return budgets
}

// SignInKeys returns the keys of all counters that may apply, however the account knows the caller.
func (s *Service) SignInKeys(emailKey string, from auth.Caller) (keys [][]byte) {
	for _, known := range []Known{{}, {network: true}, {Browser: true}} {
		l := s.SignInLimits(emailKey, from, known)
		for _, one := range l.All() {
			keys = append(keys, one.Key)
		}
	}
	return keys
}

// KeyedHash returns a 16-byte HMAC of the parts under the server's key. No part may contain a NUL.
func (s *Service) KeyedHash(parts ...string) []byte {
	mac := hmac.New(sha256.New, s.key)
	for _, part := range parts {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return mac.Sum(nil)[:16]
}

// CheckLimits returns a KindRateLimited if a counter has reached its limit. counted is how many attempts of the caller the counters
// include already.
func CheckLimits(counters []models.Counter, limits []limit, counted int64, now time.Time) error {
	var wait time.Duration
	var name string
	for _, l := range limits {
		for _, c := range counters {
			if bytes.Equal(c.Key, l.Key) && c.Count-counted >= l.most {
				name, wait = cmp.Or(name, l.name), max(wait, min(c.EndsAt.Sub(now), l.window))
			}
		}
		if l.alone && wait > 0 {
			break
		}
	}
	if wait == 0 {
		return nil
	}
	return auth.RateLimited(name, wait)
}

// Reserve counts a failure before the password is checked, so that parallel guesses gain nothing over one at a time. The caller
// passes the result to GiveBack if the password was right. Reserve returns KindRateLimited past a limit.
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
		s.GiveBack(ctx, counted) // others have reached the limit since it was checked
		return nil, err
	}
	return counted, nil
}

// GiveBack undoes Reserve after a password that was not wrong. If that fails, the attempt stays counted as a failure.
func (s *Service) GiveBack(ctx context.Context, counted []models.Counter) {
	if err := s.store.DecrementCounters(ctx, counted); err != nil {
		s.log.WarnContext(ctx, "an attempt that did not fail stays counted as one", "error", err)
	}
}

// LimitRetention tells the sweeper which counters and known origins the limits no longer need.
func LimitRetention(now time.Time) models.Retention {
	return models.Retention{CountersBefore: now, KnownOriginsBefore: now.Add(-KnownFor)}
}
