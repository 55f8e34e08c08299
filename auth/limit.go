package auth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

// The limits on failed sign-ins, counted in the database so that replicas share them. A window begins with its first
// failure; sign-ins that succeed do not count.
const (
	attemptWindow     = 15 * time.Minute
	maxPairFailures   = 10  // of one account from one network
	maxNetFailures    = 50  // from one network
	maxUserFailures   = 100 // of one account, from anywhere
	maxSignups        = 20  // accounts asked for from one network
	maxSignupMails    = 3   // mails about it to one address
	maxForgotten      = 3   // mails to the owner of one address who forgot the password
	maxNetForgotten   = 20  // such mails asked for from one network
	maxEmailMails     = 3   // mails to one address that an account wants
	maxEmailAsked     = 5   // addresses that one account wants
	maxNetEmails      = 20  // addresses that are wanted from one network
	homeFor           = 30 * 24 * time.Hour
	ipv6NetworkPrefix = 64
)

// attemptKeys are the keyed hashes under which the failures of one account and one network are counted. Hashes,
// because people type passwords into the field for the address, and because a backup should not list who came from where.
type attemptKeys struct{ pair, network, account []byte }

func (k attemptKeys) all() [][]byte { return [][]byte{k.pair, k.network, k.account} }

func (s *Service) attemptKeys(emailKey string, from Caller) attemptKeys {
	net := network(from.IP)
	return attemptKeys{
		pair:    s.hide("pair", emailKey, net),
		network: s.hide("network", net),
		account: s.hide("account", emailKey),
	}
}

func (s *Service) hide(parts ...string) []byte {
	mac := hmac.New(sha256.New, s.limits)
	for _, part := range parts {
		mac.Write([]byte(part))
		mac.Write([]byte{0}) // no part holds a NUL
	}
	return mac.Sum(nil)[:16]
}

// network is what one subscriber commonly holds: an IPv4 address, or the /64 of an IPv6 one.
func network(ip netip.Addr) string {
	ip = ip.Unmap()
	if !ip.IsValid() || ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.WithZone("").Prefix(ipv6NetworkPrefix)
	if err != nil {
		return ip.String()
	}
	return prefix.String()
}

// withinLimits refuses with KindRateLimited when too much failed lately. A network or browser that the account
// signed in from lately passes the account's own limit, or a stranger could lock the owner out; never the others.
func (s *Service) withinLimits(ctx context.Context, keys attemptKeys, userID uuid.UUID, from Caller) error {
	counters, err := s.store.Attempts(ctx, keys.all(), s.now().Add(-attemptWindow))
	if err != nil {
		return err
	}
	return s.judgeAttempts(ctx, counters, keys, userID, from)
}

// judgeAttempts is withinLimits for counters that were read already.
func (s *Service) judgeAttempts(ctx context.Context, counters []models.Attempt, keys attemptKeys, userID uuid.UUID, from Caller) error {
	now := s.now()
	var until time.Time
	for _, c := range counters {
		most := int64(maxNetFailures)
		switch {
		case bytes.Equal(c.Key, keys.pair):
			most = maxPairFailures
		case bytes.Equal(c.Key, keys.account):
			most = maxUserFailures
		}
		if c.Count < most {
			continue
		}
		if bytes.Equal(c.Key, keys.account) && userID != uuid.Nil {
			home, err := s.store.KnownPlace(ctx, userID, s.places(from), now.Add(-homeFor))
			if err != nil {
				return err
			}
			if home {
				continue
			}
		}
		if end := c.WindowStart.Add(attemptWindow); end.After(until) {
			until = end
		}
	}
	if until.IsZero() {
		return nil
	}
	return rateLimited(until.Sub(now))
}

func rateLimited(wait time.Duration) error {
	return &Error{Kind: KindRateLimited, Message: "Too many attempts. Please wait before you try again.", RetryAfter: max(wait, time.Second)}
}

// countSignup limits how many accounts one network asks for, and how many mails about it one address gets.
func (s *Service) countSignup(ctx context.Context, r SignupRequest) error {
	return s.countRequest(ctx, quota{s.hide("signup", network(r.From.IP)), maxSignups}, quota{s.hide("signup address", foldEmail(r.Email)), maxSignupMails})
}

// quota is how much may be counted under a key in one window.
type quota struct {
	key  []byte
	most int64
}

// countRequest counts what anybody may ask for, and refuses what is past one of its quotas.
func (s *Service) countRequest(ctx context.Context, quotas ...quota) error {
	now := s.now()
	var keys [][]byte
	for _, q := range quotas {
		keys = append(keys, q.key)
	}
	before, err := s.store.Attempts(ctx, keys, now.Add(-attemptWindow))
	if err != nil {
		return err
	}
	for i := range before {
		before[i].Count++ // read first: a flood past the limit writes nothing
	}
	if err := pastQuota(before, quotas, now); err != nil {
		return err
	}
	after, err := s.store.CountAttempts(ctx, keys, now, now.Add(-attemptWindow))
	if err != nil {
		return err
	}
	return pastQuota(after, quotas, now)
}

func pastQuota(counters []models.Attempt, quotas []quota, now time.Time) error {
	for _, c := range counters {
		for _, q := range quotas {
			if bytes.Equal(c.Key, q.key) && c.Count > q.most {
				return rateLimited(c.WindowStart.Add(attemptWindow).Sub(now))
			}
		}
	}
	return nil
}

// familiar is by what an account knows a browser again; empty for apps.
func (s *Service) familiar(from Caller) []byte {
	if from.Browser == "" {
		return nil
	}
	return s.hide("place browser", from.Browser)
}

// places are where a caller is, as far as an account can recognise it: the network, and the browser's mark.
func (s *Service) places(from Caller) [][]byte {
	places := [][]byte{s.hide("place network", network(from.IP))}
	if from.Browser != "" {
		places = append(places, s.familiar(from))
	}
	return places
}

// Retention for the sweeper: what must outlive its use in limits.
func limitRetention(now time.Time) models.Retention {
	return models.Retention{AttemptsBefore: now.Add(-attemptWindow), PlacesBefore: now.Add(-homeFor)}
}
