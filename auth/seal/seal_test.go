package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

var (
	secretA = bytes.Repeat([]byte{0xA}, MinSecret)
	secretB = bytes.Repeat([]byte{0xB}, MinSecret)
)

func keysFor(t *testing.T, purpose string, secrets ...[]byte) [][]byte {
	t.Helper()
	keys, err := Keys(secrets, purpose)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func newSealer(t *testing.T, secrets ...[]byte) *Sealer {
	t.Helper()
	s, err := New(keysFor(t, "mail", secrets...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The keys open what is stored: they must be the same for ever. Computed by hand with HMAC (RFC 5869 §2).
func TestKeysStayAsTheyAre(t *testing.T) {
	for purpose, want := range map[string]string{
		"mail":         "f1965933eeb56847f16d1f55e7937e4071635840cba39552444693a112c89975",
		"device token": "8e89ee6ce2f54155dfd6f57635b8c6589ca2dccd2079b6ecdbd90f28dee93897",
	} {
		if got := hex.EncodeToString(keysFor(t, purpose, secretA)[0]); got != want {
			t.Errorf("%s: %s", purpose, got)
		}
	}
}

func TestEachPurposeAndEachSecretHasAKeyOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, purpose := range []string{"mail", "seal", "limits", "mail "} {
		for _, key := range keysFor(t, purpose, secretA, secretB) {
			if len(key) != KeySize || seen[string(key)] {
				t.Errorf("%q: a key of %d bytes, seen before: %v", purpose, len(key), seen[string(key)])
			}
			seen[string(key)] = true
		}
	}
}

func TestAShortSecretIsRefused(t *testing.T) {
	for _, secrets := range [][][]byte{{nil}, {secretA[1:]}, {secretA, secretB[1:]}} {
		if keys, err := Keys(secrets, "mail"); err == nil {
			t.Errorf("%d keys of secrets of %d bytes", len(keys), len(secrets[len(secrets)-1]))
		}
	}
}

func TestABoxOpensInItsRowAndUnderPreviousSecrets(t *testing.T) {
	row, text := []byte("mail\x00one"), []byte("what it says")
	old := newSealer(t, secretA)
	box := old.Seal(row, text)
	if bytes.Contains(box, text) || bytes.Equal(box, old.Seal(row, text)) {
		t.Errorf("sealed as %x", box)
	}
	for name, c := range map[string]struct {
		sealer *Sealer
		stale  bool
	}{
		"the secret":               {old, false},
		"before a change, swapped": {newSealer(t, secretA, secretB), false},
		"after a change":           {newSealer(t, secretB, secretA), true},
	} {
		if got, stale, err := c.sealer.Open(row, box); err != nil || stale != c.stale || !bytes.Equal(got, text) {
			t.Errorf("%s: %q, stale %v, %v", name, got, stale, err)
		}
	}
	for name, open := range map[string]func() ([]byte, bool, error){
		"another secret": func() ([]byte, bool, error) { return newSealer(t, secretB).Open(row, box) },
		"another row":    func() ([]byte, bool, error) { return old.Open([]byte("mail\x00two"), box) },
		"a cut box":      func() ([]byte, bool, error) { return old.Open(row, box[:len(box)-1]) },
		"no box":         func() ([]byte, bool, error) { return old.Open(row, nil) },
	} {
		if got, _, err := open(); !errors.Is(err, ErrSealedByOther) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestKeysOfAnotherLengthAreRefused(t *testing.T) {
	for _, keys := range [][][]byte{nil, {nil}, {secretA[:16]}, {secretA, secretB[:31]}} {
		if _, err := New(keys); err == nil {
			t.Errorf("%d keys were taken", len(keys))
		}
	}
}
