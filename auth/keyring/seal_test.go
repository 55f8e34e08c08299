package keyring

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/seal"
)

var (
	secretA = bytes.Repeat([]byte{0xA}, seal.KeySize)
	secretB = bytes.Repeat([]byte{0xB}, seal.KeySize)
)

func TestASealedKeyComesBackAndSigns(t *testing.T) {
	s := sealer(t, secretA)
	for _, alg := range []string{ES256, EdDSA, RS256} {
		odd := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 3600))
		k, err := Generate(alg, 3, odd, odd.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		got, stale, err := s.Open(sealed(t, s, k))
		if err != nil || stale {
			t.Fatalf("%s: stale %v, %v", alg, stale, err)
		}
		if got.ID != k.ID || got.Alg != alg || got.Seq != 3 || got.SignsFrom != k.SignsFrom || got.CreatedAt != k.CreatedAt {
			t.Errorf("%s: came back as %+v", alg, got)
		}
		if !got.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(k.Public()) {
			t.Errorf("%s: another public key came back", alg)
		}
		if k.CreatedAt.Nanosecond() != 123456000 || k.CreatedAt.Location() != time.UTC {
			t.Errorf("%s: created at %v; a database would change that", alg, k.CreatedAt)
		}
		token, err := jwt.New(got.Method()).SignedString(got.Signer())
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		if _, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return k.Public(), nil }, jwt.WithValidMethods([]string{alg})); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func TestSignersHaveTheTypesThatJWTTakes(t *testing.T) {
	for alg, want := range map[string]any{ES256: (*ecdsa.PrivateKey)(nil), EdDSA: ed25519.PrivateKey(nil), RS256: (*rsa.PrivateKey)(nil)} {
		if got := generated(t, alg, 1, start).Signer(); fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) {
			t.Errorf("%s: %T, want %T", alg, got, want)
		}
	}
}

func TestGenerateRefusesWhatItCannotMake(t *testing.T) {
	for _, alg := range []string{"", "none", "HS256", "es256"} {
		if _, err := Generate(alg, 1, start, start); !errors.Is(err, ErrAlg) {
			t.Errorf("%q: %v, want ErrAlg", alg, err)
		}
	}
	if _, err := Generate(ES256, 0, start, start); err == nil {
		t.Error("sequence number 0 was taken")
	}
}

func TestAChangedRowDoesNotOpen(t *testing.T) {
	s := sealer(t, secretA)
	k, other := generated(t, ES256, 1, start), generated(t, ES256, 1, start)
	for name, c := range map[string]struct {
		change func(*Sealed)
		want   error
	}{
		"another kid":        {func(r *Sealed) { r.ID = other.ID }, ErrSealedByOther},
		"another algorithm":  {func(r *Sealed) { r.Alg = EdDSA }, ErrSealedByOther},
		"another sequence":   {func(r *Sealed) { r.Seq = 2 }, ErrSealedByOther},
		"another row's":      {func(r *Sealed) { r.Ciphertext = sealed(t, s, other).Ciphertext }, ErrSealedByOther},
		"a truncated one":    {func(r *Sealed) { r.Ciphertext = r.Ciphertext[:len(r.Ciphertext)-1] }, ErrSealedByOther},
		"one without a body": {func(r *Sealed) { r.Ciphertext = r.Ciphertext[:1] }, ErrSealedByOther},
		"an empty one":       {func(r *Sealed) { r.Ciphertext = nil }, ErrMalformed},
		"a later format":     {func(r *Sealed) { r.Ciphertext[0] = 2 }, ErrMalformed},
	} {
		r := sealed(t, s, k)
		c.change(&r)
		if got, _, err := s.Open(r); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
	whole := sealed(t, s, k)
	for i := range whole.Ciphertext {
		r := whole
		r.Ciphertext = bytes.Clone(whole.Ciphertext)
		r.Ciphertext[i] ^= 1
		if _, _, err := s.Open(r); err == nil {
			t.Fatalf("opened with byte %d changed", i)
		}
	}
	moved := whole
	moved.SignsFrom = start.Add(time.Minute)
	if got, _, err := s.Open(moved); err != nil || !got.SignsFrom.Equal(moved.SignsFrom) {
		t.Errorf("a moved SignsFrom: %v, %v; a forced rotation could not be stored", got, err)
	}
}

// The sealed content is checked, too: a person who has the secret must not be able to replace a key by another.
func TestABoxThatHoldsAnotherKeyIsRefused(t *testing.T) {
	s := sealer(t, secretA)
	ec, ed := generated(t, ES256, 1, start), generated(t, EdDSA, 1, start)
	for name, k := range map[string]*Key{
		"another kid": {ID: ed.ID, Alg: ES256, Seq: 1, private: ec.private},
		"another alg": {ID: ec.ID, Alg: RS256, Seq: 1, private: ec.private},
	} {
		if _, _, err := s.Open(sealed(t, s, k)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

func TestAPreviousSecretOpensAndAsksToBeSealedAgain(t *testing.T) {
	k := generated(t, EdDSA, 1, start)
	old, both, swapped := sealer(t, secretA), sealer(t, secretA, secretB), sealer(t, secretB, secretA)
	if _, stale, err := both.Open(sealed(t, old, k)); err != nil || stale {
		t.Errorf("current secret: stale %v, %v", stale, err)
	}
	if _, stale, err := both.Open(sealed(t, swapped, k)); err != nil || !stale {
		t.Errorf("a replica that swapped first is not understood: stale %v, %v", stale, err)
	}
	got, stale, err := swapped.Open(sealed(t, old, k))
	if err != nil || !stale {
		t.Fatalf("previous secret: stale %v, %v", stale, err)
	}
	again := sealed(t, swapped, got)
	if _, stale, err := sealer(t, secretB).Open(again); err != nil || stale {
		t.Errorf("after sealing again: stale %v, %v", stale, err)
	}
	if _, _, err := old.Open(again); !errors.Is(err, ErrSealedByOther) {
		t.Errorf("without the secret: %v, want ErrSealedByOther", err)
	}
}

func TestSealsOfOneKeyDiffer(t *testing.T) {
	s, k := sealer(t, secretA), generated(t, ES256, 1, start)
	if bytes.Equal(sealed(t, s, k).Ciphertext[:13], sealed(t, s, k).Ciphertext[:13]) {
		t.Error("the nonce was used twice")
	}
}

func TestASealingKeyOfAnotherLengthIsRefused(t *testing.T) {
	for _, keys := range [][][]byte{{nil}, {secretA[:16]}, {secretA, secretB[:31]}} {
		if _, err := NewSealer(keys); err == nil {
			t.Errorf("took keys of %d and %d more", len(keys[0]), len(keys)-1)
		}
	}
}

func sealer(t testing.TB, current []byte, previous ...[]byte) *Sealer {
	t.Helper()
	s, err := NewSealer(append([][]byte{current}, previous...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sealed(t testing.TB, s *Sealer, k *Key) Sealed {
	t.Helper()
	ciphertext, err := s.Seal(k)
	if err != nil {
		t.Fatal(err)
	}
	return Sealed{ID: k.ID, Alg: k.Alg, Seq: k.Seq, SignsFrom: k.SignsFrom, CreatedAt: k.CreatedAt, Ciphertext: ciphertext}
}
