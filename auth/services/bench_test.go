package services_test

import (
	"testing"
)

func BenchmarkSignAccessToken(b *testing.B) {
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			s, d := fuzzedService(b, alg)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Tokens.MintAccess(b.Context(), d, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyAccessToken(b *testing.B) {
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			s, d := fuzzedService(b, alg)
			token, _, err := s.Tokens.MintAccess(b.Context(), d, "")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Tokens.Verify(token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
