package ratelimit

import (
	"testing"

	"github.com/google/uuid"

	"latchkey/auth"
)

func TestLongRequestsOfOneAccountAndOfAllAreBounded(t *testing.T) {
	b := NewPerAccount(2)
	begin := func(user uuid.UUID) func() {
		t.Helper()
		end, err := b.Begin(user)
		if err != nil {
			t.Fatal(err)
		}
		return end
	}
	refused := func(user uuid.UUID) {
		t.Helper()
		if _, err := b.Begin(user); auth.AsError(err).Kind != auth.KindUnavailable || auth.AsError(err).RetryAfter <= 0 {
			t.Errorf("admitted: %v", err)
		}
	}
	ada, eve, bea := uuid.New(), uuid.New(), uuid.New()
	first := begin(ada)
	refused(ada)
	second := begin(eve)
	refused(bea)
	first()
	first() // twice is once
	third := begin(bea)
	refused(ada)
	second()
	third()
	begin(ada)()
}
