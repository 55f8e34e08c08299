package keys

import (
	"encoding/base64"
	"encoding/json"

	"github.com/golang-jwt/jwt/v5"

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
	method := key.Method()
	if ecdsa, ok := method.(*jwt.SigningMethodECDSA); ok {
		method = es256{ecdsa}
	}
	signature, err := method.Sign(string(b), key.Signer())
	if err != nil {
		return "", err
	}
	return string(base64.RawURLEncoding.AppendEncode(append(b, '.'), signature)), nil
}
