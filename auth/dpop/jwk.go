package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"

	"latchkey/auth/jws"
)

// parseJWK parses the public key for one algorithm, named as jws.Alg does (RFC 7517, RFC 7518 §6.2.1, RFC 8037 §2). It refuses a
// key with a private member, whose sender has given the key away.
func parseJWK(text, alg string) (crypto.PublicKey, error) {
	var kty, crv, named, textX, textY string
	err := jws.Walk(text, func(name, value string) (err error) {
		switch name {
		case "kty":
			kty, err = jws.Text(value)
		case "crv":
			crv, err = jws.Text(value)
		case "alg":
			named, err = jws.Text(value)
		case "x":
			textX, err = jws.Text(value)
		case "y":
			textY, err = jws.Text(value)
		case "d", "p", "q", "dp", "dq", "qi", "oth", "k":
			err = errPrivate
		}
		return err
	})
	switch {
	case errors.Is(err, errPrivate):
		return nil, invalid("%w", err)
	case err != nil:
		return nil, invalid("jwk is missing or no JSON object")
	case named != "" && jws.Alg(named) != alg:
		return nil, invalid("jwk is for another alg")
	}
	x, err := jws.Base64.DecodeString(textX)
	if err != nil || len(x) != 32 {
		return nil, invalid("jwk: x is not 32 bytes")
	}
	switch {
	case alg == "EdDSA" && kty == "OKP" && crv == "Ed25519":
		return ed25519.PublicKey(x), nil
	case alg == "ES256" && kty == "EC" && crv == "P-256":
		y, err := jws.Base64.DecodeString(textY)
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

var errPrivate = errors.New("jwk holds a private key")
