package wire

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"latchkey/auth"
	"latchkey/web/metrics"
)

// answer is how a kind of failure looks from outside.
type answer struct {
	Status int
	Code   string // of problem details
	OAuth  string // RFC 6749 §5.2, RFC 7009 §2.2.1
}

// answers maps every kind. A kind that is missing here would be answered as internal.
var answers = map[auth.Kind]answer{
	auth.KindInternal:            {http.StatusInternalServerError, "internal", "temporarily_unavailable"},
	auth.KindInvalidRequest:      {http.StatusUnprocessableEntity, "invalid_request", "invalid_request"},
	auth.KindInvalidCredential:   {http.StatusUnauthorized, "invalid_credentials", "invalid_grant"},
	auth.KindAccountDisabled:     {http.StatusForbidden, "account_disabled", "invalid_grant"},
	auth.KindChoosePassword:      {http.StatusForbidden, "password_change_required", "invalid_grant"},
	auth.KindTooManyDevices:      {http.StatusConflict, "too_many_devices", "invalid_grant"},
	auth.KindRateLimited:         {http.StatusTooManyRequests, "rate_limited", "temporarily_unavailable"},
	auth.KindUnavailable:         {http.StatusServiceUnavailable, "unavailable", "temporarily_unavailable"},
	auth.KindNotFound:            {http.StatusNotFound, "not_found", "invalid_request"},
	auth.KindSignedOut:           {http.StatusUnauthorized, "signed_out", "invalid_grant"},
	auth.KindInvalidToken:        {http.StatusUnauthorized, "invalid_token", "invalid_token"},
	auth.KindInsufficientScope:   {http.StatusForbidden, "insufficient_scope", "insufficient_scope"},
	auth.KindInvalidGrant:        {http.StatusBadRequest, "invalid_grant", "invalid_grant"},
	auth.KindDeadLink:            {http.StatusGone, "link_dead", "invalid_request"},
	auth.KindUsedLink:            {http.StatusGone, "link_dead", "invalid_request"},
	auth.KindNotAllowed:          {http.StatusForbidden, "not_allowed", "invalid_request"},
	auth.KindInvalidProof:        {http.StatusBadRequest, "invalid_dpop_proof", "invalid_dpop_proof"},
	auth.KindUseNonce:            {http.StatusBadRequest, "use_dpop_nonce", "use_dpop_nonce"},
	auth.KindReauthentication:    {http.StatusForbidden, "reauthentication_required", "invalid_request"},
	auth.KindWrongPassword:       {http.StatusForbidden, "invalid_credentials", "invalid_grant"},
	auth.KindSignupClosed:        {http.StatusNotFound, "signup_closed", "invalid_request"},
	auth.KindExternalID:          {http.StatusConflict, "external_id_taken", "invalid_request"},
	auth.KindKeyReused:           {http.StatusUnprocessableEntity, "idempotency_key_reused", "invalid_request"},
	auth.KindEmailTaken:          {http.StatusConflict, "email_taken", "invalid_request"},
	auth.KindSecondFactor:        {http.StatusForbidden, "second_factor_required", "invalid_grant"},
	auth.KindSetUpFactor:         {http.StatusForbidden, "second_factor_setup_required", "invalid_grant"},
	auth.KindInvalidCode:         {http.StatusUnauthorized, "invalid_code", "invalid_grant"},
	auth.KindInvalidChallenge:    {http.StatusUnauthorized, "invalid_challenge", "invalid_grant"},
	auth.KindInvalidConfirmation: {http.StatusForbidden, "invalid_confirmation", "invalid_grant"},
	auth.KindYoungFactor:         {http.StatusForbidden, "factor_too_new", "invalid_grant"},
	auth.KindInvalidClient:       {http.StatusUnauthorized, "invalid_client", "invalid_client"},
	auth.KindUnauthorizedClient:  {http.StatusUnprocessableEntity, "invalid_request", "unauthorized_client"},
}

// Failure is one error, ready to be answered in any form.
type Failure struct {
	answer
	Message    string
	Reason     string // of a refused device token
	Scope      string // that an access token lacks
	Fields     []auth.FieldProblem
	RetryAfter time.Duration // 0: the client need not wait
	Challenge  string        // WWW-Authenticate
}

// Judge turns the errors of handlers into failures. It logs and counts each.
type Judge struct {
	Log     *slog.Logger
	Metrics *metrics.Metrics
	// Origin says where a request came from, for the log of refused credentials: its IP address, a keyed hash of that, or "" for
	// nothing. Nil stands for a function that says nothing.
	Origin func(r *http.Request) string
}

// Failure reads an error and logs it, so it is called once for each request. The log gets the cause, the answer does not. The headers
// that an answer in any form carries are set: Retry-After, WWW-Authenticate and Accept-Encoding.
func (j Judge) Failure(w http.ResponseWriter, r *http.Request, err error) Failure {
	var f Failure
	var protocol *Error
	if errors.As(err, &protocol) {
		f = Failure{answer: answer{protocol.Status, protocol.Code, "invalid_request"}, Message: protocol.Message, Challenge: protocol.Challenge}
		if protocol.OAuth != "" {
			f.OAuth = protocol.OAuth
		}
		if protocol.AcceptEncoding != "" {
			w.Header().Set("Accept-Encoding", protocol.AcceptEncoding)
		}
		if protocol.Cause != nil {
			err = protocol.Cause
		}
	} else {
		own := auth.AsError(err)
		known, ok := answers[own.Kind]
		if !ok {
			known = answers[auth.KindInternal]
		}
		f = Failure{answer: known, Message: own.Message, Reason: own.Reason, Scope: own.Scope, Fields: own.Fields, RetryAfter: own.RetryAfter}
	}
	if f.Status == http.StatusInternalServerError && f.RetryAfter == 0 {
		f.RetryAfter = 5 * time.Second
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((f.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if f.Challenge != "" {
		w.Header().Set("WWW-Authenticate", f.Challenge)
	}
	j.Metrics.Refused(f.Code, f.Reason)
	j.Metrics.LimitHit(auth.AsError(err).Limit)
	level := slog.LevelInfo
	if f.Status >= http.StatusInternalServerError && r.Context().Err() == nil && !auth.Busy(err) && !errors.Is(err, ErrStopping) {
		level = slog.LevelError
	}
	if f.OAuth == "authorization_pending" || f.OAuth == "slow_down" {
		level = slog.LevelDebug // a device asks every few seconds
	}
	if !errors.Is(err, ErrNoRoute) {
		about := []any{"request", InfoOf(r).ID, "route", InfoOf(r).Route, "status", f.Status, "code", f.Code}
		about = append(about, j.who(r, err)...)
		j.Log.Log(r.Context(), level, "refused", append(about, "reason", f.Reason, "cause", err.Error())...)
	}
	return f
}
