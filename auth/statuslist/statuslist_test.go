package statuslist_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/statuslist"
)

// The example of §4.1, and the one-bit vector of the appendix.
const (
	draftExample = "eNrbuRgAAhcBXQ"
	draftVector  = "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
		"XG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAAA7KpLAAAAAAAAAAAAAAAAAAAAAJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAAAACAZC8L2AEb"
)

const someMegabytes = 4 << 20

func set(b statuslist.Bits) (list []int) {
	for i := range b.Len() {
		if b.Get(i) {
			list = append(list, i)
		}
	}
	return list
}

func TestTheExampleOfTheDraft(t *testing.T) {
	b := statuslist.NewBits(16)
	for _, i := range []int{0, 3, 4, 5, 7, 8, 9, 13, 15} {
		b.Set(i)
	}
	if !bytes.Equal(b, []byte{0xb9, 0xa3}) {
		t.Fatalf("bits are %x", b)
	}
	if lst, err := statuslist.Encode(b); lst != draftExample || err != nil {
		t.Errorf("%q, %v", lst, err)
	}
	if got, err := statuslist.Decode(draftExample, 2); !bytes.Equal(got, b) || err != nil {
		t.Errorf("%x, %v", got, err)
	}
}

func TestTheVectorOfTheDraft(t *testing.T) {
	b, err := statuslist.Decode(draftVector, 1<<17)
	if err != nil || b.Len() != 1<<20 {
		t.Fatalf("%d bits, %v", b.Len(), err)
	}
	want := []int{0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345}
	if got := set(b); !slices.Equal(got, want) {
		t.Errorf("set are %v", got)
	}
	if lst, err := statuslist.Encode(b); err != nil || len(lst) > 2*len(draftVector) {
		t.Errorf("again %d letters, %v", len(lst), err)
	}
}

func TestATokenOutsideOfTheListIsRevoked(t *testing.T) {
	b := statuslist.NewBits(9)
	if b.Len() != 16 {
		t.Errorf("room for %d", b.Len())
	}
	for i, revoked := range map[int]bool{-1: true, 0: false, 15: false, 16: true, 1 << 40: true, -1 << 63: true} {
		if b.Get(i) != revoked {
			t.Errorf("token %d: %v", i, !revoked)
		}
	}
	if !statuslist.Bits(nil).Get(0) {
		t.Error("an empty list vouches for a token")
	}
}

// Lists of every short length, and of those where the compressor begins a second block.
func TestWhatIsEncodedIsDecoded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 3, 7, 100, 1000, 1<<14 - 1, 1 << 14, 1<<14 + 1, 65535, 65536} {
		for _, share := range []float64{0, 0.001, 0.01, 2} {
			b := randomBits(r, 8*n, share)
			lst, err := statuslist.Encode(b)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := statuslist.Decode(lst, n); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%d bytes, %v of them set: %v", n, share, err)
			}
			if _, err := statuslist.Decode(lst, n-1); !errors.Is(err, statuslist.ErrList) {
				t.Errorf("%d bytes, one more than allowed: %v", n, err)
			}
		}
	}
}

func randomBits(r *rand.Rand, n int, share float64) statuslist.Bits {
	b := statuslist.NewBits(n)
	for range int(share * float64(n)) {
		b.Set(r.IntN(n))
	}
	return b
}

// A resource server fetches the list every few minutes, so its size matters.
func TestAMillionDevicesFitIntoASmallList(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, test := range []struct {
		share float64
		most  int
	}{{0, 1000}, {0.001, 12_000}, {0.01, 70_000}, {0.7, 200_000}} { // of places drawn at random, some of them twice
		lst, err := statuslist.Encode(randomBits(r, 1_000_000, test.share))
		if err != nil || len(lst) > test.most {
			t.Errorf("%v revoked: %d letters, wanted at most %d; %v", test.share, len(lst), test.most, err)
		}
		t.Logf("%v of a million revoked: %d letters", test.share, len(lst))
	}
}

func TestWhatIsNotAListIsRefused(t *testing.T) {
	bomb, err := statuslist.Encode(statuslist.NewBits(8 << 24))
	if err != nil {
		t.Fatal(err)
	}
	for name, lst := range map[string]string{
		"nothing":                     "",
		"not base64url":               "eNrbuRgAAhcBX+",
		"padded":                      draftExample + "==",
		"with stray bits at the end":  "eNrbuRgAAhcBXR",
		"not zlib":                    "AAAA",
		"cut short":                   draftExample[:10],
		"with another checksum":       "eNrbuRgAAhcBXA",
		"followed by something":       "eNrbuRgAAhcBXQAA",
		"sixteen megabytes":           bomb,
		"long, and all of it letters": string(bytes.Repeat([]byte("A"), 8<<20)),
	} {
		if b, err := statuslist.Decode(lst, someMegabytes); !errors.Is(err, statuslist.ErrList) || b != nil {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

func TestTheClaimsAreNamedAsInTheDraft(t *testing.T) {
	c := statuslist.Claims{TTL: 60, StatusList: statuslist.List{Bits: 1, List: draftExample}}
	c.Subject = "https://id.example.com/statuslists/1"
	c.IssuedAt, c.ExpiresAt = jwt.NewNumericDate(time.Unix(1686920170, 0)), jwt.NewNumericDate(time.Unix(2291720170, 0))
	got, err := json.Marshal(c)
	want := `{"sub":"https://id.example.com/statuslists/1","exp":2291720170,"iat":1686920170,"ttl":60,"status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}`
	if string(got) != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	got, err = json.Marshal(statuslist.Status{StatusList: statuslist.Reference{Index: 0, URI: "https://id.example.com/statuslists/1"}})
	if want := `{"status_list":{"idx":0,"uri":"https://id.example.com/statuslists/1"}}`; string(got) != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// FuzzDecode checks that no text decodes to more than the limit, and that the result encodes again.
func FuzzDecode(f *testing.F) {
	f.Add(draftExample, uint16(2))
	f.Add(draftVector, uint16(1))
	f.Add("", uint16(0))
	f.Add("eNoDAAAAAAE", uint16(0))
	f.Fuzz(func(t *testing.T, lst string, most uint16) {
		b, err := statuslist.Decode(lst, int(most))
		switch {
		case err != nil && (b != nil || !errors.Is(err, statuslist.ErrList)):
			t.Fatalf("%q: %x, %v", lst, b, err)
		case err == nil && len(b) > int(most):
			t.Fatalf("%q: %d bytes, allowed %d", lst, len(b), most)
		case err == nil:
			again, err := statuslist.Encode(b)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := statuslist.Decode(again, int(most)); err != nil || !bytes.Equal(got, b) {
				t.Fatalf("%q: %x came back as %x, %v", lst, b, got, err)
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	list := statuslist.NewBits(1_000_000)
	for i := 0; b.Loop(); i = (i + 7919) % 1_000_000 {
		if list.Get(i) {
			b.Fatal("revoked")
		}
	}
}
