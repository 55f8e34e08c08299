package resource

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"latchkey/auth/dpop"
)

// The schemes of the Authorization header.
const (
	schemeBearer = "Bearer" // RFC 6750 §2.1
	schemeDPoP   = "DPoP"   // RFC 9449 §7.1
)

// Authenticate checks the access token of a request, which must be in its one Authorization header, and the DPoP proof if the token
// is bound to a key. It ignores tokens in the URL or the body, because URLs are logged. Its errors are *Error.
func (v *Verifier) Authenticate(r *http.Request) (*Claims, error) {
	scheme, token, err := credentials(r.Header)
	if err != nil {
		return nil, err
	}
	claims, err := v.Verify(r.Context(), token)
	if err == nil {
		err = v.checkBinding(claims, scheme, token, r)
	}
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.scheme = scheme
		}
		return nil, err
	}
	return claims, nil
}

// credentials parses the Authorization header (RFC 9110 §11.6.2).
func credentials(h http.Header) (scheme, token string, err error) {
	values := h["Authorization"]
	if len(values) == 0 {
		return "", "", &Error{Kind: ErrNoCredentials, Reason: "an access token is needed"}
	}
	if len(values) > 1 {
		return "", "", &Error{Kind: ErrInvalidRequest, Reason: "there is more than one Authorization header"}
	}
	scheme, token, _ = strings.Cut(values[0], " ")
	switch {
	case strings.EqualFold(scheme, schemeBearer):
		scheme = schemeBearer
	case strings.EqualFold(scheme, schemeDPoP):
		scheme = schemeDPoP
	default:
		return "", "", &Error{Kind: ErrNoCredentials, Reason: "an access token is needed"}
	}
	token = strings.Trim(token, " ")
	if token == "" || strings.ContainsAny(token, " \t,") {
		return "", "", &Error{Kind: ErrInvalidToken, Reason: "there is not exactly one token", scheme: scheme}
	}
	return scheme, token, nil
}

// checkBinding checks that a bound token comes with a proof by its key, and any other token as a bearer token (RFC 9449 §7).
func (v *Verifier) checkBinding(c *Claims, scheme, token string, r *http.Request) error {
	dpopOn := v.config.DPoP.BaseURL != ""
	switch {
	case scheme == schemeBearer && c.JKT != "" && dpopOn:
		return invalid("it is bound to a key and must be presented under the DPoP scheme")
	case c.JKT != "" && !dpopOn:
		return invalid("it is bound to a key, and this server takes no proofs")
	case scheme == schemeDPoP && c.JKT == "":
		return invalid("it is not bound to a key")
	case v.config.DPoP.Required && c.JKT == "":
		return invalid("it is not bound to a key, and this server takes no other")
	case scheme == schemeBearer:
		return nil
	}
	return v.checkProof(c, token, r)
}

func (v *Verifier) checkProof(c *Claims, token string, r *http.Request) error {
	url := strings.TrimSuffix(v.config.DPoP.BaseURL, "/") + r.URL.EscapedPath()
	proof, err := dpop.Check(r.Header.Values("DPoP"), dpop.Request{
		Method: r.Method, URL: url, AccessToken: token, Nonces: v.nonces, NonceRequired: v.nonces != nil, MaxAge: v.config.DPoP.MaxAge,
	}, v.config.Clock())
	var clock *dpop.ClockError
	switch {
	case proof.JKT != "" && proof.JKT != c.JKT:
		return &Error{Kind: ErrInvalidProof, Reason: "the DPoP proof is by another key than the token's"}
	case errors.Is(err, dpop.ErrNonce):
		return &Error{Kind: ErrUseNonce, Reason: "the DPoP proof needs the nonce that comes with this answer"}
	case errors.As(err, &clock):
		return &Error{Kind: ErrInvalidProof, Reason: "the DPoP proof is not of now: " + clock.Error(), Cause: err}
	case err != nil:
		return &Error{Kind: ErrInvalidProof, Reason: "the DPoP proof is not one for this request and token", Cause: err}
	}
	switch err := v.proofs.Consume(proof, c.Subject); {
	case errors.Is(err, dpop.ErrCrowded):
		return &Error{Kind: ErrUnavailable, Reason: "there were too many DPoP proofs", RetryAfter: time.Minute, Cause: err}
	case err != nil:
		return &Error{Kind: ErrInvalidProof, Reason: "the DPoP proof was used before", Cause: err}
	}
	return nil
}

type claimsKey struct{}

// ClaimsFrom returns the claims of the request's access token, in a handler behind Middleware. It returns false elsewhere.
func ClaimsFrom(ctx context.Context) (*Claims, bool) {
	c, ok := ctx.Value(claimsKey{}).(*Claims)
	return c, ok
}
