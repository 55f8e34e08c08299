package recovery_test

import (
	"bytes"
	"crypto/sha256"
	"math"
	"regexp"
	"strings"
	"testing"

	"latchkey/auth/recovery"
)

// canonical leaves out what people confuse: I, L, O, U.
var canonical = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){5}$`)

func TestNewCodesAreTenOfTheCanonicalForm(t *testing.T) {
	codes := recovery.New()
	if len(codes) != 10 || recovery.Count != 10 {
		t.Fatalf("got %d codes", len(codes))
	}
	seen := map[string]bool{}
	for _, code := range codes {
		if !canonical.MatchString(code) {
			t.Errorf("%q is not of the canonical form", code)
		}
		if got, ok := recovery.Normalise(code); !ok || got != code {
			t.Errorf("Normalise(%q) = %q, %v", code, got, ok)
		}
		if seen[code] {
			t.Errorf("%q came twice", code)
		}
		seen[code] = true
	}
}

// TestCodesUseTheWholeAlphabet counts letters in each place: a generator that leaves some out has fewer bits than promised.
func TestCodesUseTheWholeAlphabet(t *testing.T) {
	var seen [24]map[rune]bool
	for range 200 { // 2,000 codes: a letter that is used is missing from a place with a chance below 1e-24
		for _, code := range recovery.New() {
			for place, letter := range []rune(strings.ReplaceAll(code, "-", "")) {
				if seen[place] == nil {
					seen[place] = map[rune]bool{}
				}
				seen[place][letter] = true
			}
		}
	}
	bits := 0.0
	for _, letters := range seen {
		bits += math.Log2(float64(len(letters)))
	}
	if bits < 120 {
		t.Errorf("codes have %.1f bits, want 120", bits)
	}
}

func TestCodesAsPeopleTypeThem(t *testing.T) {
	const code = "7K3M-Q9XT-VB1F-0HRD-C8PW-2ZJE"
	for name, typed := range map[string]string{
		"as shown":                        code,
		"in lower case":                   "7k3m-q9xt-vb1f-0hrd-c8pw-2zje",
		"without hyphens":                 "7K3MQ9XTVB1F0HRDC8PW2ZJE",
		"with spaces":                     " 7K3M Q9XT VB1F 0HRD C8PW 2ZJE\n",
		"with no-break spaces":            "7K3M\u00a0Q9XT\u00a0VB1F\u202f0HRD\u00a0C8PW 2ZJE",
		"with dashes of a word processor": "7K3M–Q9XT—VB1F‑0HRD–C8PW–2ZJE",
		"with O for 0":                    "7K3M-Q9XT-VB1F-OHRD-C8PW-2ZJE",
		"with o for 0":                    "7K3M-Q9XT-VB1F-oHRD-C8PW-2ZJE",
		"with I for 1":                    "7K3M-Q9XT-VBIF-0HRD-C8PW-2ZJE",
		"with l for 1":                    "7K3M-Q9XT-VBlF-0HRD-C8PW-2ZJE",
		"grouped otherwise":               "7-K3MQ9 XTVB1F0HR-DC8PW2ZJE",
	} {
		if got, ok := recovery.Normalise(typed); !ok || got != code {
			t.Errorf("%s: Normalise(%q) = %q, %v", name, typed, got, ok)
		}
	}
}

func TestWhatIsNoCodeIsRefused(t *testing.T) {
	for name, typed := range map[string]string{
		"nothing":                "",
		"hyphens only":           "---",
		"a code of an app":       "123456",
		"a letter too few":       "7K3M-Q9XT-VB1F-C8PW-2ZJE-0HR",
		"a letter too many":      "7K3M-Q9XT-VB1F-C8PW-2ZJE-0HRDX",
		"a U":                    "7K3M-Q9XT-VB1F-C8PW-2ZJE-0HRU",
		"a sign":                 "7K3M-Q9XT-VB1F-C8PW-2ZJE-0HR!",
		"a letter of no ASCII":   "7K3M-Q9XT-VB1F-C8PW-2ZJE-0HRＤ",
		"a byte that is no UTF8": "7K3M-Q9XT-VB1F-C8PW-2ZJE-0HR\xff",
		"a NUL":                  "7K3M-Q9XT-VB1F-C8PW-2ZJE-0HRD\x00",
		"very many spaces":       strings.Repeat(" ", 1000) + "7K3M-Q9XT-VB1F-0HRD-C8PW-2ZJE",
	} {
		if got, ok := recovery.Normalise(typed); ok || got != "" {
			t.Errorf("%s: Normalise gave %q, %v", name, got, ok)
		}
	}
}

func TestHashIsSHA256OfTheCanonicalForm(t *testing.T) {
	want := sha256.Sum256([]byte("7K3M-Q9XT-VB1F-0HRD-C8PW-2ZJE"))
	if got := recovery.Hash("7K3M-Q9XT-VB1F-0HRD-C8PW-2ZJE"); !bytes.Equal(got, want[:]) {
		t.Errorf("got %x, want %x", got, want)
	}
}
