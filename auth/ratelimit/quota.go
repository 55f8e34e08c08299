package ratelimit

import (
	"bytes"
	"context"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

// What may be asked for without an account's password, or for other people's mailboxes, within AttemptWindow.
const (
	MaxResetTries   = 30 // passwords chosen with one link, until one is taken
	MaxJudged       = 60 // passwords judged for accounts asked for from one network, the refused ones too
	MaxSignups      = 20 // accounts asked for from one network
	MaxSignupMails  = 3  // mails about it to one mailbox
	MaxForgotten    = 3  // mails to the owner of one address who forgot the password
	MaxNetForgotten = 20 // such mails asked for from one network
	MaxEmailMails   = 3  // mails to one mailbox that an account wants
	MaxEmailAsked   = 5  // addresses that one account wants
	MaxNetEmails    = 20 // addresses that are wanted from one network
	// MaxEmailMailsByAccount are those of the 3 that one account may cause: the last one is left to the owner of the mailbox.
	MaxEmailMailsByAccount = 2
	// MaxSignupMailsByNetwork are those of the 3 that one network may cause: the last one is left to the owner, who asks from elsewhere.
	MaxSignupMailsByNetwork = 2
)

// Quota is how much may be counted under a key in one window; without a key, as much as anybody wants.
type Quota struct {
	key  []byte
	most int64
}

// Quota is how much may be counted under what the parts name together.
func (s *Service) Quota(most int64, parts ...string) Quota { return Quota{s.KeyedHash(parts...), most} }

// NetworkQuota is one of the caller's network alone, or with more parts together. Callers whose network is unknown have none.
func (s *Service) NetworkQuota(from auth.Caller, most int64, parts ...string) Quota {
	net := from.Network()
	if net == "" {
		return Quota{}
	}
	return Quota{s.KeyedHash(append(parts, net)...), most}
}

// CountRequest counts what anybody may ask for, and refuses what is past one of its quotas.
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
		before[i].Count++ // read first: a flood past the limit writes nothing
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
				return auth.RateLimited(min(c.EndsAt.Sub(now), AttemptWindow))
			}
		}
	}
	return nil
}
