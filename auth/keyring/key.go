package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/jws"
)

// The algorithms of keys (RFC 7518 §3.1, RFC 8037 §3.1).
const (
	ES256 = "ES256" // ECDSA on P-256 with SHA-256, the default
	EdDSA = "EdDSA" // Ed25519
	RS256 = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256; keys of 2048 bits
)

const rsaBits = 2048

// ErrAlg says that an algorithm is not ES256, EdDSA or RS256.
var ErrAlg = errors.New("keyring: unknown signing algorithm")

// Key is a signing key. It is immutable. Formatting it, with any verb, shows no private part.
type Key struct {
	ID        string    // kid: the SHA-256 thumbprint, RFC 7638
	Alg       string    // ES256, EdDSA or RS256
	Seq       int64     // 1, 2, 3 … for each algorithm
	SignsFrom time.Time // the start of its turn to sign
	CreatedAt time.Time
	private   crypto.Signer
}

// Generate generates a key. Its times are in UTC and truncated to microseconds, so that every database returns them unchanged. seq
// starts at 1. Generate returns ErrAlg for an unknown algorithm. RSA takes tenths of a second.
func Generate(alg string, seq int64, now, signsFrom time.Time) (*Key, error) {
	if seq < 1 {
		return nil, fmt.Errorf("keyring: sequence number %d; the first is 1", seq)
	}
	private, err := generate(alg)
	if err != nil {
		return nil, err
	}
	return newKey(private, alg, seq, stored(now), stored(signsFrom))
}

func generate(alg string) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	return nil, fmt.Errorf("%w: %q", ErrAlg, alg)
}

func newKey(private crypto.Signer, alg string, seq int64, createdAt, signsFrom time.Time) (*Key, error) {
	id, err := jws.Thumbprint(private.Public())
	if err != nil {
		return nil, err
	}
	return &Key{ID: id, Alg: alg, Seq: seq, SignsFrom: signsFrom, CreatedAt: createdAt, private: private}, nil
}

func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// algOf returns the algorithm of a public key, or ErrAlg.
func algOf(public crypto.PublicKey) (string, error) {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		if p.Curve == elliptic.P256() {
			return ES256, nil
		}
	case ed25519.PublicKey:
		return EdDSA, nil
	case *rsa.PublicKey:
		if p.N.BitLen() >= rsaBits {
			return RS256, nil
		}
	}
	return "", fmt.Errorf("%w for a key of type %T", ErrAlg, public)
}

// Public returns the public key: *ecdsa.PublicKey, ed25519.PublicKey or *rsa.PublicKey.
func (k *Key) Public() crypto.PublicKey { return k.private.Public() }

// Signer returns the private key for [Key.Method]: *ecdsa.PrivateKey, ed25519.PrivateKey or *rsa.PrivateKey.
func (k *Key) Signer() crypto.Signer { return k.private }

// Method returns the signing method of the key's algorithm.
func (k *Key) Method() jwt.SigningMethod {
	switch k.Alg {
	case ES256:
		return jwt.SigningMethodES256
	case EdDSA:
		return jwt.SigningMethodEdDSA
	default:
		return jwt.SigningMethodRS256
	}
}

// Format prints the key's name for every verb: %+v and %d would otherwise print the private exponent into a log.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%s key %d (%s)", k.Alg, k.Seq, k.ID) }

// LogValue logs the key's name.
func (k Key) LogValue() slog.Value {
	return slog.GroupValue(slog.String("kid", k.ID), slog.String("alg", k.Alg), slog.Int64("seq", k.Seq))
}
