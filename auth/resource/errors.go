package resource

import (
	"errors"
	"time"
)

// The kinds of refusal; ask with errors.Is. Every error of Verify and Authenticate is an *Error of one of them.
var (
	ErrNoCredentials  = errors.New("no access token")           // 401 without an error code
	ErrInvalidRequest = errors.New("invalid request")           // 400: more than one credential
	ErrInvalidToken   = errors.New("invalid access token")      // 401: expired, malformed, forged, not for this server, …
	ErrRevoked        = errors.New("revoked access token")      // 401: its device was signed out
	ErrInvalidProof   = errors.New("invalid DPoP proof")        // 401: missing, made for something else, used before
	ErrUseNonce       = errors.New("DPoP proof needs a nonce")  // 401 with the nonce
	ErrUnavailable    = errors.New("access token not verified") // 503: keys or status cannot be had now; the token may be good
)

// Error is a refusal.
type Error struct {
	Kind       error         // one of the kinds above
	Reason     string        // why, in a sentence of ours that may be shown: nothing of the request is in it
	RetryAfter time.Duration // of ErrUnavailable
	Cause      error         // for the log; may be nil
	scheme     string        // that the token was presented under; "" by Verify
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Kind.Error() + ": " + e.Reason + ": " + e.Cause.Error()
	}
	return e.Kind.Error() + ": " + e.Reason
}

// Unwrap is the kind and the cause.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Cause} }

func invalid(reason string) error { return &Error{Kind: ErrInvalidToken, Reason: reason} }

func unavailable(reason string, cause error) error {
	return &Error{Kind: ErrUnavailable, Reason: reason, RetryAfter: retryGap, Cause: cause}
}
