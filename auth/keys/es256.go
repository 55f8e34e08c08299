package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// es256 is golang-jwt's ES256 with deterministic signatures (RFC 6979), as RFC 8725 §3.2 recommends: a repeated random number would
// reveal the key. They also cost a quarter less.
type es256 struct{ *jwt.SigningMethodECDSA }

var errSignature = errors.New("keys: malformed ECDSA signature")

// Sign returns r and s, of 32 bytes each (RFC 7518 §3.4). The key must be an *ecdsa.PrivateKey on P-256.
func (m es256) Sign(text string, key any) ([]byte, error) {
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || private.Params().BitSize != m.CurveBits {
		return nil, fmt.Errorf("%w of %s: %T", jwt.ErrInvalidKeyType, m.Alg(), key)
	}
	digest := sha256.Sum256([]byte(text))
	der, err := private.Sign(nil, digest[:], crypto.SHA256) // without a source of randomness: RFC 6979
	if err != nil {
		return nil, fmt.Errorf("keys: sign: %w", err)
	}
	raw, input, inner := make([]byte, 2*m.KeySize), cryptobyte.String(der), cryptobyte.String(nil)
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !integer(&inner, raw[:m.KeySize]) || !integer(&inner, raw[m.KeySize:]) {
		return nil, errSignature
	}
	return raw, nil
}

// integer reads an unsigned integer into the end of to, which is all zeros.
func integer(from *cryptobyte.String, to []byte) bool {
	var b []byte
	if !from.ReadASN1Integer(&b) || len(b) > len(to) {
		return false
	}
	copy(to[len(to)-len(b):], b)
	return true
}
