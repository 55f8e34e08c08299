package totp_test

import (
	"bytes"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"latchkey/auth/totp"
)

// rfcSecret is that of RFC 6238, appendix B, for SHA-1.
var rfcSecret = []byte("12345678901234567890")

// TestVectorsOfTheRFC takes the last six digits of the eight that appendix B gives.
func TestVectorsOfTheRFC(t *testing.T) {
	for seconds, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		at := time.Unix(seconds, 0)
		if step, ok := totp.Check(rfcSecret, code, at, 0); !ok || step != seconds/30 {
			t.Errorf("at %d: Check(%q) = %d, %v", seconds, code, step, ok)
		}
	}
}

func TestStepsAreOf30Seconds(t *testing.T) {
	for seconds, want := range map[int64]int64{0: 0, 29: 0, 30: 1, 59: 1, 60: 2, -1: -1, -30: -1, -31: -2} {
		if got := totp.Step(time.Unix(seconds, 999)); got != want {
			t.Errorf("Step(%d) = %d, want %d", seconds, got, want)
		}
	}
}

// codeStep is the step of a code that the tests below use.
const (
	code     = "005924"
	codeStep = 1234567890 / 30
)

func atStep(step int64) time.Time { return time.Unix(step*30, 0) }

func TestACodeWorksOneStepEitherSide(t *testing.T) {
	for name, c := range map[string]struct {
		at time.Time
		ok bool
	}{
		"two steps early":            {atStep(codeStep - 1).Add(-time.Nanosecond), false},
		"one step early":             {atStep(codeStep - 1), true},
		"in its step":                {atStep(codeStep), true},
		"one step late":              {atStep(codeStep + 1), true},
		"at the end of the step":     {atStep(codeStep + 2).Add(-time.Nanosecond), true},
		"two steps late":             {atStep(codeStep + 2), false},
		"in another zone":            {atStep(codeStep).In(time.FixedZone("", 5*3600)), true},
		"long ago":                   {time.Time{}, false},
		"in the year 9999, too late": {time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), false},
	} {
		step, ok := totp.Check(rfcSecret, code, c.at, 0)
		if ok != c.ok || ok && step != codeStep || !ok && step != 0 {
			t.Errorf("%s: got step %d, %v", name, step, ok)
		}
	}
}

func TestAUsedStepNeverWorksAgain(t *testing.T) {
	at := atStep(codeStep + 1)
	for after, want := range map[int64]bool{codeStep - 1: true, codeStep: false, codeStep + 1: false, math.MaxInt64: false} {
		if _, ok := totp.Check(rfcSecret, code, at, after); ok != want {
			t.Errorf("after step %d: %v, want %v", after, ok, want)
		}
	}
}

// TestACodeOfTwoStepsIsUsedOnce uses a secret whose steps 1000 and 1001 have one code. If the first step counted as used, the code would
// work a second time.
func TestACodeOfTwoStepsIsUsedOnce(t *testing.T) {
	secret, code := []byte("two steps 0000569210"), "937838"
	step, ok := totp.Check(secret, code, atStep(1000), 0)
	if !ok {
		t.Fatal("the code was refused")
	}
	if again, ok := totp.Check(secret, code, atStep(1000), step); ok {
		t.Errorf("the code of step %d worked again as that of step %d", step, again)
	}
}

func TestCodesAsPeopleTypeThem(t *testing.T) {
	for name, typed := range map[string]string{
		"as shown":                     "005924",
		"in two groups":                "005 924",
		"with spaces around":           " 005924\n",
		"with no-break spaces":         "005\u00a0924\u202f",
		"full-width":                   "００５９２４",
		"Arabic":                       "٠٠٥٩٢٤",
		"Persian":                      "۰۰۵۹۲۴",
		"Devanagari":                   "००५९२४",
		"with an ideographic space":    "００５　９２４",
		"of two keyboards, and spaces": "00５ 92٤",
	} {
		if !totp.LooksLikeCode(typed) {
			t.Errorf("%s: %q does not look like a code", name, typed)
		}
		if step, ok := totp.Check(rfcSecret, typed, atStep(codeStep), 0); !ok || step != codeStep {
			t.Errorf("%s: Check(%q) = %d, %v", name, typed, step, ok)
		}
	}
}

func TestWhatIsNoCodeIsRefused(t *testing.T) {
	for name, typed := range map[string]string{
		"nothing":                  "",
		"spaces":                   "      ",
		"five digits":              "05924",
		"seven digits":             "0005924",
		"a letter":                 "00592A",
		"an O for a zero":          "0O5924",
		"a sign":                   "+05924",
		"a recovery code":          "7K3M-Q9XT-VB1F-0HRD",
		"a digit of another form":  "⁰05924",
		"a NUL":                    "005924\x00",
		"no UTF-8":                 "005924\xff",
		"very many spaces":         strings.Repeat(" ", 100) + "005924",
		"six bytes, but no digits": "０５",
	} {
		if totp.LooksLikeCode(typed) {
			t.Errorf("%s: %q looks like a code", name, typed)
		}
		if step, ok := totp.Check(rfcSecret, typed, atStep(codeStep), 0); ok || step != 0 {
			t.Errorf("%s: Check(%q) = %d, %v", name, typed, step, ok)
		}
	}
}

func TestAMissingSecretAcceptsNoCode(t *testing.T) {
	for _, secret := range [][]byte{nil, {}, rfcSecret[:15]} {
		for _, code := range []string{"328482", "000000", "812658"} {
			if _, ok := totp.Check(secret, code, time.Unix(0, 0), -1); ok {
				t.Errorf("a secret of %d bytes accepted %s", len(secret), code)
			}
		}
	}
}

func TestSecretsAreRandomAndOfTheRightSize(t *testing.T) {
	a, b := totp.NewSecret(), totp.NewSecret()
	if len(a) != 20 || bytes.Equal(a, b) || bytes.Equal(a, make([]byte, 20)) {
		t.Errorf("got %x and %x", a, b)
	}
}

func TestTextIsInGroupsOfFour(t *testing.T) {
	if got, want := totp.Text(rfcSecret), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestURLIsReadBackWhole(t *testing.T) {
	for _, c := range []struct{ issuer, account, wantIssuer, wantAccount string }{
		{"Latchkey", "ada@example.com", "Latchkey", "ada@example.com"},
		{"Müller & Söhne / IT?", "ada+home@example.com", "Müller & Söhne / IT?", "ada+home@example.com"},
		{"Acme: Accounts", "a:b@example.com", "Acme Accounts", "ab@example.com"},
		{"100% #1", "a%20b@example.com", "100% #1", "a%20b@example.com"},
		{"東京", `"a b"@example.com`, "東京", `"a b"@example.com`},
	} {
		text := totp.URL(rfcSecret, c.issuer, c.account)
		if strings.ContainsAny(text, "+ \"") {
			t.Errorf("%s: an app would show %q", c.issuer, text)
		}
		key, err := otp.NewKeyFromURL(text)
		if err != nil {
			t.Fatal(err)
		}
		if key.Issuer() != c.wantIssuer || key.AccountName() != c.wantAccount {
			t.Errorf("%s: got issuer %q, account %q", text, key.Issuer(), key.AccountName())
		}
		if key.Type() != "totp" || key.Secret() != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || key.Period() != 30 ||
			key.Digits() != otp.DigitsSix || key.Algorithm() != otp.AlgorithmSHA1 {
			t.Errorf("%s: got %+v", text, key)
		}
		parsed, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		label, _, _ := strings.Cut(strings.TrimPrefix(parsed.Path, "/"), ":")
		if label != c.wantIssuer {
			t.Errorf("%s: the label names the issuer %q", text, label)
		}
	}
}
