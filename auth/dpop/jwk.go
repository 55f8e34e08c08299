package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
)

// parseJWK reads the public key for one algorithm (RFC 7517, RFC 7518 §6.2.1, RFC 8037 §2). A key with a private
// member is refused: whoever sends that has given the key away.
func parseJWK(encoded []byte, alg string) (crypto.PublicKey, error) {
	var members map[string]any
	if err := json.Unmarshal(encoded, &members); err != nil || members == nil {
		return nil, invalid("jwk is missing")
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, ok := members[private]; ok {
			return nil, invalid("jwk holds a private key")
		}
	}
	text := func(name string) string { s, _ := members[name].(string); return s }
	if named := text("alg"); named != "" && named != alg {
		return nil, invalid("jwk is for another alg")
	}
	x, err := base64.RawURLEncoding.Strict().DecodeString(text("x"))
	if err != nil || len(x) != 32 {
		return nil, invalid("jwk: x is not 32 bytes")
	}
	switch {
	case alg == "EdDSA" && text("kty") == "OKP" && text("crv") == "Ed25519":
		return ed25519.PublicKey(x), nil
	case alg == "ES256" && text("kty") == "EC" && text("crv") == "P-256":
		y, err := base64.RawURLEncoding.Strict().DecodeString(text("y"))
		if err != nil || len(y) != 32 {
			return nil, invalid("jwk: y is not 32 bytes")
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		if err != nil {
			return nil, invalid("jwk is not a point of the curve")
		}
		return key, nil
	}
	return nil, invalid("jwk does not fit alg %s", alg)
}
