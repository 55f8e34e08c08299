package auth

import (
	"errors"
	"time"

	"latchkey/auth/dpop"
)

// Proof is the DPoP part of a request (RFC 9449), unchecked. Without any header it is no proof.
type Proof struct {
	Headers []string // the values of the DPoP header
	Method  string
	URL     string // public: the base URL and the path
}

// Scheme is how an access token was presented.
type Scheme string

// The schemes of the Authorization header.
const (
	SchemeBearer Scheme = "Bearer" // RFC 6750
	SchemeDPoP   Scheme = "DPoP"   // RFC 9449 §7.1
)

// checkProof checks a proof, when there is one, and returns the thumbprint of its key and how to use the proof up:
// once, and only when the rest of the request is known to be good. The presenter is a device or an account.
func (s *Service) checkProof(p Proof, accessToken, presenter string) (jkt string, once func() error, err error) {
	if len(p.Headers) == 0 {
		return "", func() error { return nil }, nil
	}
	now := s.now()
	proof, err := dpop.Check(p.Headers, dpop.Request{Method: p.Method, URL: p.URL, AccessToken: accessToken}, now)
	if err != nil {
		return "", nil, invalidProof(err)
	}
	if s.NonceRequired && !s.nonces.Good(proof.Nonce, now) {
		return "", nil, refuse(KindUseNonce, "The DPoP proof must carry the nonce that comes with this answer.")
	}
	return proof.JKT, func() error { return invalidProof(s.proofs.Once(proof, presenter, now)) }, nil
}

func invalidProof(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, dpop.ErrCrowded):
		return rateLimited(time.Minute)
	}
	return &Error{Kind: KindInvalidProof, Message: "The DPoP proof is invalid.", Cause: err}
}

// Nonce is the DPoP nonce to hand out now, or "" while none is asked for.
func (s *Service) Nonce() string {
	if !s.NonceRequired {
		return ""
	}
	return s.nonces.At(s.now())
}

// checkBinding checks that an access token is presented by whoever holds its key (RFC 9449 §7): one that is bound to
// none as a Bearer token, a bound one with a proof, and never as a Bearer token.
func (s *Service) checkBinding(c *Claims, token string, scheme Scheme, p Proof) error {
	if c.Cnf == nil && scheme == SchemeBearer {
		return nil
	}
	if c.Cnf == nil || scheme == SchemeBearer {
		return &Error{Kind: KindInvalidToken, Message: "The access token was presented under the wrong scheme."}
	}
	if len(p.Headers) == 0 {
		return refuse(KindInvalidProof, "A DPoP proof is needed.")
	}
	jkt, once, err := s.checkProof(p, token, c.SessionID)
	if err != nil {
		return err
	}
	if jkt != c.Cnf.JKT {
		return &Error{Kind: KindInvalidToken, Message: "The access token is bound to another key."}
	}
	return once()
}
