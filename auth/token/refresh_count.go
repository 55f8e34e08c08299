package token

import (
	"slices"

	"latchkey/auth"
	"latchkey/auth/tally"
	"latchkey/models"
)

// How refreshes end, in the words of metrics: the outcomes that give tokens, and the refusals other than KindInvalidGrant.
const (
	refreshRotated        = "rotated"
	refreshRepeated       = "repeated"
	refreshForked         = "forked"
	refreshRestored       = "restored"
	refreshInvalidProof   = "invalid_proof"
	refreshInvalidClient  = "invalid_client"
	refreshInvalidRequest = "invalid_request"
	refreshLimited        = "limited"
	refreshFailed         = "failed" // an internal error, or the database was not available: the client may present the same token again
)

// invalidGrantReasons are the reasons of KindInvalidGrant.
var invalidGrantReasons = []string{
	ReasonMalformed, ReasonUnknownDevice, ReasonRevoked, ReasonReused, ReasonExpired, ReasonIdle, ReasonRefreshLimit,
}

func newRefreshTally() *tally.Tally[string] {
	return tally.New(append([]string{
		refreshRotated, refreshRepeated, refreshForked, refreshRestored,
		refreshInvalidProof, refreshInvalidClient, refreshInvalidRequest, refreshLimited, refreshFailed,
	}, invalidGrantReasons...)...)
}

// Refreshes counts how refreshes ended: the four outcomes that give tokens, the reasons of KindInvalidGrant, and other refusals.
func (s *Service) Refreshes() *tally.Tally[string] { return s.refreshes }

// refreshWord names how a refresh ended. outcome counts if err is nil.
func refreshWord(outcome models.Outcome, err error) string {
	if err == nil {
		switch outcome {
		case models.Repeated:
			return refreshRepeated
		case models.Forked:
			return refreshForked
		case models.Restored:
			return refreshRestored
		default:
			return refreshRotated
		}
	}
	own := auth.AsError(err)
	switch own.Kind {
	case auth.KindInvalidGrant:
		if slices.Contains(invalidGrantReasons, own.Reason) {
			return own.Reason
		}
	case auth.KindInvalidProof, auth.KindUseNonce:
		return refreshInvalidProof
	case auth.KindInvalidClient:
		return refreshInvalidClient
	case auth.KindInvalidRequest:
		return refreshInvalidRequest
	case auth.KindRateLimited:
		return refreshLimited
	default:
	}
	return refreshFailed
}
