package resource

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/auth/jws"
	"latchkey/auth/keyring"
	"latchkey/auth/statuslist"
)

// rawCheck checks only the signature of a token, with the standard library.
func rawCheck(b *testing.B, public crypto.PublicKey, token string) func() bool {
	at := strings.LastIndexByte(token, '.')
	signed, signature := []byte(token[:at]), must[[]byte](b)(jws.Base64.DecodeString(token[at+1:]))
	return func() bool {
		switch k := public.(type) {
		case *ecdsa.PublicKey:
			sum := sha256.Sum256(signed)
			return ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
		case ed25519.PublicKey:
			return ed25519.Verify(k, signed, signature)
		case *rsa.PublicKey:
			sum := sha256.Sum256(signed)
			return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature) == nil
		}
		return false
	}
}

// BenchmarkFirstVerify compares the first verification of a token with its bare signature check. It alternates them within one run,
// so that other load on the machine affects both.
func BenchmarkFirstVerify(b *testing.B) {
	for _, alg := range allAlgs {
		b.Run(alg, func(b *testing.B) {
			i := newIssuer(b, alg)
			v := i.verifier(func(c *Config) { c.CacheSize = 100_000 })
			want1(b, v, i.listed(0))
			tokens := make([]string, 1000)
			for n := range tokens {
				tokens[n] = i.token(map[string]any{"jti": strconv.Itoa(n), "status": status(n, theList)})
			}
			raw := make([]func() bool, len(tokens))
			for n := range tokens {
				raw[n] = rawCheck(b, i.signer().Public(), tokens[n])
			}
			var bare, whole []time.Duration
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n++ {
				if n%len(tokens) == 0 {
					b.StopTimer()
					v.verified = newCache(100_000)
					b.StartTimer()
				}
				for turn := range 2 {
					start := time.Now()
					if (n+turn)%2 == 0 {
						if !raw[n%len(tokens)]() {
							b.Fatal("the bare check failed")
						}
						bare = append(bare, time.Since(start))
						continue
					}
					if _, err := v.Verify(context.Background(), tokens[n%len(tokens)]); err != nil {
						b.Fatal(err)
					}
					whole = append(whole, time.Since(start))
				}
			}
			slices.Sort(bare)
			slices.Sort(whole)
			// Medians, so that interrupted runs do not matter.
			b.ReportMetric(float64(whole[b.N/2])/float64(bare[b.N/2]), "×raw")
			b.ReportMetric(float64(whole[b.N/2]), "ns/verify")
			b.ReportMetric(float64(bare[b.N/2]), "ns/raw")
		})
	}
}

func want1(b *testing.B, v *Verifier, token string) {
	b.Helper()
	if _, err := v.Verify(b.Context(), token); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCachedVerify measures the later verifications of a token, with its status.
func BenchmarkCachedVerify(b *testing.B) {
	i := newIssuer(b, keyring.ES256)
	v := i.verifier(func(c *Config) { c.Clock = nil })
	tokens := make([]string, 1000)
	for n := range tokens {
		tokens[n] = i.token(map[string]any{"jti": strconv.Itoa(n), "status": status(n, theList)})
		want1(b, v, tokens[n])
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if _, err := v.Verify(context.Background(), tokens[n%len(tokens)]); err != nil {
			b.Fatal(err)
		}
		n++
	}
}

// BenchmarkStatus measures what the status adds to that, in a list of a million tokens.
func BenchmarkStatus(b *testing.B) {
	i := newIssuer(b, keyring.ES256)
	i.revoked = statuslist.NewBits(1_000_000)
	v := i.verifier(nil)
	want1(b, v, i.listed(0))
	entries := make([]*entry, 1000)
	for n := range entries {
		entries[n] = &entry{claims: Claims{Status: statuslist.Reference{Index: n * 997, URI: theList}}}
	}
	now := v.config.Clock()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := v.checkStatus(b.Context(), entries[n%len(entries)], now); err != nil {
			b.Fatal(err)
		}
		n++
	}
}
