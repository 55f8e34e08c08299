package ratelimit

import (
	"testing"
)

func TestAMailboxHasOneNameForTheLimits(t *testing.T) {
	for email, want := range map[string]string{
		"Ada@Example.com": "ada@example.com", "ada+shop@example.com": "ada@example.com", "ada+a+b@example.com": "ada@example.com",
		"+ada@example.com": "+ada@example.com", "ada@a+b.example": "ada@a+b.example",
		"ada@bücher.example": "ada@xn--bcher-kva.example", "ada+1@BÜCHER.example": "ada@xn--bcher-kva.example",
		"ada@bu\u0308cher.example": "ada@xn--bcher-kva.example", "ada@XN--bcher-kva.example": "ada@xn--bcher-kva.example",
		"no address": "no address",
	} {
		if got := Mailbox(email); got != want {
			t.Errorf("%s: %s, want %s", email, got, want)
		}
	}
}
