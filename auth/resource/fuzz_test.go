package resource

import (
	"errors"
	"testing"

	"latchkey/auth/keyring"
)

// FuzzVerify checks that nothing unsigned is accepted, and that every error has a kind.
func FuzzVerify(f *testing.F) {
	i := newIssuer(f, keyring.EdDSA)
	v := i.verifier(nil)
	good := i.token(nil)
	f.Add(good, uint16(3), byte(1))
	f.Add("..", uint16(0), byte(0))
	f.Add("a.b", uint16(1), byte('.'))
	f.Add("eyJhbGciOiJub25lIn0.e30.", uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, token string, at uint16, with byte) {
		altered := []byte(good)
		altered[int(at)%len(good)] = with
		for _, text := range []string{token, string(altered)} {
			c, err := v.Verify(t.Context(), text)
			switch {
			case text == good && err != nil, text != good && !errors.Is(err, ErrInvalidToken), (c == nil) != (err != nil):
				t.Fatalf("%q: %+v, %v", text, c, err)
			}
		}
	})
}
