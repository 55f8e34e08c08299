package client

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// secretPrefix lets scanners of source code find secrets that were published by mistake.
const secretPrefix = "lkcs_"

// newSecret makes the secret of a confidential client, of 256 random bits, and what is stored of it. Its letters mean themselves in
// a form, so that clients which forget to encode it for HTTP Basic (RFC 6749 §2.3.1) send the same.
func newSecret() (secret string, hash []byte) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // it never fails
	secret = secretPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	return secret, secretHash(secret)
}

// secretHash needs neither salt nor work, because 256 random bits cannot be guessed.
func secretHash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// sameSecret compares in constant time. A client without a hash has no secret.
func sameSecret(hash []byte, secret string) bool {
	return len(hash) > 0 && subtle.ConstantTimeCompare(hash, secretHash(secret)) == 1
}
