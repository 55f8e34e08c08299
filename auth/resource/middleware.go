package resource

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/auth/dpop"
)

// Middleware passes requests with a valid access token to next, and answers all others with Refuse. next gets the token's claims
// from ClaimsFrom.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, err := v.Authenticate(r)
		if err != nil {
			v.Refuse(w, err)
			return
		}
		if claims.JKT != "" && v.nonces != nil {
			w.Header().Set("DPoP-Nonce", v.nonces.At(v.config.Clock())) // for the next request: RFC 9449 §8.2
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, claims)))
	})
}

// refusal is the response to a kind of error.
type refusal struct {
	kind   error
	status int
	code   string // of RFC 6750 §3.1, RFC 9449 §7.1 and RFC 9470 §3, or one that appears in the body only
}

var refusals = []refusal{
	{ErrNoCredentials, http.StatusUnauthorized, "unauthenticated"},
	{ErrInvalidRequest, http.StatusBadRequest, "invalid_request"},
	{ErrInvalidToken, http.StatusUnauthorized, "invalid_token"},
	{ErrRevoked, http.StatusUnauthorized, "invalid_token"},
	{ErrInvalidProof, http.StatusUnauthorized, "invalid_dpop_proof"},
	{ErrUseNonce, http.StatusUnauthorized, "use_dpop_nonce"},
	{ErrInsufficient, http.StatusUnauthorized, "insufficient_user_authentication"},
	{ErrScope, http.StatusForbidden, "insufficient_scope"},
	{ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
}

// Refuse answers a request according to an error of Authenticate or Check, with status, challenge (RFC 6750 §3, RFC 9449 §7.1, RFC
// 9470 §3) and problem details (RFC 9457). It answers 500 to an error of another package.
func (v *Verifier) Refuse(w http.ResponseWriter, err error) {
	e := &Error{Reason: "something went wrong"}
	errors.As(err, &e)
	answer := refusal{status: http.StatusInternalServerError, code: "internal"}
	for _, one := range refusals {
		if errors.Is(err, one.kind) {
			answer = one
			break
		}
	}
	h := w.Header()
	if answer.status != http.StatusServiceUnavailable && answer.status != http.StatusInternalServerError {
		v.challenge(h, e, answer)
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	if v.nonces != nil && errors.Is(err, ErrUseNonce) {
		h.Set("DPoP-Nonce", v.nonces.At(v.config.Clock()))
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"title": http.StatusText(answer.status), "status": answer.status, "code": answer.code, "detail": e.Reason,
	})
}

// challenge says which schemes this server accepts, and what was wrong with the one that was used.
func (v *Verifier) challenge(h http.Header, e *Error, answer refusal) {
	var problem, described []string
	if !errors.Is(e.Kind, ErrNoCredentials) { // RFC 6750 §3.1: no error code if there was no token
		problem = append([]string{`error="` + answer.code + `"`, `error_description="` + e.Reason + `"`}, e.demands.params()...)
	}
	if v.metadataURL != "" { // RFC 9728 §5.1
		described = []string{`resource_metadata="` + v.metadataURL + `"`}
	}
	dpopOn := v.config.DPoP.BaseURL != ""
	used := e.scheme
	if used == "" || used == schemeDPoP && !dpopOn || used == schemeBearer && v.config.DPoP.Required {
		used = schemeBearer
		if v.config.DPoP.Required {
			used = schemeDPoP
		}
	}
	add := func(scheme string, own ...string) {
		params := slices.Concat(own, described)
		if used == scheme {
			params = slices.Concat(problem, params)
		}
		h.Add("WWW-Authenticate", strings.TrimSpace(scheme+" "+strings.Join(params, ", ")))
	}
	if !v.config.DPoP.Required {
		add(schemeBearer)
	}
	if dpopOn {
		add(schemeDPoP, `algs="`+strings.Join(dpop.Algs, " ")+`"`)
	}
}
