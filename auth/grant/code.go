package grant

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"latchkey/auth/browser"
	"latchkey/auth/devicetoken"
	"latchkey/models"
)

// CodeLife is how long a code can be redeemed, and how long a lost answer is given again.
const CodeLife = time.Minute

// codePrefix lets people and scanners recognize a code.
const codePrefix = "lkc_"

// codeFor is the code for a request that a browser approves. It is derived, so that the same form, sent twice, gets the same code.
func (s *Service) codeFor(q Sealed, by *browser.Session) string {
	return codePrefix + base64.RawURLEncoding.EncodeToString(s.derive("code", q.hash, by.User.ID[:], by.Device.ID[:]))
}

// deviceSecret is the secret of the device that a code makes. It is derived, so that the code, sent again, gets the same answer.
func (s *Service) deviceSecret(code string) [devicetoken.SecretSize]byte {
	return [devicetoken.SecretSize]byte(s.derive("device", []byte(code)))
}

// derive returns 32 bytes that only this server can make. All parts but the last have fixed lengths.
func (s *Service) derive(purpose string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

func codeHash(code string) []byte {
	sum := sha256.Sum256([]byte(code))
	return sum[:]
}

func codeRow(hash []byte) []byte { return append([]byte("authorization code\x00"), hash...) }

// isCode reports whether a text can be a code. A text that cannot costs no query.
func isCode(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(text, codePrefix))
	return err == nil && len(raw) == sha256.Size && len(text) == len(codePrefix)+base64.RawURLEncoding.EncodedLen(sha256.Size)
}

// givenBefore returns the code that the same approval got a moment ago.
func (s *Service) givenBefore(ctx context.Context, q Sealed, by *browser.Session) (Code, bool, error) {
	code := s.codeFor(q, by)
	row, err := s.store.FindChallenge(ctx, purposeCode, codeHash(code), s.clock.Now())
	if errors.Is(err, models.ErrNotFound) || err == nil && !s.within(row.CreatedAt, CodeLife) {
		return Code{}, false, nil
	}
	return Code{q.Request, code}, err == nil, err
}
