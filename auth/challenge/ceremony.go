package challenge

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/passkey"
)

// PasskeyStart begins a ceremony without a row in the database: the challenge is a sealed text, and only its use is written.
type PasskeyStart struct {
	Challenge string          `json:"challenge"`
	PublicKey json.RawMessage `json:"public_key"` // PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3 §5.1)
	ExpiresIn int64           `json:"expires_in"` // seconds
}

// sealedStart marks a challenge that is a sealed text.
const sealedStart = "s."

// PasskeyLife is how long a page may offer a passkey before it must be loaded again. Ceremonies last as long.
const PasskeyLife = 30 * time.Minute

// passkeyStart is what a sealed challenge holds. Its field names stay: pages that are open during an upgrade send it back.
type passkeyStart struct {
	Purpose Purpose
	Session []byte
	Until   time.Time
	Step    pendingStep
	User    []byte `json:",omitempty"` // of a confirmation: whose account confirms
}

// startRow is what sealed challenges are bound to.
var startRow = []byte("passkey start\x00")

// Ceremony is a ceremony to begin.
type Ceremony struct {
	Purpose  Purpose
	Kept     Kept
	User     uuid.UUID            // of an act: whose account it is
	Passkeys []passkey.Credential // one of these must answer; none: any that the person has here
}

// ceremonyLife is how long a ceremony of each purpose may take.
var ceremonyLife = map[Purpose]time.Duration{BrowserSignIn: PasskeyLife, AppSignIn: AppLife, BrowserAct: PasskeyLife, AppAct: AppLife}

// Start begins a ceremony. It costs no query. It returns ErrNoPasskeys where passkeys do not work.
func (s *Service) Start(c Ceremony) (start PasskeyStart, err error) {
	if !s.HasPasskeys() {
		return start, ErrNoPasskeys
	}
	now, life := s.clock.Now(), ceremonyLife[c.Purpose]
	p := passkeyStart{Purpose: c.Purpose, Step: pendingStep{Kept: c.Kept}, Until: now.Add(life)}
	if c.User != uuid.Nil {
		p.User = c.User[:]
	}
	if start.PublicKey, p.Session, err = s.passkeys.Request(c.Passkeys, now); err != nil {
		return start, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return start, fmt.Errorf("seal a ceremony: %w", err)
	}
	start.Challenge = sealedStart + base64.RawURLEncoding.EncodeToString(s.sealer.Seal(startRow, text))
	start.ExpiresIn = int64(life / time.Second)
	return start, nil
}

// unseal opens a sealed challenge of a purpose, or returns KindInvalidChallenge.
func (s *Service) unseal(purpose Purpose, challenge string) (p passkeyStart, err error) {
	raw, err := sealedText(challenge)
	if err != nil {
		return p, err
	}
	text, _, err := s.sealer.Open(startRow, raw)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return p, Invalid(err)
	}
	if p.Purpose != purpose || !s.clock.Now().Before(p.Until) {
		return p, errInvalid
	}
	return p, nil
}

// maxSealed is the longest sealed challenge, in bytes: it names all passkeys of an account, each with an id of up to 1,023 bytes, though
// authenticators make ids of 16 to 200.
const maxSealed = 32 << 10

// sealedText decodes a sealed challenge, or returns KindInvalidChallenge.
func sealedText(challenge string) ([]byte, error) {
	if len(challenge) > maxSealed {
		return nil, errInvalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(challenge, sealedStart))
	if err != nil {
		return nil, errInvalid // the cause would repeat the client's text
	}
	return raw, nil
}

// hashOf returns the hash under which a challenge is used up, and whether it is a sealed one.
func hashOf(challenge string) (hash []byte, sealed bool, err error) {
	if !strings.HasPrefix(challenge, sealedStart) {
		hash, err = secretHash(challenge)
		return hash, false, err
	}
	raw, err := sealedText(challenge)
	if err != nil {
		return nil, true, err
	}
	// Of the sealed bytes, not of their text: the decoder skips line breaks, and each spelling would be a challenge that was never used.
	sum := sha256.Sum256(raw)
	return sum[:], true, nil
}
