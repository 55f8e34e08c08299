package challenge

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

// Trust makes the row of a browser that took the second step at the given time, and the secret for its cookie. It returns nil if the policy
// forbids it. It also returns nil after a recovery code, which is for emergencies, and after a passkey alone, which has no second step.
func (s *Service) Trust(ok Checked, from auth.Caller, at time.Time) (*models.TrustedBrowser, string) {
	if !s.policy.MayTrustBrowsers(ok.User) || ok.Use.Kind == models.FactorRecoveryCode || ok.Method == models.ByPasskey {
		return nil, ""
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	hash := sha256.Sum256(secret[:])
	return &models.TrustedBrowser{
		UserID: ok.User.ID, ID: models.NewID(at), Hash: hash[:], Name: auth.DescribeAgent(from.UserAgent).Name,
		CreatedAt: at, CreatedIP: from.Address(), ExpiresAt: at.Add(TrustLife),
	}, base64.RawURLEncoding.EncodeToString(secret[:])
}

// Trusted returns the row that lets this browser skip the second step, or nil. secrets are those of the browser's cookie.
func (s *Service) Trusted(ctx context.Context, user models.User, secrets []string) (*uuid.UUID, error) {
	if len(secrets) == 0 || !s.policy.MayTrustBrowsers(user) {
		return nil, nil //nolint:nilnil // not trusted is no error
	}
	var hashes [][]byte
	for _, secret := range secrets {
		if hash, err := secretHash(secret); err == nil {
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
