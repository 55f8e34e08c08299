package account

import (
	"context"

	"latchkey/auth/ratelimit"
)

// countSignup limits how many accounts one network asks for, and how many mails about sign-ups one mailbox gets.
func (s *Service) countSignup(ctx context.Context, r SignupRequest) error {
	box := ratelimit.Mailbox(r.Email)
	return s.limits.CountRequest(ctx, s.limits.Quota(ratelimit.MaxSignupMails, "signup address", box), s.limits.NetworkQuota(r.From, ratelimit.MaxSignups, "signup"),
		s.limits.NetworkQuota(r.From, ratelimit.MaxSignupMailsByNetwork, "signup address", box))
}
