package auth

import (
	"testing"
	"time"

	"latchkey/auth/keyring"
	"latchkey/models"
)

// withKeys is a service that can sign and verify, without a store.
func withKeys(b *testing.B, alg string) (*Service, models.Device) {
	b.Helper()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s, err := New(nil, Config{
		Issuer: "https://id.example.com", Audience: "https://api.example.com", SigningAlg: alg, AccessTTL: 15 * time.Minute,
		PasswordMin: 12, DeviceNameClaim: true, Secret: make([]byte, MinSecret), Now: func() time.Time { return now },
	})
	if err != nil {
		b.Fatal(err)
	}
	key, err := keyring.Generate(alg, 1, now, now)
	if err != nil {
		b.Fatal(err)
	}
	s.ring.Store(keyring.New(alg, []*keyring.Key{key}, s.schedule()))
	return s, models.Device{UserID: models.NewID(now), ID: models.NewID(now), Name: "phone", ClientID: "app", ExpiresAt: now.Add(time.Hour)}
}

func BenchmarkSignAccessToken(b *testing.B) {
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			s, d := withKeys(b, alg)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.mintAccessToken(b.Context(), d, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyAccessToken(b *testing.B) {
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			s, d := withKeys(b, alg)
			token, _, err := s.mintAccessToken(b.Context(), d, "")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.VerifyAccessToken(token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
