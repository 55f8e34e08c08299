package resource

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/jws"
)

const (
	maxKeys              = 100
	minRSABits           = 2048
	maxRSABits           = 8192 // checking larger ones costs milliseconds for every forged token
	maxKeySetBytes int64 = 256 << 10
)

// key is a public key of the issuer, with the only algorithm that it is used with.
type key struct {
	id, alg string // as jws.Alg names it
	method  jwt.SigningMethod
	public  crypto.PublicKey
}

// verify reports whether a signature over a text is the key's.
func (k *key) verify(signed string, signature []byte) bool {
	return k.method.Verify(signed, signature, k.public) == nil
}

func (k *key) equal(o *key) bool {
	same, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.id == o.id && k.alg == o.alg && same.Equal(o.public)
}

// jwk is a public key in the form of RFC 7517.
type jwk struct {
	Kty string   `json:"kty"`
	Crv string   `json:"crv"`
	X   string   `json:"x"`
	Y   string   `json:"y"`
	N   string   `json:"n"`
	E   string   `json:"e"`
	Kid string   `json:"kid"`
	Alg string   `json:"alg"`
	Use string   `json:"use"`
	Ops []string `json:"key_ops"`
	D   string   `json:"d"` // of a private key
}

// parseKeySet parses a JSON Web Key Set (RFC 7517 §5). It skips keys for other uses or algorithms, as §5 recommends, and returns an
// error if no key is left.
func parseKeySet(text []byte, algs []string) (map[string]*key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("key set: more than %d keys", maxKeys)
	}
	keys := map[string]*key{}
	for _, raw := range set.Keys {
		var j jwk
		if json.Unmarshal(raw, &j) != nil {
			continue
		}
		k, err := j.key()
		if err != nil || !slices.Contains(algs, k.alg) {
			continue
		}
		if _, twice := keys[k.id]; twice {
			return nil, errors.New("key set: two keys of one kid")
		}
		keys[k.id] = k
	}
	if len(keys) == 0 {
		return nil, errors.New("key set: no key that could be used")
	}
	return keys, nil
}

var errKey = errors.New("not a key that could be used")

func (j jwk) key() (*key, error) {
	if j.Kid == "" || j.D != "" || j.Use != "" && j.Use != "sig" || j.Ops != nil && !slices.Contains(j.Ops, "verify") {
		return nil, errKey
	}
	k := &key{id: j.Kid}
	var err error
	switch {
	case j.Kty == "EC" && j.Crv == "P-256":
		k.alg, k.method = "ES256", jwt.SigningMethodES256
		k.public, err = j.ecdsa()
	case j.Kty == "OKP" && j.Crv == "Ed25519":
		k.alg, k.method = "EdDSA", jwt.SigningMethodEdDSA
		k.public, err = j.ed25519()
	case j.Kty == "RSA":
		k.alg, k.method = "RS256", jwt.SigningMethodRS256
		k.public, err = j.rsa()
	default:
		err = errKey
	}
	if err != nil || j.Alg != "" && jws.Alg(j.Alg) != k.alg {
		return nil, errKey
	}
	return k, nil
}

func (j jwk) ecdsa() (*ecdsa.PublicKey, error) {
	x, errX := jws.Base64.DecodeString(j.X)
	y, errY := jws.Base64.DecodeString(j.Y)
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, errKey
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y)) // refuses what is not on the curve
}

func (j jwk) ed25519() (ed25519.PublicKey, error) {
	x, err := jws.Base64.DecodeString(j.X)
	if err != nil || len(x) != ed25519.PublicKeySize {
		return nil, errKey
	}
	return x, nil
}

func (j jwk) rsa() (*rsa.PublicKey, error) {
	n, errN := jws.Base64.DecodeString(j.N)
	e, errE := jws.Base64.DecodeString(j.E)
	if errN != nil || errE != nil || len(e) == 0 || len(e) > 4 {
		return nil, errKey
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if bits := public.N.BitLen(); bits < minRSABits || bits > maxRSABits || public.E < 3 || public.E%2 == 0 || public.E > 1<<31-1 {
		return nil, errKey
	}
	return public, nil
}
