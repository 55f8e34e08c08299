package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
)

// boxes seals what waits in the database and is worth an account: the mails, with the links in them. AES-256-GCM, bound
// to the row that holds it; opened under previous secrets too.
type boxes []cipher.AEAD

func newBoxes(keys [][]byte) (boxes, error) {
	var b boxes
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("auth: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("auth: %w", err)
		}
		b = append(b, aead)
	}
	return b, nil
}

func (b boxes) seal(row, text []byte) []byte {
	return b[0].Seal(nil, nil, text, row) //nolint:gosec // G407: this AEAD makes its nonce itself and takes none
}

var errSealedByOther = errors.New("auth: sealed under another secret, or for another row")

func (b boxes) open(row, box []byte) ([]byte, error) {
	for _, aead := range b {
		if text, err := aead.Open(nil, nil, box, row); err == nil {
			return text, nil
		}
	}
	return nil, errSealedByOther
}
