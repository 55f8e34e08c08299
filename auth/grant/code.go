package grant

import (
	"bytes"
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

// codesFor are the codes for a request that a browser approves, under each key. The first is given. They are derived, so that the same
// form, sent twice, gets the same code, also while the replicas change their secret.
func (s *Service) codesFor(q Sealed, by *browser.Session) (codes []string) {
	for _, key := range s.codeKeys {
		codes = append(codes, codePrefix+base64.RawURLEncoding.EncodeToString(derive(key, "code", q.hash, by.User.ID[:], by.Device.ID[:])))
	}
	return codes
}

// deviceSecret is the secret of the device that a code makes. It is derived, so that the code, sent again, gets the same answer.
func deviceSecret(key []byte, code string) [devicetoken.SecretSize]byte {
	return [devicetoken.SecretSize]byte(derive(key, "device", []byte(code)))
}

// secretOf finds the secret of the device that a code has made. Another replica may have made it under another key. ok is false if this
// process does not have that key.
func (s *codes) secretOf(d models.Device, code string) (secret [devicetoken.SecretSize]byte, ok bool) {
	for _, key := range s.codeKeys {
		if secret = deviceSecret(key, code); bytes.Equal(devicetoken.SecretHash(secret), d.SecretHash) {
			return secret, true
		}
	}
	return secret, false
}

// derive returns 32 bytes that only this server can make. All parts but the last have fixed lengths.
func derive(key []byte, purpose string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
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

// givenBefore returns the code that the same approval got a moment ago. It returns a *Refusal if the request was answered otherwise.
func (s *Service) givenBefore(ctx context.Context, q Sealed, by *browser.Session) (code Code, ok bool, err error) {
	answered := s.unanswered(ctx, q) // first: the code is written together with it
	if answered == nil {
		return Code{}, false, nil
	}
	for _, text := range s.codesFor(q, by) {
		row, err := s.store.FindChallenge(ctx, models.PurposeCode, codeHash(text), s.clock.Now())
		switch {
		case err == nil && s.within(row.CreatedAt, CodeLife):
			return Code{q.Request, text}, true, nil
		case err != nil && !errors.Is(err, models.ErrNotFound):
			return Code{}, false, err
		}
	}
	return Code{}, false, answered
}
