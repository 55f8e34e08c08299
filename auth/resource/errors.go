package resource

import (
	"errors"
	"time"
)

// The kinds of error; test for them with errors.Is. Every error of Verify, Authenticate and Check is an *Error of one of them.
var (
	ErrNoCredentials  = errors.New("no access token")                  // 401 without an error code
	ErrInvalidRequest = errors.New("invalid request")                  // 400: more than one credential
	ErrInvalidToken   = errors.New("invalid access token")             // 401: expired, malformed, forged, for another server, …
	ErrRevoked        = errors.New("revoked access token")             // 401: its device was signed out
	ErrInvalidProof   = errors.New("invalid DPoP proof")               // 401: missing, for another request, used before
	ErrUseNonce       = errors.New("DPoP proof needs a nonce")         // 401 with the nonce
	ErrInsufficient   = errors.New("insufficient user authentication") // 401: the token is valid, and does not meet a Demand
	ErrScope          = errors.New("insufficient scope")               // 403: the token is valid, and lacks a scope of a Demand
	ErrUnavailable    = errors.New("access token not verified")        // 503: keys or status are not available now; the token may be valid
)

// Error is why a request or a token was refused.
type Error struct {
	Kind       error         // one of the kinds above
	Reason     string        // a sentence that may be shown: it contains nothing of the request
	RetryAfter time.Duration // of ErrUnavailable
	Cause      error         // for the log; may be nil
	scheme     string        // with which the token was presented; "" from Verify
	demands    demands       // of ErrInsufficient and ErrScope
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Kind.Error() + ": " + e.Reason + ": " + e.Cause.Error()
	}
	return e.Kind.Error() + ": " + e.Reason
}

// Unwrap returns Kind and Cause.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Cause} }

func invalid(reason string) error { return &Error{Kind: ErrInvalidToken, Reason: reason} }

func unavailable(reason string, cause error) error {
	return &Error{Kind: ErrUnavailable, Reason: reason, RetryAfter: retryGap, Cause: cause}
}
