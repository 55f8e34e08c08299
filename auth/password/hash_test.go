package password

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func TestParseIsStrict(t *testing.T) {
	b64 := func(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }
	s16, k32 := b64(16), b64(32)
	phc := func(params string) string { return "$argon2id$v=19$" + params + "$" + s16 + "$" + k32 }
	good := phc("m=19456,t=2,p=1")
	for _, s := range []string{
		good,
		phc("m=262144,t=16,p=16"),
		phc("m=8,t=1,p=1"),
		"$argon2id$v=19$m=19456,t=2,p=1$" + b64(8) + "$" + b64(16),
		"$argon2id$v=19$m=19456,t=2,p=1$" + b64(64) + "$" + b64(64),
	} {
		if p, err := Parse(s); err != nil || p.String() != s {
			t.Errorf("Parse(%q) = %q, %v; want it back", s, p, err)
		}
	}
	for name, s := range map[string]string{
		"empty":                     "",
		"only separators":           "$$$$$",
		"no leading separator":      good[1:],
		"a part more":               good + "$",
		"a line break at the end":   good + "\n",
		"a line break in the salt":  strings.Replace(good, s16, s16[:4]+"\n"+s16[4:], 1),
		"padding":                   good + "=",
		"trailing bits":             good[:len(good)-1] + "B",
		"the URL alphabet":          good[:len(good)-2] + "-A",
		"another scheme":            strings.Replace(good, "argon2id", "argon2i", 1),
		"upper case":                strings.Replace(good, "argon2id", "Argon2id", 1),
		"an older version":          strings.Replace(good, "v=19", "v=16", 1),
		"no version":                strings.Replace(good, "$v=19", "", 1),
		"another order":             phc("t=2,m=19456,p=1"),
		"a parameter missing":       phc("m=19456,t=2"),
		"a parameter more":          phc("m=19456,t=2,p=1,data=AAAA"),
		"a leading zero":            phc("m=019456,t=2,p=1"),
		"a plus sign":               phc("m=+19456,t=2,p=1"),
		"a minus sign":              phc("m=19456,t=-2,p=1"),
		"a space":                   phc("m=19456, t=2,p=1"),
		"hexadecimal":               phc("m=0x4c00,t=2,p=1"),
		"no passes":                 phc("m=19456,t=0,p=1"),
		"no lanes":                  phc("m=19456,t=2,p=0"),
		"too little memory":         phc("m=7,t=2,p=1"),
		"too little for its lanes":  phc("m=15,t=2,p=2"),
		"100 GB":                    phc("m=104857600,t=2,p=1"),
		"a little too much memory":  phc("m=262145,t=2,p=1"),
		"too many passes":           phc("m=19456,t=17,p=1"),
		"too many lanes":            phc("m=19456,t=2,p=17"),
		"lanes beyond a byte":       phc("m=19456,t=2,p=257"),
		"memory beyond 32 bits":     phc("m=4294986752,t=2,p=1"),
		"memory beyond 64 bits":     phc("m=18446744073709571072,t=2,p=1"),
		"no salt":                   "$argon2id$v=19$m=19456,t=2,p=1$$" + k32,
		"no key":                    "$argon2id$v=19$m=19456,t=2,p=1$" + s16 + "$",
		"a short salt":              "$argon2id$v=19$m=19456,t=2,p=1$" + b64(7) + "$" + k32,
		"a long salt":               "$argon2id$v=19$m=19456,t=2,p=1$" + b64(65) + "$" + k32,
		"a short key":               "$argon2id$v=19$m=19456,t=2,p=1$" + s16 + "$" + b64(15),
		"a long key":                "$argon2id$v=19$m=19456,t=2,p=1$" + s16 + "$" + b64(65),
		"a megabyte":                good + strings.Repeat("A", 1<<20),
		"a megabyte of separators":  strings.Repeat("$", 1<<20),
		"bcrypt":                    "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"the password itself":       "correct horse battery staple",
		"a good one after a space":  " " + good,
		"a good one, then a second": good + good,
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := Parse(s); !errors.Is(err, ErrMalformed) || p.Key != nil {
				t.Errorf("Parse = %v, %v; want ErrMalformed", p, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err == nil && (p.String() != s || !p.WithinLimits()) {
			t.Errorf("Parse(%q) took %+v", s, p)
		}
	})
}
