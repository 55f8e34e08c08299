package auth

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

// Kind classifies an error by what the caller can do about it. One table in web maps kinds to HTTP statuses.
type Kind int

// The kinds of error.
const (
	KindInternal          Kind = iota // a bug or an unexpected failure
	KindInvalidRequest                // a field is missing or wrong; Fields says which
	KindInvalidCredential             // unknown account or wrong password, never told apart
	KindAccountDisabled               // returned only after the right password
	KindTooManyDevices
	KindRateLimited         // RetryAfter says when to try again
	KindUnavailable         // nothing was changed; try again after RetryAfter
	KindNotFound            // it does not exist, or belongs to another account
	KindSignedOut           // the request has no live browser or device any more
	KindInvalidToken        // an invalid access token (RFC 6750 §3.1)
	KindInsufficientScope   // the access token lacks Scope (RFC 6750 §3.1)
	KindInvalidGrant        // an invalid device token; Reason says why (RFC 6749 §5.2)
	KindReauthentication    // the act needs the password again
	KindWrongPassword       // a signed-in person was asked for the password and gave a wrong one
	KindSignupClosed        // people cannot create accounts here
	KindEmailTaken          // another account has the address
	KindUnauthorizedClient  // the client_id is not registered
	KindInvalidClient       // the client did not authenticate as it must (RFC 6749 §5.2)
	KindInvalidProof        // a DPoP proof is invalid, or missing where one is needed (RFC 9449 §5)
	KindNotAllowed          // no request can do this with this account
	KindDeadLink            // a mailed link that was used, has expired or never existed
	KindUsedLink            // a mailed link that was used minutes ago: the page leads on to what it did
	KindChoosePassword      // the password is right, but another must be chosen in the portal first
	KindSecondFactor        // the password is right, and the second step is still to come
	KindSetUpFactor         // the password is right, but a second factor must be set up in the portal first
	KindInvalidCode         // a wrong second step; AttemptsLeft says how many more may follow
	KindInvalidChallenge    // the second step was used, took too long, or never existed
	KindInvalidConfirmation // an app's confirmation was used, is too old, or belongs to another device or key
	KindYoungFactor         // an act was confirmed with a factor that it would remove
	KindExternalID          // another account has the external id
	KindKeyReused           // an idempotency key came with another request
	KindUseNonce            // the DPoP proof must carry the nonce that comes with this error (RFC 9449 §8, §9)
)

// FieldProblem says what is wrong with one field of a request, in a sentence for people.
type FieldProblem struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error is an error with a kind. Message is for people, Cause for the log only.
type Error struct {
	Kind       Kind
	Message    string
	Reason     string         // of KindInvalidGrant: a reason that the API documents
	Scope      string         // of KindInsufficientScope: the scope that is needed
	Fields     []FieldProblem // of KindInvalidRequest
	RetryAfter time.Duration  // of KindRateLimited and KindUnavailable
	Limit      string         // of KindRateLimited, and of KindUnavailable when the server is busy: the name of the limit, for metrics
	Cause      error

	// Of KindInvalidCode:
	Counted      bool  // the challenge counts attempts
	AttemptsLeft int64 // of a challenge that counts them
	OfPasskey    bool  // it was a passkey that was refused, not a code
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// AsError returns the *Error in err's chain. Without one it gives err a kind: errors of the store by their meaning, all others
// KindInternal.
func AsError(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var often *models.LimitError
	switch {
	case errors.As(err, &often):
		return &Error{Kind: KindRateLimited, Message: "This was done too often recently.", RetryAfter: max(often.Wait, time.Second), Limit: "events_" + string(often.Kind), Cause: err}
	case errors.Is(err, models.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: KindUnavailable, Message: "The service isn’t available right now.", RetryAfter: 2 * time.Second, Cause: err}
	case errors.Is(err, ErrBusy):
		return &Error{Kind: KindUnavailable, Message: "Too many people are signing in right now.", RetryAfter: 5 * time.Second, Limit: "sign_ins_at_once", Cause: err}
	case errors.Is(err, models.ErrNotFound):
		return &Error{Kind: KindNotFound, Message: "We couldn’t find that.", Cause: err}
	}
	return &Error{Kind: KindInternal, Message: "Something went wrong on our side.", Cause: err}
}

// Busy reports whether err is a deliberate refusal during a flood of sign-ins or sign-ups, and not a failure of the service.
func Busy(err error) bool { return errors.Is(err, ErrBusy) || errors.Is(err, ErrCrowded) }

// Refuse returns an *Error of a kind with a message for people.
func Refuse(kind Kind, message string) error { return &Error{Kind: kind, Message: message} }

// InvalidField returns a KindInvalidRequest about one field.
func InvalidField(field, detail string) error {
	return invalidFields([]FieldProblem{{Field: field, Detail: detail}})
}

func invalidFields(problems []FieldProblem) error {
	return &Error{Kind: KindInvalidRequest, Message: "Some fields aren’t valid. Check them and try again.", Fields: problems}
}

// RateLimited returns a KindRateLimited of the limit with a name. It allows another try after wait, which is raised to one second.
func RateLimited(limit string, wait time.Duration) error {
	return &Error{Kind: KindRateLimited, Message: "Too many attempts.", RetryAfter: max(wait, time.Second), Limit: limit}
}

// ErrBusy says that the server has as many passwords to hash as it accepts. The password was not checked; the caller should try
// again.
var ErrBusy = errors.New("auth: too many passwords are being hashed")

// ErrCrowded says that too many mails wait to be sent. See Busy.
var ErrCrowded = errors.New("auth: too many mails that strangers asked for wait")

// AccountError is an error about an account that the answer must not tell: the log says which it was.
type AccountError struct {
	error
	Account uuid.UUID
}

// Unwrap returns the error that is answered.
func (e *AccountError) Unwrap() error { return e.error }

// About wraps err in an AccountError. The nil UUID stands for no account; then About returns err, as it does if err is nil.
func About(account uuid.UUID, err error) error {
	if err == nil || account == uuid.Nil {
		return err
	}
	return &AccountError{err, account}
}

// ErrBadCredentials refuses a sign-in. It is the same for an unknown account and for a wrong password.
var ErrBadCredentials = &Error{Kind: KindInvalidCredential, Message: "The e-mail address or password is wrong."}

// ErrChoosePassword refuses an app whose owner has a generated password and must choose another on the website first.
var ErrChoosePassword = &Error{Kind: KindChoosePassword, Message: "This password was set by an administrator. Sign in on the website first and choose your own."}

// ErrSetUpFactor refuses an app whose owner must set up a second factor on the website first.
var ErrSetUpFactor = &Error{Kind: KindSetUpFactor, Message: "This service requires two-step sign-in. Sign in on the website first to set it up."}
