package ratelimit

import (
	"context"
	"fmt"

	"latchkey/auth/password"
	"latchkey/auth/password/foreign"
)

// verifyForeign is Verify for the hash of another system. That system hashed the bytes that came from its form, so they are tried first,
// and then the password as we normalise it: the form may have been on a device that types it in another way. A right password is always
// stale, so that the caller stores a hash of our own.
func (h *Hasher) verifyForeign(ctx context.Context, text, typed string) (ok, stale bool, err error) {
	stored, refused := foreign.Parse(text)
	if refused != nil { // not from an import, which parses it
		if err := h.VerifyUnknown(ctx, typed); err != nil {
			return false, false, err
		}
		return false, false, fmt.Errorf("%w: %w", password.ErrMalformed, refused)
	}
	err = h.Do(ctx, func() { ok = matchesForeign(stored, typed) })
	return ok, ok, err
}

func matchesForeign(stored foreign.Hash, typed string) bool {
	if stored.Matches([]byte(typed)) {
		return true
	}
	prepared, err := password.Prepare(typed)
	return err == nil && prepared != typed && stored.Matches([]byte(prepared))
}
