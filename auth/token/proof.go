package token

import (
	"errors"
	"time"

	"latchkey/auth"
	"latchkey/auth/dpop"
)

// Proof is the DPoP part of a request (RFC 9449), unchecked. Without Headers there is no proof.
type Proof struct {
	Headers []string // the values of the DPoP header
	Method  string
	URL     string // the public base URL and the path
}

// Scheme is the scheme with which an access token was presented.
type Scheme string

// The schemes of the Authorization header.
const (
	SchemeBearer Scheme = "Bearer" // RFC 6750
	SchemeDPoP   Scheme = "DPoP"   // RFC 9449 §7.1
)

// CheckedProof is a valid proof that may have been used before; nil stands for no proof. Call Consume only after the rest of the
// request was checked. Otherwise the holder of a copied token could fill the memory in its owner's name.
type CheckedProof struct {
	dpop.Proof
	seen      *dpop.Seen
	presenter string // see dpop.Seen.Consume: the id of an account or a client, or a typed e-mail address
}

// CheckProof checks the proof of a request, if there is one, and returns the thumbprint of its key. It returns KindInvalidProof, or
// KindUseNonce together with the thumbprint.
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

// Consume marks the proof as used. It returns KindInvalidProof if it was used before, and KindRateLimited if its presenter sent too
// many.
func (c *CheckedProof) Consume() error {
	if c == nil {
		return nil
	}
	return c.ConsumeAs(c.presenter)
}

// ConsumeAs is Consume for a presenter that was not known yet when the proof was checked.
func (c *CheckedProof) ConsumeAs(presenter string) error {
	if c == nil {
		return nil
	}
	return invalidProof(c.seen.Consume(c.Proof, presenter))
}

// fresh returns what Consume would return, and marks nothing. Use it before an act that cannot be undone, and add after the act.
func (c *CheckedProof) fresh() error {
	if c == nil {
		return nil
	}
	return invalidProof(c.seen.Fresh(c.Proof, c.presenter))
}

// add marks a proof that was fresh as used.
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
		return auth.RateLimited("dpop_proofs", time.Minute)
	case errors.Is(err, dpop.ErrNonce):
		return auth.Refuse(auth.KindUseNonce, "The DPoP proof must carry the nonce that comes with this answer.")
	case errors.As(err, &clock): // with a nonce, the device's clock does not matter
		return auth.Refuse(auth.KindUseNonce, "The DPoP proof is not of now: "+clock.Error()+". It must carry the nonce that comes with this answer.")
	}
	return &auth.Error{Kind: auth.KindInvalidProof, Message: "The DPoP proof is invalid.", Cause: err}
}

// Nonce returns the DPoP nonce to send with the response to a request, or "". Clients get one if nonces are required, or if they
// already use one because their clock is wrong.
func (s *Service) Nonce(p Proof) string {
	if s.config.NonceRequired || len(p.Headers) == 1 && dpop.HasNonce(p.Headers[0]) {
		return s.NewNonce()
	}
	return ""
}

// NewNonce returns the current DPoP nonce, which a response with KindUseNonce must carry.
func (s *Service) NewNonce() string { return s.nonces.At(s.clock.Now()) }

// checkBinding checks that the presenter of an access token holds its key (RFC 9449 §7). A token without a key must be presented as
// a Bearer token; a bound token never as one, and only with a proof.
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
