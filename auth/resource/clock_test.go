package resource

import (
	"testing"
	"time"
)

// A list and keys that came while the clock was ahead must neither be believed until that moment comes nor keep newer ones out.
func TestWhatCameWhileTheClockWasAheadIsNotBelievedForLong(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, 24 * time.Hour, 365 * 24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, i *issuer) {
				wrong := func() time.Time { return time.Now().Add(ahead) }
				i.now = wrong
				v := i.verifier(nil)
				want(t, v, i.listed(6), nil, "while the clock is ahead")
				i.now = time.Now
				time.Sleep(time.Second)
				i.revoke(5)
				token, other := i.listed(5), i.listed(6)
				time.Sleep(listTTL + 31*time.Second) // the last retry included
				want(t, v, token, ErrRevoked, "revoked since the clock is right")
				want(t, v, other, nil, "another token")
			})
		})
	}
}
