package factor

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
)

// setUp is what a set-up page holds, sealed, until its form comes back. Its field names may change.
type setUp struct {
	User  uuid.UUID
	Data  []byte // the session of a ceremony, or the secret of an authenticator app
	Until time.Time
}

// The rows that sealed set-ups are bound to.
var passkeyRow, appRow = []byte("passkey set-up\x00"), []byte("totp set-up\x00")

func (s *Service) seal(row []byte, user uuid.UUID, data []byte) (string, error) {
	return s.sealFor(row, user, data, SetUpLife)
}

func (s *Service) sealFor(row []byte, user uuid.UUID, data []byte, life time.Duration) (string, error) {
	text, err := json.Marshal(setUp{User: user, Data: data, Until: s.clock.Now().Add(life)})
	if err != nil {
		return "", fmt.Errorf("seal a set-up: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.sealer.Seal(row, text)), nil
}

// unseal returns what a set-up page of this account was sealed with, or KindInvalidChallenge.
func (s *Service) unseal(row []byte, user uuid.UUID, sealed string) ([]byte, error) {
	var p setUp
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err == nil {
		var text []byte
		if text, _, err = s.sealer.Open(row, raw); err == nil {
			err = json.Unmarshal(text, &p)
		}
	}
	if err != nil || p.User != user || !s.clock.Now().Before(p.Until) {
		return nil, auth.Refuse(auth.KindInvalidChallenge, "This page was open for too long. Nothing was changed. Please try again.")
	}
	return p.Data, nil
}
