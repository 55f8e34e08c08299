package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
)

// ErrKeyType says that a public key is neither EC on P-256, nor Ed25519, nor RSA.
var ErrKeyType = errors.New("jws: not a type of key that signs here")

// JWK is a public key in the form of RFC 7517. It has no field for private members.
type JWK struct {
	Kty string `json:"kty"`
	Crv string `json:"crv,omitempty"` // EC and OKP
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"` // EC
	N   string `json:"n,omitempty"` // RSA
	E   string `json:"e,omitempty"`
	Kid string `json:"kid,omitempty"`
	Alg string `json:"alg,omitempty"`
	Use string `json:"use,omitempty"`
}

// PublicJWK returns the members that define a public key, or [ErrKeyType]. EC coordinates are padded to the size of the field (RFC
// 7518 §6.2.1.2); RSA numbers are not padded (§6.3.1).
func PublicJWK(public crypto.PublicKey) (JWK, error) {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		point, err := p.Bytes() // 4, x, y: SEC 1 §2.3.3, always of full length
		if err != nil || p.Curve != elliptic.P256() {
			return JWK{}, fmt.Errorf("%w: an EC key that is not on P-256", ErrKeyType)
		}
		return JWK{Kty: "EC", Crv: "P-256", X: encode(point[1:33]), Y: encode(point[33:])}, nil
	case ed25519.PublicKey:
		return JWK{Kty: "OKP", Crv: "Ed25519", X: encode(p)}, nil
	case *rsa.PublicKey:
		return JWK{Kty: "RSA", N: encode(p.N.Bytes()), E: encode(big.NewInt(int64(p.E)).Bytes())}, nil
	}
	return JWK{}, fmt.Errorf("%w for a key of type %T", ErrKeyType, public)
}

// Thumbprint returns the SHA-256 of a public key's required members, in lexicographic order and without white space (RFC 7638 §3,
// RFC 8037 §2), as base64url without padding. It returns [ErrKeyType] for other types of key.
func Thumbprint(public crypto.PublicKey) (string, error) {
	k, err := PublicJWK(public)
	if err != nil {
		return "", err
	}
	var members string // base64url needs no escaping in JSON
	switch k.Kty {
	case "EC":
		members = fmt.Sprintf(`{"crv":"%s","kty":"EC","x":"%s","y":"%s"}`, k.Crv, k.X, k.Y)
	case "OKP":
		members = fmt.Sprintf(`{"crv":"%s","kty":"OKP","x":"%s"}`, k.Crv, k.X)
	case "RSA":
		members = fmt.Sprintf(`{"e":"%s","kty":"RSA","n":"%s"}`, k.E, k.N)
	}
	sum := sha256.Sum256([]byte(members))
	return encode(sum[:]), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
