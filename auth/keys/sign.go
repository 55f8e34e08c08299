package keys

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"

	"latchkey/auth/keyring"
)

// Sign returns a JWS in compact serialization (RFC 7515 §3.1) with the given typ. It writes the header itself, because golang-jwt
// would build a map for every token.
func Sign(key *keyring.Key, typ string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	b := make([]byte, 0, 1024)
	b = base64.RawURLEncoding.AppendEncode(b, []byte(`{"alg":"`+key.Alg+`","kid":"`+key.ID+`","typ":"`+typ+`"}`))
	b = base64.RawURLEncoding.AppendEncode(append(b, '.'), payload)
	signature, err := sign(key, b)
	if err != nil {
		return "", err
	}
	return string(base64.RawURLEncoding.AppendEncode(append(b, '.'), signature)), nil
}

func sign(key *keyring.Key, text []byte) ([]byte, error) {
	if private, ok := key.Signer().(*ecdsa.PrivateKey); ok {
		return signES256(text, private)
	}
	return key.Method().Sign(string(text), key.Signer())
}
