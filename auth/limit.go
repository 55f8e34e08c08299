package auth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"math"
	"net/netip"
	"slices"
	"time"

	"latchkey/models"
)

// The limits on sign-ins, counted in the database so that replicas share them. A window begins with the first of what it counts.
const (
	attemptWindow    = 15 * time.Minute
	maxPairFailures  = 10  // of one account from one network
	maxNetFailures   = 50  // from one network
	maxUserFailures  = 100 // of one account, from everywhere that it does not know
	maxKnownFailures = 30  // of one account, from all that it knows together
	maxSignIns       = 30  // of one account that succeed
	maxSignInsDay    = 100 // of one account that succeed, in a day
	maxOwnSignIns    = 5   // of one browser that the account knows, in a day, that succeed when the others have used up the rest
	maxConfirmations = 30  // of one account's password by people who are signed in, that succeed
	homeFor          = 30 * 24 * time.Hour
	budgetDay        = 24 * time.Hour

	ipv6NetworkPrefix = 64
)

// limit is how much may be counted under a key in a window.
type limit struct {
	key    []byte
	most   int64
	window time.Duration
	alone  bool // past it, nothing else is told: at the limit of a network every account answers alike
}

// signInLimits are what judges one caller's sign-in to one account.
type signInLimits struct {
	failures      []limit // a wrong password is counted under each
	budget        []limit // a sign-in is counted under each
	confirmations []limit // in place of the budget, for a person who is signed in already
	// own is what is left to a known browser when all that the account knows have used their budget up together: or a thief who made
	// himself known could lock the owner's browser out. Its counter counts all along.
	own, ownConfirmations []limit
}

// limitsOf says what judges a caller whom an account knows in this way. A known browser passes the limits of its network and of
// the account, or whoever shares the network, and any stranger, could lock the owner out; a known network passes the account's.
// Whatever an account knows shares one limit and one budget, which strangers cannot use up, so that farmed marks and keys gain a thief
// next to nothing. A caller is counted where it is judged. Keys are hashes, because people type passwords into the field for the address, and because a
// backup should not list who came from where.
func (s *Service) limitsOf(emailKey string, from Caller, known knownOrigin) signInLimits {
	var l signInLimits
	if net := from.network(); net != "" && !known.browser {
		l.failures = append(l.failures, limit{key: s.hide("network", net), most: maxNetFailures, window: attemptWindow, alone: true},
			limit{key: s.hide("pair", emailKey, net), most: maxPairFailures, window: attemptWindow})
	}
	if known.browser || known.network {
		l.failures = append(l.failures, limit{key: s.hide("known", emailKey), most: maxKnownFailures, window: attemptWindow})
	} else {
		l.failures = append(l.failures, limit{key: s.hide("account", emailKey), most: maxUserFailures, window: attemptWindow})
	}
	whose := []string{emailKey}
	if known.browser {
		whose = append(whose, "known")
	}
	l.budget = []limit{
		{key: s.hide(append([]string{"sign-ins"}, whose...)...), most: s.budgets.window, window: attemptWindow},
		{key: s.hide(append([]string{"sign-ins day"}, whose...)...), most: s.budgets.day, window: budgetDay},
	}
	l.confirmations = []limit{{key: s.hide(append([]string{"confirmations"}, whose...)...), most: maxConfirmations, window: attemptWindow}}
	if known.browser && from.Browser != "" {
		l.own = []limit{{key: s.hide("sign-ins own", emailKey, from.Browser), most: maxOwnSignIns, window: budgetDay}}
		l.ownConfirmations = []limit{{key: s.hide("confirmations own", emailKey, from.Browser), most: maxOwnSignIns, window: attemptWindow}}
		l.budget = append(l.budget, uncounted(l.own)...)
		l.confirmations = append(l.confirmations, uncounted(l.ownConfirmations)...)
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

// all are those by which a caller is judged.
func (l signInLimits) all() []limit { return slices.Concat(l.failures, l.budget, l.confirmations) }

// left goes over to what a known browser has of its own once the rest is used up.
func (l signInLimits) left(counters []models.Counter, now time.Time) signInLimits {
	if len(l.own) > 0 && judge(counters, l.budget, 0, now) != nil {
		l.budget = l.own
	}
	if len(l.ownConfirmations) > 0 && judge(counters, l.confirmations, 0, now) != nil {
		l.confirmations = l.ownConfirmations
	}
	return l
}

// when leaves of the budget and the confirmations those that count.
func (l signInLimits) when(confirms bool) signInLimits {
	if confirms {
		l.budget, l.own = nil, nil
	} else {
		l.confirmations, l.ownConfirmations = nil, nil
	}
	return l
}

// spend is the budget as the sign-in's transaction counts it.
func (l signInLimits) spend() (budgets []models.Budget) {
	for _, one := range l.budget {
		budgets = append(budgets, models.Budget{Key: one.key, Most: one.most, Window: one.window})
	}
	return budgets
}

// budgets are maxSignIns and maxSignInsDay, unless a test signs in more often.
type budgets struct{ window, day int64 }

// limitKeys are those of the counters of every way in which the account may know the caller.
func (s *Service) limitKeys(emailKey string, from Caller) (keys [][]byte) {
	for _, known := range []knownOrigin{{}, {network: true}, {browser: true}} {
		l := s.limitsOf(emailKey, from, known)
		for _, one := range l.all() {
			keys = append(keys, one.key)
		}
	}
	return keys
}

func (s *Service) hide(parts ...string) []byte {
	mac := hmac.New(sha256.New, s.limits)
	for _, part := range parts {
		mac.Write([]byte(part))
		mac.Write([]byte{0}) // no part holds a NUL
	}
	return mac.Sum(nil)[:16]
}

// translated are networks in which each IPv4 address of the Internet has an IPv6 one: a translator in front of a server that
// has no IPv4 writes its clients so (RFC 6052 §2.1, RFC 8215; RFC 2765 and RFC 4291 §2.5.5.1 in ::/64).
var translated = []netip.Prefix{netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("::/64")}

// networkOf is what one subscriber commonly holds: an IPv4 address, whether translated or not, or the /64 of an IPv6 one.
func networkOf(ip netip.Addr) string {
	ip = ip.Unmap()
	if !ip.IsValid() || ip.Is4() || slices.ContainsFunc(translated, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return ip.WithZone("").String()
	}
	prefix, err := ip.WithZone("").Prefix(ipv6NetworkPrefix)
	if err != nil {
		return ip.String()
	}
	return prefix.String()
}

// judge refuses with KindRateLimited when one of the counters has reached its limit or, with one attempt counted already, passed it.
func judge(counters []models.Counter, limits []limit, counted int64, now time.Time) error {
	var wait time.Duration
	for _, l := range limits {
		for _, c := range counters {
			if bytes.Equal(c.Key, l.key) && c.Count-counted >= l.most {
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
	return rateLimited(wait)
}

// reserve counts a failure before the password is checked, so that guesses in parallel gain nothing over one at a time. What it
// returns is to be given back when the password was not wrong.
func (s *Service) reserve(ctx context.Context, limits []limit) ([]models.Counter, error) {
	var keys [][]byte
	for _, l := range limits {
		keys = append(keys, l.key)
	}
	now := s.now()
	counted, err := s.store.IncrementCounters(ctx, keys, now, now.Add(-attemptWindow))
	if err != nil {
		return nil, err
	}
	if err := judge(counted, limits, 1, now); err != nil {
		s.giveBack(ctx, counted) // others used the limit up since it was looked at
		return nil, err
	}
	return counted, nil
}

// giveBack is for what reserve counted when the password was not found wrong. One that cannot be given back stays a failure.
func (s *Service) giveBack(ctx context.Context, counted []models.Counter) {
	if err := s.store.DecrementCounters(ctx, counted); err != nil {
		s.Logger.WarnContext(ctx, "an attempt that did not fail stays counted as one", "error", err)
	}
}

func rateLimited(wait time.Duration) error {
	return &Error{Kind: KindRateLimited, Message: "Too many attempts. Please wait before you try again.", RetryAfter: max(wait, time.Second)}
}

// limitRetention is for the sweeper: what must outlive its use in limits.
func limitRetention(now time.Time) models.Retention {
	return models.Retention{CountersBefore: now, KnownOriginsBefore: now.Add(-homeFor)}
}
