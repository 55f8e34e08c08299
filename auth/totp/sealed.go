package totp

import "latchkey/auth/seal"

// Seal seals the secret of an account's authenticator app for storage. It opens for this account only.
func Seal(s *seal.Sealer, user [16]byte, secret []byte) []byte { return s.Seal(row(user), secret) }

// Open opens what Seal returned. stale says that a previous key opened it. It returns seal.ErrSealedByOther if no key does.
func Open(s *seal.Sealer, user [16]byte, sealed []byte) (secret []byte, stale bool, err error) {
	return s.Open(row(user), sealed)
}

// row is what sealed secrets are bound to. The word is stored.
func row(user [16]byte) []byte { return append([]byte("totp\x00"), user[:]...) }
