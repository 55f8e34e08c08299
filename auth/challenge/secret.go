package challenge

import (
	"crypto/sha256"
	"encoding/base64"

	"latchkey/auth"
)

var errInvalid = &auth.Error{Kind: auth.KindInvalidChallenge, Message: "This sign-in took too long, was already used or was ended. Please sign in again."}

// Invalid refuses a challenge that cannot be answered, or not any more.
func Invalid(cause error) error {
	return &auth.Error{Kind: errInvalid.Kind, Message: errInvalid.Message, Cause: cause}
}

// secretHash parses the secret of a challenge and returns its hash, or KindInvalidChallenge without any query.
func secretHash(challenge string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(raw) != 32 || len(challenge) != base64.RawURLEncoding.EncodedLen(32) {
		return nil, errInvalid // the cause would repeat the client's text
	}
	hash := sha256.Sum256(raw)
	return hash[:], nil
}

// ID returns the public id of a challenge, or "" for a malformed one. It reveals nothing about the challenge.
func ID(challenge string) string {
	hash, err := secretHash(challenge)
	if err != nil {
		return ""
	}
	return publicID(hash)
}

func publicID(hash []byte) string {
	id := sha256.Sum256(append([]byte("step id\x00"), hash...))
	return base64.RawURLEncoding.EncodeToString(id[:12])
}

func sealedRow(hash []byte) []byte { return append([]byte("challenge\x00"), hash...) }
