package devicetoken_test

import (
	"testing"

	"latchkey/auth/devicetoken"
)

// FuzzAlteredToken alters a valid token anywhere, and checks that Parse accepts only the exact token that was minted.
func FuzzAlteredToken(f *testing.F) {
	codec := devicetoken.New(keyA, keyB)
	f.Add(int64(1), uint16(0), uint16(0), "")
	f.Add(int64(77), uint16(3), uint16(4), "A")
	f.Add(int64(-1), uint16(0), uint16(0), "")
	f.Add(int64(1), uint16(122), uint16(123), "B") // the last letter carries bits that belong to no byte
	f.Add(int64(1), uint16(50), uint16(50), "\r\n")
	f.Add(int64(1<<62), uint16(0), uint16(4), "lk2.")
	f.Fuzz(func(t *testing.T, generation int64, from, to uint16, with string) {
		want := some
		want.Generation = generation
		good := codec.Mint(want)
		from = min(from, uint16(len(good)))
		to = min(max(to, from), uint16(len(good)))
		text := good[:from] + with + good[to:]
		got, err := codec.Parse(text)
		switch accepted := err == nil; {
		case accepted != (text == good && generation >= 0):
			t.Fatalf("%q, of generation %d: %+v, %v", text, generation, got, err)
		case accepted && got != want:
			t.Fatalf("%q: got %+v, want %+v", text, got, want)
		case !accepted && got != devicetoken.Token{}:
			t.Fatalf("%q was refused, and yet gave %+v", text, got)
		}
	})
}
