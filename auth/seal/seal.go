// Package seal turns the server secret into keys, one for each purpose, and seals with them what waits in the database.
//
// It is a package of its own because keys and seals are the same for signing keys, mails, links and cookies, and none of them
// may read another's key.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// MinSecret is the shortest server secret, in bytes.
const MinSecret = 32

// KeySize is the length of a key in bytes: AES-256.
const KeySize = 32

// Keys makes the [KeySize]-byte key for one purpose from each server secret, in their order (HKDF-SHA-256, RFC 5869). It
// refuses secrets shorter than [MinSecret]. The purpose is part of what is stored: never change one.
func Keys(secrets [][]byte, purpose string) ([][]byte, error) {
	keys := make([][]byte, len(secrets))
	for i, secret := range secrets {
		if len(secret) < MinSecret {
			return nil, fmt.Errorf("the server secret has %d bytes, it needs at least %d", len(secret), MinSecret)
		}
		key, err := hkdf.Key(sha256.New, secret, nil, "latchkey/v1/"+purpose, KeySize)
		if err != nil {
			return nil, fmt.Errorf("derive %s key: %w", purpose, err)
		}
		keys[i] = key
	}
	return keys, nil
}

// ErrSealedByOther says that none of the sealer's keys opens a box. It was sealed under a secret that is not configured here,
// or box or row were changed: AES-GCM does not tell these apart.
var ErrSealedByOther = errors.New("sealed under another secret, or for another row")

// Sealer seals texts with AES-256-GCM. It is safe for concurrent use.
type Sealer struct {
	aeads []cipher.AEAD // the current key first
}

// New seals with the first key and opens with all of them, each of [KeySize] bytes. A rolling change of the server secret adds
// the new one behind the old one everywhere, then swaps. One key should not seal more than 2^32 times (NIST SP 800-38D §8.3).
func New(keys [][]byte) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: no key")
	}
	s := &Sealer{}
	for _, key := range keys {
		if len(key) != KeySize {
			return nil, fmt.Errorf("seal: a key of %d bytes; it needs %d", len(key), KeySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		s.aeads = append(s.aeads, aead)
	}
	return s, nil
}

// Seal encrypts a text and binds it to its row: a box that was moved to another row does not open.
func (s *Sealer) Seal(row, text []byte) []byte {
	return s.aeads[0].Seal(nil, nil, text, row) //nolint:gosec // G407: this AEAD makes its nonce itself and takes none
}

// Open decrypts the box of a row. Stale says that a previous key opened it. It returns [ErrSealedByOther] when no key does.
func (s *Sealer) Open(row, box []byte) (text []byte, stale bool, err error) {
	for i, aead := range s.aeads {
		if text, err := aead.Open(nil, nil, box, row); err == nil {
			return text, i > 0, nil
		}
	}
	return nil, false, ErrSealedByOther
}
