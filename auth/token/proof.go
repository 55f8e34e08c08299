package token

import (
	"errors"
	"time"

	"latchkey/auth"
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

// CheckedProof is a proof that is good if it was not used before; nil is no proof. Use it up when the rest of the request is known
// to be good, and not before: whoever holds a copied token could otherwise fill the memory in its owner's name.
type CheckedProof struct {
	dpop.Proof
	seen      *dpop.Seen
	presenter string // an account
}

// CheckProof checks a proof, when there is one, and returns the thumbprint of its key, also with KindUseNonce.
func (s *Service) CheckProof(p Proof, presenter string, r dpop.Request) (jkt string, checked *CheckedProof, err error) {
	if len(p.Headers) == 0 {
		return "", nil, nil
	}
	r.Method, r.URL, r.Nonces, r.NonceRequired = p.Method, p.URL, s.nonces, s.config.NonceRequired
	proof, err := dpop.Check(p.Headers, r, s.clock.Now())
	if err != nil {
		return proof.JKT, nil, invalidProof(err)
	}
	return proof.JKT, &CheckedProof{proof, s.proofs, presenter}, nil
}

// Consume uses the proof up.
func (c *CheckedProof) Consume() error {
	if c == nil {
		return nil
	}
	return invalidProof(c.seen.Consume(c.Proof, c.presenter))
}

// fresh says what once would say. Where an act follows that cannot be taken back, add then uses the proof up.
func (c *CheckedProof) fresh() error {
	if c == nil {
		return nil
	}
	return invalidProof(c.seen.Fresh(c.Proof, c.presenter))
}

func (c *CheckedProof) add() error {
	if c == nil {
		return nil
	}
	return invalidProof(c.seen.Add(c.Proof, c.presenter))
}

func invalidProof(err error) error {
	var clock *dpop.ClockError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, dpop.ErrCrowded):
		return auth.RateLimited(time.Minute)
	case errors.Is(err, dpop.ErrNonce):
		return auth.Refuse(auth.KindUseNonce, "The DPoP proof must carry the nonce that comes with this answer.")
	case errors.As(err, &clock): // with a nonce, the device's clock does not matter
		return auth.Refuse(auth.KindUseNonce, "The DPoP proof is not of now: "+clock.Error()+". It must carry the nonce that comes with this answer.")
	}
	return &auth.Error{Kind: auth.KindInvalidProof, Message: "The DPoP proof is invalid.", Cause: err}
}

// Nonce is the DPoP nonce to hand out with the answer to a request, or "": where nonces are asked for, and to a client that goes on
// with one because its clock is wrong.
func (s *Service) Nonce(p Proof) string {
	if s.config.NonceRequired || len(p.Headers) == 1 && dpop.HasNonce(p.Headers[0]) {
		return s.NewNonce()
	}
	return ""
}

// NewNonce is the DPoP nonce of now, as KindUseNonce must be answered with.
func (s *Service) NewNonce() string { return s.nonces.At(s.clock.Now()) }

// checkBinding checks that an access token is presented by whoever holds its key (RFC 9449 §7): one that is bound to
// none as a Bearer token, a bound one with a proof, and never as a Bearer token.
func (s *Service) checkBinding(c *Claims, token string, scheme Scheme, p Proof) error {
	if c.Cnf == nil && scheme == SchemeBearer {
		return nil
	}
	if c.Cnf == nil || scheme == SchemeBearer {
		return &auth.Error{Kind: auth.KindInvalidToken, Message: "The access token was presented under the wrong scheme."}
	}
	if len(p.Headers) == 0 {
		return auth.Refuse(auth.KindInvalidProof, "A DPoP proof is needed.")
	}
	jkt, proof, err := s.CheckProof(p, c.Subject, dpop.Request{AccessToken: token})
	if err != nil {
		return err
	}
	if jkt != c.Cnf.JKT {
		return &auth.Error{Kind: auth.KindInvalidToken, Message: "The access token is bound to another key."}
	}
	return proof.Consume()
}
