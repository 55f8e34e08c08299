package keyring

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Errors of [Sealer.Open].
var (
	// ErrSealedByOther says that none of the sealer's keys opens the box: it was
	// sealed under a secret that is not configured here, or box, kid, alg or seq were
	// changed afterwards. AES-GCM does not tell these apart.
	ErrSealedByOther = errors.New("keyring: no configured secret opens this key")
	// ErrBox says that the box is no box, or of a later format, or that it holds a
	// key that is not the one its row names.
	ErrBox = errors.New("keyring: not a sealed key")
)

// SealKeySize is the length in bytes of the keys that [NewSealer] takes: AES-256.
const SealKeySize = 32

// format1: 1 ‖ nonce 12 B ‖ AES-256-GCM(PKCS #8) ‖ tag 16 B.
const format1 = 1

// Sealed is a key as a database row holds it. SignsFrom is not under the seal: a
// forced rotation moves it with a plain UPDATE.
type Sealed struct {
	ID, Alg              string
	Seq                  int64
	SignsFrom, CreatedAt time.Time
	Box                  []byte
}

// Sealer encrypts private keys for storage. It is safe for concurrent use.
type Sealer struct {
	aeads []cipher.AEAD // the current key first
}

// NewSealer seals with current and opens with current and previous, each of
// [SealKeySize] bytes. A rolling change of the secret first adds the new one to
// previous everywhere, then swaps. One key should not seal more than 2^32 times
// (NIST SP 800-38D section 8.3), which no rotation comes near.
func NewSealer(current []byte, previous ...[]byte) (*Sealer, error) {
	s := &Sealer{}
	for _, key := range append([][]byte{current}, previous...) {
		if len(key) != SealKeySize {
			return nil, fmt.Errorf("keyring: a sealing key of %d bytes; it has %d", len(key), SealKeySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		s.aeads = append(s.aeads, aead)
	}
	return s, nil
}

// Seal encrypts k's private half under the current key, bound to kid, alg and seq:
// a box that was moved to another row does not open.
func (s *Sealer) Seal(k *Key) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("keyring: marshal %s: %w", k.ID, err)
	}
	return s.aeads[0].Seal([]byte{format1}, nil, der, binding(k.ID, k.Alg, k.Seq)), nil //nolint:gosec // G407: this AEAD makes its nonce itself and takes none
}

// Open decrypts a row. Stale says that a previous key opened it: seal it again
// and store the result. ErrSealedByOther when no key opens it, ErrBox when it
// is malformed or holds another key than it says.
func (s *Sealer) Open(r Sealed) (k *Key, stale bool, err error) {
	if len(r.Box) == 0 || r.Box[0] != format1 {
		return nil, false, fmt.Errorf("%w: %s has an unknown format", ErrBox, r.ID)
	}
	aad := binding(r.ID, r.Alg, r.Seq)
	for i, aead := range s.aeads {
		der, err := aead.Open(nil, nil, r.Box[1:], aad)
		if err != nil {
			continue
		}
		k, err := unmarshal(der, r)
		return k, i > 0 && err == nil, err
	}
	return nil, false, fmt.Errorf("%w: %s", ErrSealedByOther, r.ID)
}

// unmarshal reads the key and holds it against what the row says it is.
func unmarshal(der []byte, r Sealed) (*Key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBox, r.ID, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: %s holds a %T", ErrBox, r.ID, parsed)
	}
	if alg, err := algOf(private.Public()); err != nil || alg != r.Alg {
		return nil, fmt.Errorf("%w: %s is no %s key", ErrBox, r.ID, r.Alg)
	}
	k, err := newKey(private, r.Alg, r.Seq, stored(r.CreatedAt), stored(r.SignsFrom))
	if err != nil {
		return nil, err
	}
	if k.ID != r.ID {
		return nil, fmt.Errorf("%w: %s holds the key %s", ErrBox, r.ID, k.ID)
	}
	return k, nil
}

// binding is the additional data of the seal. Lengths keep ("ab", "c") apart
// from ("a", "bc").
func binding(id, alg string, seq int64) []byte {
	b := []byte("latchkey signing key\x00")
	for _, s := range []string{id, alg} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(seq))
}
