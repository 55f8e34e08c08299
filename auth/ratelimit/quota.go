package ratelimit

import (
	"bytes"
	"context"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

// How often something that needs no password, or that sends mail to other people, may be requested in AttemptWindow.
const (
	MaxResetTries   = 30 // new passwords tried with one link
	MaxJudged       = 60 // passwords judged for sign-ups from one network, refused ones included
	MaxSignups      = 20 // sign-ups from one network
	MaxSignupMails  = 3  // mails about sign-ups to one mailbox
	MaxForgotten    = 3  // password-reset mails to one address
	MaxNetForgotten = 20 // password-reset mails requested from one network
	MaxEmailMails   = 3  // mails to one mailbox that accounts want as their new address
	MaxEmailAsked   = 5  // new addresses that one account asks for
	MaxNetEmails    = 20 // new addresses asked for from one network
	MaxLanguages    = 60 // languages chosen from one network
	MaxUserCodes    = 20 // user codes of devices that one account looks up
	MaxSince        = 10 // sign-outs of a device and everything since that one browser does without a confirmation
	MaxNetUserCodes = 60 // user codes of devices looked up from one network

	MaxNetSecrets    = 50  // wrong client secrets from one network
	MaxClientSecrets = 100 // wrong secrets of one client
	// MaxEmailMailsByAccount is how many of MaxEmailMails one account can cause. The last one is left to the mailbox's owner.
	MaxEmailMailsByAccount = 2
	// MaxSignupMailsByNetwork is how many of MaxSignupMails one network can cause. The last one is left to the mailbox's owner, who
	// asks from elsewhere.
	MaxSignupMailsByNetwork = 2
)

// Quota is how much may be counted under a key in one window. Without a key there is no limit.
type Quota struct {
	name string // of metrics
	key  []byte
	most int64
}

// Quota returns a quota of most under the hash of the parts.
func (s *Service) Quota(most int64, parts ...string) Quota {
	return Quota{quotaName(parts), s.KeyedHash(parts...), most}
}

// quotaName names a quota by the first of its parts, which is always a word of ours.
func quotaName(parts []string) string { return "requests_" + strings.ReplaceAll(parts[0], " ", "_") }

// NetworkQuota returns a quota of most under the hash of the parts and the caller's network. A caller whose network is unknown has
// no limit.
func (s *Service) NetworkQuota(from auth.Caller, most int64, parts ...string) Quota {
	net := from.Network()
	if net == "" {
		return Quota{}
	}
	return Quota{quotaName(parts), s.KeyedHash(append(parts, net)...), most}
}

// CountRequest counts a request under each quota. Past one of them it returns KindRateLimited.
func (s *Service) CountRequest(ctx context.Context, quotas ...Quota) error {
	now := s.clock.Now()
	var keys [][]byte
	for _, q := range quotas {
		if q.key != nil {
			keys = append(keys, q.key)
		}
	}
	before, err := s.store.Counters(ctx, keys, now)
	if err != nil {
		return err
	}
	for i := range before {
		before[i].Count++ // check before counting: a flood past the limit writes nothing
	}
	if err := pastQuota(before, quotas, now); err != nil {
		return err
	}
	after, err := s.store.IncrementCounters(ctx, keys, now, now.Add(-AttemptWindow))
	if err != nil {
		return err
	}
	return pastQuota(after, quotas, now)
}

func pastQuota(counters []models.Counter, quotas []Quota, now time.Time) error {
	for _, c := range counters {
		for _, q := range quotas {
			if bytes.Equal(c.Key, q.key) && c.Count > q.most {
				return auth.RateLimited(q.name, min(c.EndsAt.Sub(now), AttemptWindow))
			}
		}
	}
	return nil
}
