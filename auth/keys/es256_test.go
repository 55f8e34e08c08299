package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/keyring"
)

// TestTheSignatureOfRFC6979 is the example of RFC 6979, appendix A.2.5: P-256, SHA-256, the message "sample".
func TestTheSignatureOfRFC6979(t *testing.T) {
	scalar, _ := hex.DecodeString("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := hex.DecodeString("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716" +
		"F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8")
	got, err := signES256([]byte("sample"), private)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x %v, want %x", got, err, want)
	}
}

// TestSignaturesAreWhatGolangJWTVerifies includes those whose r or s begins with zeros: one in 128.
func TestSignaturesAreWhatGolangJWTVerifies(t *testing.T) {
	now := time.Now()
	key, err := keyring.Generate(keyring.ES256, 1, now, now)
	if err != nil {
		t.Fatal(err)
	}
	private, ok := key.Signer().(*ecdsa.PrivateKey)
	if !ok {
		t.Fatalf("the key is a %T", key.Signer())
	}
	short := 0
	for range 1000 {
		text := rand.Text()
		signature, err := signES256([]byte(text), private)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := signES256([]byte(text), private); !bytes.Equal(signature, again) {
			t.Fatalf("two signatures of %s: %x and %x", text, signature, again)
		}
		if err := jwt.SigningMethodES256.Verify(text, signature, key.Public()); err != nil || len(signature) != 64 {
			t.Fatalf("%x: %v", signature, err)
		}
		if signature[0] == 0 || signature[32] == 0 {
			short++
		}
	}
	if short == 0 {
		t.Error("of 1,000 signatures none has a short number: the test shows less than it says")
	}
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if signature, err := signES256([]byte("text"), other); err == nil {
		t.Errorf("a key on P-384 signed: %x", signature)
	}
}

func TestAccessTokensAreSignedWithoutChance(t *testing.T) {
	now := time.Now()
	key, err := keyring.Generate(keyring.ES256, 1, now, now)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]string{"iss": "https://id.example.com", "jti": "one"}
	first, err := Sign(key, "at+jwt", claims)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Sign(key, "at+jwt", claims); err != nil || again != first {
		t.Errorf("the same claims were signed as %s and as %s, %v", first, again, err)
	}
}
