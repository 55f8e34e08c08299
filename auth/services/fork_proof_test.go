package services_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/jws"
	"latchkey/auth/token"
)

// prover has a key and makes DPoP proofs with it (RFC 9449 §4.2), each for one request.
type prover struct {
	key   ed25519.PrivateKey
	thumb string
	made  int
}

func newProver(t *testing.T, seed byte) *prover {
	t.Helper()
	p := &prover{key: ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed))}
	var err error
	if p.thumb, err = jws.Thumbprint(p.key.Public()); err != nil {
		t.Fatal(err)
	}
	return p
}

// proof returns no proof if p is nil.
func (p *prover) proof(b *forkBench) token.Proof {
	if p == nil {
		return token.Proof{}
	}
	return p.proofAt(b.t, b.config.Issuer+"/oauth/token", b.now())
}

// proofAt makes a proof for a POST.
func (p *prover) proofAt(tb testing.TB, url string, at time.Time) token.Proof {
	tb.Helper()
	p.made++
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"jti": fmt.Sprint(p.made), "htm": "POST", "htu": url, "iat": at.Unix()})
	t.Header["typ"] = "dpop+jwt"
	public, _ := p.key.Public().(ed25519.PublicKey)
	t.Header["jwk"] = map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(public)}
	text, err := t.SignedString(p.key)
	if err != nil {
		tb.Fatal(err)
	}
	return token.Proof{Headers: []string{text}, Method: "POST", URL: url}
}

func (p *prover) jkt() string {
	if p == nil {
		return ""
	}
	return p.thumb
}
