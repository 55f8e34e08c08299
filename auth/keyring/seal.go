package keyring

import (
	"crypto"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"latchkey/auth/seal"
)

// Errors of [Sealer.Open].
var (
	// ErrSealedByOther says that no configured secret opens the key: see [seal.ErrSealedByOther].
	ErrSealedByOther = seal.ErrSealedByOther
	// ErrMalformed says that a row holds no sealed key, a later format, or a key that is not the one that the row names.
	ErrMalformed = errors.New("keyring: not a sealed key")
)

// format1: 1 ‖ nonce 12 B ‖ AES-256-GCM(PKCS #8) ‖ tag 16 B.
const format1 = 1

// Sealed is a key as a database row stores it. The seal does not cover SignsFrom, because a forced rotation changes it with a plain
// UPDATE.
type Sealed struct {
	ID, Alg              string
	Seq                  int64
	SignsFrom, CreatedAt time.Time
	Ciphertext           []byte
}

// Sealer encrypts private keys for storage. It is safe for concurrent use.
type Sealer struct{ *seal.Sealer }

// NewSealer returns a sealer with the keys that [seal.New] takes.
func NewSealer(keys [][]byte) (*Sealer, error) {
	s, err := seal.New(keys)
	return &Sealer{s}, err
}

// Seal encrypts k's private key under the current sealing key, bound to kid, alg and seq. It does not open in another row.
func (s *Sealer) Seal(k *Key) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("keyring: marshal %s: %w", k.ID, err)
	}
	return append([]byte{format1}, s.Sealer.Seal(binding(k.ID, k.Alg, k.Seq), der)...), nil
}

// Open decrypts a row. stale says that a previous sealing key opened it: seal it again and store the result. Open returns
// ErrSealedByOther if no sealing key opens it, and ErrMalformed if it is malformed or holds another key than it says.
func (s *Sealer) Open(r Sealed) (k *Key, stale bool, err error) {
	if len(r.Ciphertext) == 0 || r.Ciphertext[0] != format1 {
		return nil, false, fmt.Errorf("%w: %s has an unknown format", ErrMalformed, r.ID)
	}
	der, stale, err := s.Sealer.Open(binding(r.ID, r.Alg, r.Seq), r.Ciphertext[1:])
	if err != nil {
		return nil, false, err
	}
	k, err = unmarshal(der, r)
	return k, stale && err == nil, err
}

// unmarshal parses the key and compares it with what the row says.
func unmarshal(der []byte, r Sealed) (*Key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, r.ID, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: %s holds a %T", ErrMalformed, r.ID, parsed)
	}
	if alg, err := algOf(private.Public()); err != nil || alg != r.Alg {
		return nil, fmt.Errorf("%w: %s is no %s key", ErrMalformed, r.ID, r.Alg)
	}
	k, err := newKey(private, r.Alg, r.Seq, stored(r.CreatedAt), stored(r.SignsFrom))
	if err != nil {
		return nil, err
	}
	if k.ID != r.ID {
		return nil, fmt.Errorf("%w: %s holds the key %s", ErrMalformed, r.ID, k.ID)
	}
	return k, nil
}

// binding returns the additional data of the seal. Lengths distinguish ("ab", "c") from ("a", "bc").
func binding(id, alg string, seq int64) []byte {
	b := []byte("latchkey signing key\x00")
	for _, s := range []string{id, alg} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(seq))
}
