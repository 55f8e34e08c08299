package dpop_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

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
		"https://server.example.com:/token":     true,
	} {
		_, err := dpop.Check([]string{rfcProof}, dpop.Request{Method: "POST", URL: url}, rfcTime)
		if (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAProofIsForNow(t *testing.T) {
	for offset, off := range map[time.Duration]time.Duration{
		60 * time.Second: 0, 61 * time.Second: -61 * time.Second, -10 * time.Second: 0, -11 * time.Second: 11 * time.Second,
		time.Hour + 400*time.Millisecond: -time.Hour, -42*time.Second + 900*time.Millisecond: 42 * time.Second, -366 * 24 * time.Hour: 366 * 24 * time.Hour,
	} {
		p, err := dpop.Check([]string{rfcProof}, dpop.Request{Method: "POST", URL: "https://server.example.com/token"}, rfcTime.Add(offset))
		var clock *dpop.ClockError
		if (err == nil) != (off == 0) || p.JKT != rfcJKT {
			t.Errorf("%v after iat: %v", offset, err)
		} else if err != nil && (!errors.Is(err, dpop.ErrInvalid) || !errors.As(err, &clock) || clock.Off != off) {
			t.Errorf("%v after iat: %v", offset, err)
		}
	}
	for off, want := range map[time.Duration]string{
		42 * time.Second: "the clock of this device is 42 s ahead", -75 * time.Second: "the clock of this device is 75 s behind, or the proof was kept for so long",
	} {
		if got := (&dpop.ClockError{Off: off}).Error(); got != want {
			t.Errorf("%v: %q", off, got)
		}
	}
	// The time is not the only problem: then Check returns the other one.
	_, err := dpop.Check([]string{rfcProof}, dpop.Request{Method: "POST", URL: "https://server.example.com/token", AccessToken: "x"}, rfcTime.Add(time.Hour))
	var clock *dpop.ClockError
	if !errors.Is(err, dpop.ErrInvalid) || errors.As(err, &clock) {
		t.Errorf("of another token and another time: %v", err)
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

// A proof with a nonce, from its use to after the nonce's end, also while the system's clock is set back.
func TestAProofWithANonceIsGoodOnce(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	public := base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	synctest.Test(t, func(t *testing.T) {
		var seen dpop.Seen
		nonces := dpop.NewNonces([]byte("one key of thirty-two bytes here"))
		began := time.Now().Truncate(time.Minute)
		token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
			"jti": "1", "htm": "POST", "htu": "https://id.example.com/oauth/token", "iat": 1, "nonce": nonces.At(began),
		})
		token.Header["typ"], token.Header["jwk"] = "dpop+jwt", map[string]string{"kty": "OKP", "crv": "Ed25519", "x": public}
		proof, err := token.SignedString(key)
		if err != nil || !dpop.HasNonce(proof) || dpop.HasNonce(rfcProof) {
			t.Fatal(proof, err)
		}
		use := func(now time.Time, r dpop.Request) error {
			r.Method, r.URL = "POST", "https://id.example.com/oauth/token"
			p, err := dpop.Check([]string{proof}, r, now)
			if err == nil {
				err = seen.Consume(p, "account")
			}
			return err
		}
		own := dpop.Request{Nonces: nonces}
		if err := use(began, own); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			after time.Duration
			wall  time.Duration
			err   error
		}{
			{100 * time.Second, 100 * time.Second, dpop.ErrInvalid}, {150 * time.Second, 150 * time.Second, dpop.ErrInvalid}, {200 * time.Second, 200 * time.Second, dpop.ErrNonce},
			{210 * time.Second, 0, dpop.ErrInvalid}, {220 * time.Second, time.Hour, dpop.ErrNonce}, {230 * time.Second, -24 * time.Hour, dpop.ErrNonce}, {239 * time.Second, 170 * time.Second, dpop.ErrInvalid},
		} {
			time.Sleep(time.Until(began.Add(c.after)))
			if err := use(began.Add(c.wall), own); !errors.Is(err, c.err) {
				t.Errorf("after %v, by a clock that says %v: %v, want %v", c.after, c.wall, err, c.err)
			}
		}
		var clock *dpop.ClockError
		if err := use(began, dpop.Request{}); !errors.As(err, &clock) { // a server without nonces looks at the time
			t.Error(err)
		}
		if err := use(began, dpop.Request{Nonces: dpop.NewNonces([]byte("some other key of 32 bytes here!"))}); !errors.Is(err, dpop.ErrNonce) {
			t.Error(err)
		}
	})
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
		dpop.HasNonce(s)
	})
}
