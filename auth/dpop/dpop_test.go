package dpop_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"latchkey/auth/dpop"
)

// The proof of RFC 9449, figure 2, and the thumbprint of its key, figure 9.
const (
	rfcProof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19" +
		".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ" +
		".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfcJKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

var rfcTime = time.Unix(1562262616, 0)

func TestTheProofOfTheRFCIsGood(t *testing.T) {
	p, err := dpop.Check([]string{rfcProof}, dpop.Request{Method: "POST", URL: "https://server.example.com/token"}, rfcTime)
	if err != nil || p.JKT != rfcJKT || p.ID != "-BwC3ESc6acc2lTc" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAProofIsForOneURL(t *testing.T) {
	for url, good := range map[string]bool{
		"https://server.example.com/token":      true,
		"HTTPS://SERVER.example.com:443/token":  true,
		"https://server.example.com/tok%65n":    true,
		"https://server.example.com/token?a=b":  true, // query and fragment are not compared
		"http://server.example.com/token":       false,
		"https://server.example.com:8443/token": false,
		"https://server.example.com/token/":     false,
		"https://server.example.com/Token":      false,
		"https://other.example.com/token":       false,
		"https://server.example.com/":           false,
	} {
		_, err := dpop.Check([]string{rfcProof}, dpop.Request{Method: "POST", URL: url}, rfcTime)
		if (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAProofIsForNow(t *testing.T) {
	for offset, good := range map[time.Duration]bool{
		60 * time.Second: true, 61 * time.Second: false, -10 * time.Second: true, -11 * time.Second: false,
	} {
		_, err := dpop.Check([]string{rfcProof}, dpop.Request{Method: "POST", URL: "https://server.example.com/token"}, rfcTime.Add(offset))
		if (err == nil) != good || err != nil && !errors.Is(err, dpop.ErrInvalid) {
			t.Errorf("%v after iat: %v", offset, err)
		}
	}
}

func TestAProofIsGoodOnceForAsLongAsItCouldBeUsed(t *testing.T) {
	var seen dpop.Seen
	start := time.Unix(1_800_000_000, 0)
	for i := range 200 { // some fall right before a turn of the memory, some right after
		first := start.Add(time.Duration(i) * 7 * time.Second)
		p := dpop.Proof{JKT: "key", ID: strconv.Itoa(i)}
		if err := seen.Once(p, "device", first); err != nil {
			t.Fatalf("proof %d, first: %v", i, err)
		}
		if err := seen.Once(p, "device", first.Add(6*time.Second)); !errors.Is(err, dpop.ErrInvalid) {
			t.Fatalf("proof %d, again: %v", i, err)
		}
	}
	p := dpop.Proof{JKT: "key", ID: "late"}
	for offset := time.Duration(0); offset <= 70*time.Second; offset += time.Second {
		fresh := dpop.Seen{}
		_ = fresh.Once(dpop.Proof{ID: "turn"}, "device", start)
		if err := fresh.Once(p, "device", start.Add(offset)); err != nil {
			t.Fatal(err)
		}
		_ = fresh.Once(dpop.Proof{ID: "other"}, "device", start.Add(offset+69*time.Second))
		if err := fresh.Once(p, "device", start.Add(offset+70*time.Second)); err == nil {
			t.Fatalf("a proof of %v into the turn is forgotten after 70 s", offset)
		}
	}
	if err := seen.Once(dpop.Proof{JKT: "another key", ID: "7"}, "device", start.Add(1400*time.Second)); err != nil {
		t.Errorf("the jti of another key: %v", err)
	}
}

func TestOneDeviceCannotUseUpTheMemoryOfAll(t *testing.T) {
	var seen dpop.Seen
	now := time.Unix(1_800_000_000, 0)
	refused := 0
	for i := range 5000 {
		if err := seen.Once(dpop.Proof{JKT: "key", ID: strconv.Itoa(i)}, "flooder", now); errors.Is(err, dpop.ErrCrowded) {
			refused++
		}
	}
	if refused != 4000 {
		t.Errorf("%d of 5000 refused, want 4000", refused)
	}
	if err := seen.Once(dpop.Proof{JKT: "key", ID: "mine"}, "bystander", now); err != nil {
		t.Errorf("another device: %v", err)
	}
	if err := seen.Once(dpop.Proof{JKT: "key", ID: "later"}, "flooder", now.Add(2*time.Minute)); err != nil {
		t.Errorf("in the next turn: %v", err)
	}
}

func TestNoncesAreGoodForTwoMinutesOnEveryReplica(t *testing.T) {
	a, b := dpop.NewNonces([]byte("one key of thirty-two bytes here")), dpop.NewNonces([]byte("one key of thirty-two bytes here"))
	other := dpop.NewNonces([]byte("some other key of 32 bytes here!"))
	at := time.Unix(1_800_000_000, 0)
	nonce := a.At(at)
	for offset, good := range map[time.Duration]bool{0: true, 2 * time.Minute: true, 3 * time.Minute: false, -time.Minute: false} {
		if b.Good(nonce, at.Add(offset)) != good {
			t.Errorf("%v later: %v", offset, !good)
		}
	}
	if other.Good(nonce, at) || a.Good("", at) {
		t.Error("a foreign or an empty nonce is good")
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(rfcProof)
	f.Add("..")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := dpop.Check([]string{s}, dpop.Request{Method: "POST", URL: "https://server.example.com/token"}, rfcTime)
		if err == nil && (p.JKT == "" || p.ID == "") {
			t.Fatalf("%q was accepted as %+v", s, p)
		}
		if err != nil && !errors.Is(err, dpop.ErrInvalid) {
			t.Fatal(err)
		}
	})
}
