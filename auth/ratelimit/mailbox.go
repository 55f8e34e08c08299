package ratelimit

import (
	"strings"

	"latchkey/auth"
	"latchkey/auth/mail"
)

// Mailbox returns the mailbox that an address leads to: without its tag ("ada+shop@…", RFC 5233), and with the ASCII form of its
// domain.
func Mailbox(email string) string {
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
