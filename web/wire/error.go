package wire

import "net/http"

// Error is a failure of the protocol itself, before auth was asked.
type Error struct {
	Status  int
	Code    string // of problem details
	OAuth   string // of RFC 6749 §5.2; empty: invalid_request
	Message string
	// Challenge is WWW-Authenticate.
	Challenge string
	// AcceptEncoding is Accept-Encoding, of a refused Content-Encoding (RFC 9110 §12.5.3).
	AcceptEncoding string
	Cause          error // for the log, never for the answer; nil: the message says it all
}

// Error returns the message, which the client may read.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

var (
	// ErrNoRoute is the answer where nothing is. It is not logged.
	ErrNoRoute = &Error{Status: http.StatusNotFound, Code: "not_found", Message: "This page doesn’t exist. Check the link and try again."}
	// ErrMethod is the answer to a method that a path does not take.
	ErrMethod = &Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "This page can’t be opened that way."}
	// ErrStopping is the answer of a server that serves what still comes, and wants no more.
	ErrStopping = &Error{Status: http.StatusServiceUnavailable, Code: "unavailable", Message: "This server is about to stop."}
)
