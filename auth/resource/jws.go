package resource

import (
	"context"

	"latchkey/auth/jws"
)

// verifySignature checks a signature by a key, with the algorithm of that key (RFC 8725 §3.1), and returns the payload.
func verifySignature(j *jws.Compact, k *key) (payload []byte, err error) {
	if k.alg != jws.Alg(j.Alg) {
		return nil, invalid("its alg is not its key's")
	}
	if !k.verify(j.Signed, j.Signature) {
		return nil, invalid("its signature is wrong")
	}
	if payload, err = jws.Base64.DecodeString(j.Payload); err != nil {
		return nil, invalid("its payload is not base64url")
	}
	return payload, nil
}

// verifyJWS checks a JWS of the given type (RFC 8725 §3.11) and its signature by a key of the issuer. It returns the payload and
// the key.
func (v *Verifier) verifyJWS(ctx context.Context, text, typ string) (payload []byte, k *key, err error) {
	j, err := jws.Split(text)
	if err != nil {
		return nil, nil, invalid(err.Error())
	}
	if !j.Is(typ) {
		return nil, nil, invalid("its typ is not " + typ)
	}
	if k, err = v.findKey(ctx, j.KeyID); err != nil {
		return nil, nil, err
	}
	payload, err = verifySignature(&j, k)
	return payload, k, err
}
