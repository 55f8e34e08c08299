package notify

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
)

// What a mailed link is good for. The words are stored.
const (
	LinkNotMe         = "alarm"           // "This wasn't me"; its subject is a device, or models.EveryDevice
	LinkPasswordReset = models.ResetLink  // a new password
	LinkInvite        = models.InviteLink // the first password of an account that an operator made
	LinkSignup        = "signup"          // a new account, in the box
	LinkEmail         = models.EmailLink  // another address, in the box
)

// How long links are good.
const (
	NotMeLife = 7 * 24 * time.Hour
	// ResetLife is how long the link to a new password is good.
	ResetLife = 30 * time.Minute
	// InviteLife is how long the link to a first password is good.
	InviteLife = 7 * 24 * time.Hour
	// SignupLife is how long a new account waits for its confirmation.
	SignupLife = 24 * time.Hour
	// EmailLife is how long a new address waits for its confirmation.
	EmailLife = 24 * time.Hour
	// EmailUndoLife is how long a former address can be taken back, and is held.
	EmailUndoLife = 7 * 24 * time.Hour
)

// linkSize is the length of a link's secret, in bytes.
const linkSize = 32

// NewLink makes a link: the row, which holds a hash, and the secret that only the mail knows.
func NewLink(user uuid.UUID, purpose, subject string, now time.Time, life time.Duration) (models.OneTime, string) {
	var secret [linkSize]byte
	_, _ = rand.Read(secret[:]) // never fails
	hash := sha256.Sum256(secret[:])
	return models.OneTime{
		Hash: hash[:], UserID: user, Purpose: purpose, Subject: subject, CreatedAt: now, ExpiresAt: now.Add(life),
	}, base64.RawURLEncoding.EncodeToString(secret[:])
}

// LinkHash reads a link's secret. What cannot be one is refused without a query. A secret has one spelling: the decoder
// alone would skip line breaks, however many.
func LinkHash(secret string) ([]byte, error) {
	if len(secret) != base64.RawURLEncoding.EncodedLen(linkSize) {
		return nil, ErrDeadLink
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil || len(raw) != linkSize {
		return nil, ErrDeadLink
	}
	hash := sha256.Sum256(raw)
	return hash[:], nil
}

// ErrDeadLink says the same of every link that cannot be used: which of the reasons it is tells a stranger something.
var ErrDeadLink = &auth.Error{Kind: auth.KindDeadLink, Message: "It was used before, it has expired, or it was not copied whole. Nothing was changed."}

// ErrUsedLink is for a link that was used within models.UsedLinkLife. Only the holder of its secret ever gets it.
var ErrUsedLink = &auth.Error{Kind: auth.KindUsedLink, Message: "This link was used a moment ago. Nothing more was changed."}

// DeadLink names the refusal of a link that the store does not have.
func DeadLink(err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return ErrDeadLink
	}
	return err
}

// UsedOrDead names the refusal of a link that the store would not use: perhaps another press of the same button was
// faster. find reads the link again.
func UsedOrDead(err error, find func() error) error {
	if !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if err := find(); auth.AsError(err).Kind == auth.KindUsedLink {
		return err
	}
	return ErrDeadLink
}

// FindLink reads a link and its account, which must be open. A link that was used lately comes with ErrUsedLink.
func (s *Service) FindLink(ctx context.Context, purpose, secret string) (link models.OneTime, user models.User, err error) {
	hash, err := LinkHash(secret)
	if err != nil {
		return link, user, err
	}
	if link, err = s.store.FindOneTime(ctx, purpose, hash, s.clock.Now()); err != nil {
		return link, user, DeadLink(err)
	}
	user, err = s.store.UserByID(ctx, link.UserID)
	switch {
	case err == nil && user.DisabledAt != nil:
		err = ErrDeadLink
	case err == nil && link.UsedAt != nil:
		err = ErrUsedLink
	}
	return link, user, DeadLink(err)
}

// LinkID is the public name of a link, by which its page and its form say which one they are about. It is made from the
// hash of the secret: it tells nothing of the secret, and opens nothing without it. It returns "" for what is no secret.
func LinkID(secret string) string {
	hash, err := LinkHash(secret)
	if err != nil {
		return ""
	}
	id := sha256.Sum256(append([]byte("link id\x00"), hash...))
	return base64.RawURLEncoding.EncodeToString(id[:12])
}
