package account

import (
	"context"
	"strings"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/ratelimit"
)

// countSignup limits how many accounts one network asks for, and how many mails about sign-ups one mailbox gets.
func (s *Service) countSignup(ctx context.Context, r SignupRequest) error {
	box := mailbox(r.Email)
	return s.limits.CountRequest(ctx, s.limits.Quota(ratelimit.MaxSignupMails, "signup address", box), s.limits.NetworkQuota(r.From, ratelimit.MaxSignups, "signup"),
		s.limits.NetworkQuota(r.From, ratelimit.MaxSignupMailsByNetwork, "signup address", box))
}

// mailbox returns the mailbox that an address leads to: without its tag ("ada+shop@…", RFC 5233), and with the ASCII form of its
// domain.
func mailbox(email string) string {
	local, domain, ok := strings.Cut(auth.FoldEmail(email), "@")
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
