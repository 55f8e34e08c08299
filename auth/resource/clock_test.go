package resource

import (
	"sync/atomic"
	"testing"
	"time"
)

// A list and keys that were fetched while the clock was ahead must not be used until that time, and must not keep newer ones out.
func TestWhatCameWhileTheClockWasAheadIsNotBelievedForLong(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, 24 * time.Hour, 365 * 24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, i *issuer) {
				var by atomic.Int64 // background fetches read the clock, too
				by.Store(int64(ahead))
				i.now = func() time.Time { return time.Now().Add(time.Duration(by.Load())) }
				v := i.verifier(nil)
				want(t, v, i.listed(6), nil, "while the clock is ahead")
				by.Store(0)
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
