// Package seal derives keys from the server secret, one for each purpose, and seals data with them that is stored in the database.
//
// It is a package of its own because signing keys, mails, links and cookies all need keys and seals, and none of them may use
// another's key.
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

// Keys derives the [KeySize]-byte key for one purpose from each server secret, in order (HKDF-SHA-256, RFC 5869). It returns an
// error for secrets shorter than [MinSecret]. Stored data depends on the purpose: never change one.
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

// ErrSealedByOther says that none of the sealer's keys opens a sealed text. Either it was sealed under a secret that is not
// configured here, or the sealed text or its row was changed: AES-GCM does not tell these apart.
var ErrSealedByOther = errors.New("sealed under another secret, or for another row")

// Sealer encrypts and decrypts with AES-256-GCM. It is safe for concurrent use.
type Sealer struct {
	aeads []cipher.AEAD // the current key first
}

// New returns a sealer that seals with the first key and opens with all of them, each of [KeySize] bytes. To change the server
// secret in a running cluster, add the new secret after the old one on every replica, then swap them. One key should not seal more
// than 2^32 times (NIST SP 800-38D §8.3).
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

// Seal encrypts a text and binds it to its row. It does not open in another row.
func (s *Sealer) Seal(row, text []byte) []byte {
	return s.aeads[0].Seal(nil, nil, text, row) //nolint:gosec // G407: this AEAD makes its nonce itself and takes none
}

// Changing reports whether the sealer has previous keys: only then can a sealed text be stale.
func (s *Sealer) Changing() bool { return len(s.aeads) > 1 }

// Open decrypts the sealed text of a row. stale says that a previous key opened it. Open returns [ErrSealedByOther] if no key does.
func (s *Sealer) Open(row, sealed []byte) (text []byte, stale bool, err error) {
	for i, aead := range s.aeads {
		if text, err := aead.Open(nil, nil, sealed, row); err == nil {
			return text, i > 0, nil
		}
	}
	return nil, false, ErrSealedByOther
}
