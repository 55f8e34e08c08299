package signin

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

// TrustLife is how long a browser may skip the second step after its owner said so.
const TrustLife = 30 * 24 * time.Hour

// newTrust makes the row of a trusted browser, and the secret for its cookie.
func newTrust(user uuid.UUID, from auth.Caller, now time.Time) (*models.TrustedBrowser, string) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	hash := sha256.Sum256(secret[:])
	return &models.TrustedBrowser{
		UserID: user, ID: models.NewID(now), Hash: hash[:], Name: auth.DescribeAgent(from.UserAgent).Name,
		CreatedAt: now, CreatedIP: from.Address(), ExpiresAt: now.Add(TrustLife),
	}, base64.RawURLEncoding.EncodeToString(secret[:])
}

// trusted returns the row that lets this browser skip the second step, or nil. secrets are those of the browser's cookie.
func (s *Service) trusted(ctx context.Context, user models.User, secrets []string) (*uuid.UUID, error) {
	if len(secrets) == 0 || !s.config.SecondFactor.MayTrustBrowsers(user) {
		return nil, nil //nolint:nilnil // not trusted is no error
	}
	var hashes [][]byte
	for _, secret := range secrets {
		if hash, err := challengeHash(secret); err == nil {
			hashes = append(hashes, hash)
		}
	}
	var t models.TrustedBrowser
	err := s.gate.Query(ctx, func() (err error) {
		t, err = s.store.FindTrustedBrowser(ctx, user.ID, hashes, s.clock.Now())
		return err
	})
	if errors.Is(err, models.ErrNotFound) {
		return nil, nil //nolint:nilnil // not trusted is no error
	}
	return &t.ID, err
}
