package auth

import (
	"bytes"
	"context"
	"strings"
	"time"

	"latchkey/auth/mail"
	"latchkey/models"
)

// What may be asked for without an account's password, or for other people's mailboxes, within attemptWindow.
const (
	maxResetTries   = 30 // passwords chosen with one link, until one is taken
	maxSignups      = 20 // accounts asked for from one network
	maxSignupMails  = 3  // mails about it to one mailbox
	maxForgotten    = 3  // mails to the owner of one address who forgot the password
	maxNetForgotten = 20 // such mails asked for from one network
	maxEmailMails   = 3  // mails to one mailbox that an account wants
	maxEmailAsked   = 5  // addresses that one account wants
	maxNetEmails    = 20 // addresses that are wanted from one network
	// maxEmailMailsByAccount are those of the 3 that one account may cause: the last one is left to the owner of the mailbox.
	maxEmailMailsByAccount = 2
	// maxSignupMailsByNetwork are those of the 3 that one network may cause: the last one is left to the owner, who asks from elsewhere.
	maxSignupMailsByNetwork = 2
)

// quota is how much may be counted under a key in one window; without a key, as much as anybody wants.
type quota struct {
	key  []byte
	most int64
}

// networkQuota is one of the caller's network alone, or with more parts together. Callers whose network is unknown have none.
func (s *Service) networkQuota(from Caller, most int64, parts ...string) quota {
	net := from.network()
	if net == "" {
		return quota{}
	}
	return quota{s.hide(append(parts, net)...), most}
}

// countSignup limits how many accounts one network asks for, and how many mails about it one mailbox gets.
func (s *Service) countSignup(ctx context.Context, r SignupRequest) error {
	box := mailbox(r.Email)
	return s.countRequest(ctx, quota{s.hide("signup address", box), maxSignupMails}, s.networkQuota(r.From, maxSignups, "signup"),
		s.networkQuota(r.From, maxSignupMailsByNetwork, "signup address", box))
}

// mailbox is where an address leads to: without its tag ("ada+shop@…", RFC 5233), and with one form of its domain, of which an
// international one has several.
func mailbox(email string) string {
	local, domain, ok := strings.Cut(foldEmail(email), "@")
	if !ok {
		return local
	}
	if tag := strings.IndexByte(local, '+'); tag > 0 {
		local = local[:tag]
	}
	if ascii, err := mail.Domain(domain); err == nil {
		domain = ascii
	}
	return local + "@" + domain
}

// countRequest counts what anybody may ask for, and refuses what is past one of its quotas.
func (s *Service) countRequest(ctx context.Context, quotas ...quota) error {
	now := s.now()
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
	after, err := s.store.IncrementCounters(ctx, keys, now, now.Add(-attemptWindow))
	if err != nil {
		return err
	}
	return pastQuota(after, quotas, now)
}

func pastQuota(counters []models.Counter, quotas []quota, now time.Time) error {
	for _, c := range counters {
		for _, q := range quotas {
			if bytes.Equal(c.Key, q.key) && c.Count > q.most {
				return rateLimited(min(c.EndsAt.Sub(now), attemptWindow))
			}
		}
	}
	return nil
}
