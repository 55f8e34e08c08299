package auth

import (
	"context"
	"errors"
	"time"

	"latchkey/models"
)

// Kind classes a failure by what the caller can do about it. One table in web maps kinds to HTTP.
type Kind int

// The kinds of failure.
const (
	KindInternal          Kind = iota // a mistake of ours
	KindInvalidRequest                // a field is missing or wrong; Fields says which
	KindInvalidCredential             // unknown account or wrong password, never told apart
	KindAccountDisabled               // only after the right password
	KindTooManyDevices
	KindRateLimited        // RetryAfter says when to come back
	KindUnavailable        // nothing was changed; try again after RetryAfter
	KindNotFound           // no such thing, or somebody else's
	KindSignedOut          // no live browser or device stands behind the request any more
	KindInvalidToken       // an access token that proves nothing (RFC 6750 §3.1)
	KindInvalidGrant       // a device token that proves nothing; Reason says why (RFC 6749 §5.2)
	KindReauthentication   // the act needs the password again
	KindWrongPassword      // of a person who is signed in and was asked again
	KindSignupClosed       // nobody may create an account
	KindEmailTaken         // another account has the address
	KindUnauthorizedClient // the client_id is not registered
	KindInvalidProof       // a DPoP proof that proves nothing, or none where one is needed (RFC 9449 §5)
	KindNotAllowed         // not for this account, whoever asks
	KindDeadLink           // a mailed link that was used, has expired or never was one
	KindUsedLink           // a mailed link that did its work minutes ago: the page leads on to what that was
	KindChoosePassword     // the password is right, and another must be chosen in the portal first
	KindUseNonce           // a DPoP proof must carry the nonce that comes with this refusal (RFC 9449 §8, §9)
)

// FieldProblem is what is wrong with one field of a request, in a sentence fit for people.
type FieldProblem struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error is a refusal. Message is for people; the cause is for the log only.
type Error struct {
	Kind       Kind
	Message    string
	Reason     string         // of KindInvalidGrant: one of API's reasons
	Fields     []FieldProblem // of KindInvalidRequest
	RetryAfter time.Duration  // of KindRateLimited and KindUnavailable
	Cause      error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// AsError gives every error its kind: our own as it is, the store's by what it means, anything else as internal.
func AsError(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var often *models.LimitError
	switch {
	case errors.As(err, &often):
		return &Error{Kind: KindRateLimited, Message: "This was done too often lately. Please wait before you do it again.", RetryAfter: max(often.Wait, time.Second), Cause: err}
	case errors.Is(err, models.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: KindUnavailable, Message: "The service is not available right now. Please try again.", RetryAfter: 2 * time.Second, Cause: err}
	case errors.Is(err, ErrBusy):
		return &Error{Kind: KindUnavailable, Message: "Too many people are signing in right now. Please try again.", RetryAfter: 5 * time.Second, Cause: err}
	case errors.Is(err, models.ErrNotFound):
		return &Error{Kind: KindNotFound, Message: "There is no such thing here.", Cause: err}
	}
	return &Error{Kind: KindInternal, Message: "Something went wrong on our side.", Cause: err}
}

// Busy tells a flood of sign-ins or sign-ups, which is refused on purpose, from a service that is out of order.
func Busy(err error) bool { return errors.Is(err, ErrBusy) || errors.Is(err, ErrCrowded) }

// Refuse makes an Error of a kind, with a message for people.
func Refuse(kind Kind, message string) error { return &Error{Kind: kind, Message: message} }

// InvalidField refuses a request for one of its fields.
func InvalidField(field, detail string) error {
	return invalidFields([]FieldProblem{{Field: field, Detail: detail}})
}

func invalidFields(problems []FieldProblem) error {
	return &Error{Kind: KindInvalidRequest, Message: "Some of what was sent cannot be used.", Fields: problems}
}

// RateLimited refuses what was done too often; it may be done again after wait, which is told as a second at least.
func RateLimited(wait time.Duration) error {
	return &Error{Kind: KindRateLimited, Message: "Too many attempts. Please wait before you try again.", RetryAfter: max(wait, time.Second)}
}

// ErrBusy says that the machine has as many passwords to hash as it can take.
// Nothing was decided about the password: the caller answers "try again".
var ErrBusy = errors.New("auth: too many passwords are being hashed")

// ErrCrowded says that too many mails wait to be sent. See Busy.
var ErrCrowded = errors.New("auth: too many mails wait that strangers asked for")

// ErrBadCredentials is the refusal of a sign-in: the same for an unknown account and for a wrong password.
var ErrBadCredentials = &Error{Kind: KindInvalidCredential, Message: "The e-mail address or the password is wrong."}
