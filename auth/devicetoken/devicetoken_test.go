package devicetoken_test

import (
	"bytes"
	"encoding/base64"
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"

	"latchkey/auth/devicetoken"
)

var (
	keyA = bytes.Repeat([]byte{1}, 32)
	keyB = bytes.Repeat([]byte{2}, 32)
	some = devicetoken.Token{UserID: uuid.UUID{1, 2, 3}, DeviceID: uuid.UUID{4, 5, 6}, Generation: 77, Secret: [16]byte{9, 9, 9}}
)

func TestATokenComesBackAsItWasMinted(t *testing.T) {
	c := devicetoken.New(keyA)
	for _, generation := range []int64{0, 1, math.MaxInt64} {
		want := some
		want.Generation = generation
		text := c.Mint(want)
		if got, err := c.Parse(text); err != nil || got != want {
			t.Errorf("generation %d: got %+v, %v", generation, got, err)
		}
		if c.Mint(want) != text {
			t.Error("the same generation gave another text: a lost answer could not be repeated")
		}
	}
}

func TestTokensOutliveAChangeOfSecret(t *testing.T) {
	before, during, after := devicetoken.New(keyA), devicetoken.New(keyB, keyA), devicetoken.New(keyB)
	old := before.Mint(some)
	if _, err := during.Parse(old); err != nil {
		t.Errorf("a token under the previous secret: %v", err)
	}
	if _, err := after.Parse(old); err == nil {
		t.Error("a token under a forgotten secret was accepted")
	}
	// The other order of the two phases: the new secret is accepted but not used yet.
	if _, err := devicetoken.New(keyA, keyB).Parse(during.Mint(some)); err != nil {
		t.Errorf("a token from a replica that swapped already: %v", err)
	}
}

func TestEverythingElseIsMalformed(t *testing.T) {
	c := devicetoken.New(keyA)
	good := c.Mint(some)
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(good, "lk1."))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 0x40
		if _, err := c.Parse("lk1." + base64.RawURLEncoding.EncodeToString(bad)); err == nil {
			t.Errorf("byte %d changed, and still accepted", i)
		}
	}
	tooFar := some
	tooFar.Generation = math.MinInt64 // 2^63 on the wire, under a good MAC
	for name, s := range map[string]string{
		"empty": "", "prefix alone": "lk1.", "cut": good[:len(good)-1], "longer": good + "A", "padded": good + "=",
		"other version": "lk2." + good[4:], "space in front": " " + good[:len(good)-1], "upper-case prefix": "LK1." + good[4:],
		"newline inside": good[:50] + "\n" + good[51:], "standard alphabet": "lk1." + strings.Repeat("+", len(good)-4),
		"generation of 2^63": c.Mint(tooFar), "another server's": devicetoken.New(keyB).Mint(some),
		// 714 bits carry 712. The two remaining bits must be zero, or one token would have four spellings.
		"trailing bits": good[:len(good)-1] + string(good[len(good)-1]+1),
	} {
		if _, err := c.Parse(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	c := devicetoken.New(keyA, keyB)
	f.Add(c.Mint(some))
	f.Add("lk1.")
	f.Add(strings.Repeat("lk1.", 40))
	f.Fuzz(func(t *testing.T, s string) {
		if token, err := c.Parse(s); err == nil && devicetoken.New(keyA).Mint(token) != s && devicetoken.New(keyB).Mint(token) != s {
			t.Fatalf("%q was accepted, but is no token of ours", s)
		}
	})
}

func BenchmarkMint(b *testing.B) {
	c := devicetoken.New(keyA)
	for b.Loop() {
		c.Mint(some)
	}
}

func BenchmarkParse(b *testing.B) {
	c := devicetoken.New(keyA)
	s := c.Mint(some)
	for b.Loop() {
		if _, err := c.Parse(s); err != nil {
			b.Fatal(err)
		}
	}
}
