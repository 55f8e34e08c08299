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

// The purposes of mailed links. The words are stored.
const (
	LinkNotMe         = "alarm"           // "This wasn't me"; its subject is a device, models.EveryDevice, or models.DevicesFrom
	LinkPasswordReset = models.ResetLink  // a new password
	LinkInvite        = models.InviteLink // the first password of an account that an operator made
	LinkSignup        = "signup"          // a new account, which is sealed in the link's payload
	LinkEmail         = models.EmailLink  // another address, which is sealed in the link's payload
)

// How long links are good.
const (
	// NotMeLife is how long the link "This wasn't me" is good.
	NotMeLife = 7 * 24 * time.Hour
	// ResetLife is how long the link of a password reset is good.
	ResetLife = 30 * time.Minute
	// InviteLife is how long the link to a first password is good.
	InviteLife = 7 * 24 * time.Hour
	// SignupLife is how long a new account waits for its confirmation.
	SignupLife = 24 * time.Hour
	// EmailLife is how long a new address waits for its confirmation.
	EmailLife = 24 * time.Hour
	// EmailUndoLife is how long a former address can be taken back, and is reserved.
	EmailUndoLife = 7 * 24 * time.Hour
)

// linkSize is the length of a link's secret, in bytes.
const linkSize = 32

// NewLink makes a link. It returns the row, which holds only a hash, and the secret for the mail.
func NewLink(user uuid.UUID, purpose, subject string, now time.Time, life time.Duration) (models.OneTime, string) {
	var secret [linkSize]byte
	_, _ = rand.Read(secret[:]) // never fails
	hash := sha256.Sum256(secret[:])
	return models.OneTime{
		Hash: hash[:], UserID: user, Purpose: purpose, Subject: subject, CreatedAt: now, ExpiresAt: now.Add(life),
	}, base64.RawURLEncoding.EncodeToString(secret[:])
}

// LinkHash parses a link's secret and returns its hash, or ErrDeadLink without any query. Each secret has one spelling only; the
// decoder alone would skip any number of line breaks.
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

// ErrDeadLink is the one error for every link that cannot be used, because the reason would tell a stranger something.
var ErrDeadLink = &auth.Error{Kind: auth.KindDeadLink, Message: "It was already used or cancelled, it has expired, or it wasn’t copied in full. Nothing was changed."}

// ErrUsedLink says that a link was used within models.UsedLinkLife. Only the holder of its secret can get it.
var ErrUsedLink = &auth.Error{Kind: auth.KindUsedLink, Message: "This link was used a moment ago. Nothing else was changed."}

// DeadLink replaces models.ErrNotFound by ErrDeadLink.
func DeadLink(err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return ErrDeadLink
	}
	return err
}

// UsedOrDead replaces models.ErrNotFound, from using a link, by the error of find if that is ErrUsedLink, and else by ErrDeadLink.
// find reads the link again: a second press of the same button may have been faster.
func UsedOrDead(err error, find func() error) error {
	if !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if err := find(); auth.AsError(err).Kind == auth.KindUsedLink {
		return err
	}
	return ErrDeadLink
}

// FindLink reads a link and its account without using the link. It returns ErrDeadLink if the account is disabled, and ErrUsedLink
// together with a link that was used recently.
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

// LinkID returns the public id of a link, which its page and its form carry. It is derived from the hash of the secret, reveals
// nothing about the secret and cannot replace it. LinkID returns "" for a malformed secret.
func LinkID(secret string) string {
	hash, err := LinkHash(secret)
	if err != nil {
		return ""
	}
	id := sha256.Sum256(append([]byte("link id\x00"), hash...))
	return base64.RawURLEncoding.EncodeToString(id[:12])
}

// OrDead returns ErrDeadLink unless err says more than that the link is in another state.
func OrDead(err error) error {
	if err == nil || auth.AsError(err).Kind == auth.KindUsedLink {
		return ErrDeadLink
	}
	return err
}
