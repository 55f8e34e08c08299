package auth

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

// cheapParams keep the tests quick; the real ones are tried once.
var cheapParams = HashParams{MemoryKiB: 64, Time: 1, Threads: 1}

func cheapHasher() *hasher { return newHasher(cheapParams, 4, 16, time.Minute) }

func mustHash(t *testing.T, h *hasher, password string) string {
	t.Helper()
	phc, err := h.Hash(t.Context(), password)
	if err != nil {
		t.Fatalf("Hash(%q): %v", password, err)
	}
	return phc
}

func TestHashAndVerify(t *testing.T) {
	h := newHasher(DefaultHashParams, 1, 0, 0)
	const password = "correct horse battery staple"
	phc := mustHash(t, h, password)
	if want := "$argon2id$v=19$m=19456,t=2,p=1$"; !strings.HasPrefix(phc, want) {
		t.Fatalf("Hash = %q, want the prefix %q", phc, want)
	}
	if ok, stale, err := h.Verify(t.Context(), phc, password); !ok || stale || err != nil {
		t.Errorf("Verify of the right password = %v, %v, %v", ok, stale, err)
	}
	if ok, stale, err := h.Verify(t.Context(), phc, "Correct horse battery staple"); ok || stale || err != nil {
		t.Errorf("Verify with another case = %v, %v, %v", ok, stale, err)
	}
}

func TestEveryHashHasItsOwnSalt(t *testing.T) {
	h := cheapHasher()
	if a, b := mustHash(t, h, "the same password"), mustHash(t, h, "the same password"); a == b {
		t.Errorf("one password hashed twice gave %q both times", a)
	}
}

// The expected key was made with the reference implementation:
// echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32
func TestKnownAnswer(t *testing.T) {
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	h := newHasher(HashParams{MemoryKiB: 65536, Time: 2, Threads: 1}, 1, 0, 0)
	if ok, _, err := h.Verify(t.Context(), reference, "password"); !ok || err != nil {
		t.Errorf("Verify of the reference implementation's string = %v, %v", ok, err)
	}
}

func TestHashIsArgon2idOfThePassword(t *testing.T) {
	phc, err := parsePHC(mustHash(t, cheapHasher(), "wide\u3000space and e\u0301"))
	if err != nil {
		t.Fatal(err)
	}
	want := argon2.IDKey([]byte("wide space and \u00e9"), phc.salt, 1, 64, 1, 32)
	if !bytes.Equal(phc.key, want) || len(phc.salt) != 16 {
		t.Errorf("key %x, salt of %d bytes; want %x and 16", phc.key, len(phc.salt), want)
	}
}

func TestVerifyRefuses(t *testing.T) {
	h := cheapHasher()
	phc := mustHash(t, h, "a good long password")
	for name, password := range map[string]string{
		"the empty password":           "",
		"a prefix":                     "a good long passwor",
		"a space more":                 "a good long password ",
		"a control character more":     "a good long password\x00",
		"what is not UTF-8":            "a good long password\xff",
		"more than is ever normalised": strings.Repeat("a", maxRawPassword+1),
	} {
		t.Run(name, func(t *testing.T) {
			if ok, stale, err := h.Verify(t.Context(), phc, password); ok || stale || err != nil {
				t.Errorf("Verify = %v, %v, %v; want false, false and no error", ok, stale, err)
			}
		})
	}
}

// A password that is refused is hashed as the empty one, to cost the same: a record of the empty
// password, which Hash never makes, must not let it in.
func TestRefusedPasswordMatchesNothing(t *testing.T) {
	salt := make([]byte, hashSaltLen)
	empty := phcHash{HashParams: cheapParams, salt: salt, key: argon2.IDKey(nil, salt, 1, 64, 1, hashKeyLen)}
	for _, password := range []string{"", "\x00", "\xff"} {
		if ok, _, err := cheapHasher().Verify(t.Context(), empty.String(), password); ok || err != nil {
			t.Errorf("Verify(%q) = %v, %v", password, ok, err)
		}
	}
}

func TestOnePasswordHoweverTyped(t *testing.T) {
	h := cheapHasher()
	for name, pair := range map[string][2]string{
		"é composed and decomposed":    {"caf\u00e9 au lait", "cafe\u0301 au lait"},
		"Å as ångström sign and ring":  {"\u212b-unit-of-length", "A\u030a-unit-of-length"},
		"a plain and a no-break space": {"four words and more", "four words\u00a0and more"},
		"한 as syllable and as letters": {"\ud55c-password-of-mine", "\u1112\u1161\u11ab-password-of-mine"},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range pair {
				phc := mustHash(t, h, pair[i])
				if ok, _, err := h.Verify(t.Context(), phc, pair[1-i]); !ok || err != nil {
					t.Errorf("hashed as %+q, typed as %+q: %v, %v", pair[i], pair[1-i], ok, err)
				}
			}
		})
	}
}

func TestHashRefusesWhatCannotBeTypedAgain(t *testing.T) {
	for _, password := range []string{
		"", "tab\tin a password", "nul\x00in a password", "not\xffUTF-8 at all", strings.Repeat("a", maxRawPassword+1),
	} {
		if phc, err := cheapHasher().Hash(t.Context(), password); !errors.Is(err, errPasswordRefused) || phc != "" {
			t.Errorf("Hash(%q) = %q, %v; want errPasswordRefused", password, phc, err)
		}
	}
}

func TestStale(t *testing.T) {
	now := HashParams{MemoryKiB: 128, Time: 2, Threads: 2}
	for name, test := range map[string]struct {
		stored       HashParams
		salt, key    int
		stale, typed bool
	}{
		"today's parameters":         {stored: now},
		"more of everything":         {stored: HashParams{MemoryKiB: 256, Time: 3, Threads: 3}, salt: 32, key: 64},
		"less memory":                {stored: HashParams{MemoryKiB: 127, Time: 2, Threads: 2}, stale: true},
		"fewer passes":               {stored: HashParams{MemoryKiB: 128, Time: 1, Threads: 2}, stale: true},
		"fewer lanes":                {stored: HashParams{MemoryKiB: 128, Time: 2, Threads: 1}, stale: true},
		"a shorter salt":             {stored: now, salt: 15, stale: true},
		"a shorter key":              {stored: now, key: 31, stale: true},
		"less memory, more passes":   {stored: HashParams{MemoryKiB: 64, Time: 8, Threads: 2}, stale: true},
		"less, but a wrong password": {stored: HashParams{MemoryKiB: 64, Time: 1, Threads: 1}, typed: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := phcHash{HashParams: test.stored, salt: make([]byte, cmp.Or(test.salt, hashSaltLen))}
			p.key = argon2.IDKey([]byte("password"), p.salt, p.Time, p.MemoryKiB, p.Threads, uint32(cmp.Or(test.key, hashKeyLen)))
			typed := "password"
			if test.typed {
				typed = "passwort"
			}
			ok, stale, err := newHasher(now, 1, 0, 0).Verify(t.Context(), p.String(), typed)
			if ok == test.typed || stale != test.stale || err != nil {
				t.Errorf("Verify = %v, %v, %v; want %v, %v", ok, stale, err, !test.typed, test.stale)
			}
		})
	}
}

func TestParsePHCIsStrict(t *testing.T) {
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
		if p, err := parsePHC(s); err != nil || p.String() != s {
			t.Errorf("parsePHC(%q) = %q, %v; want it back", s, p, err)
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
			if p, err := parsePHC(s); !errors.Is(err, errMalformedHash) || p.key != nil {
				t.Errorf("parsePHC = %v, %v; want errMalformedHash", p, err)
			}
		})
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err == nil && (p.String() != s || !p.withinLimits()) {
			t.Errorf("parsePHC(%q) took %+v", s, p)
		}
	})
}

// derivation is one call of a hasher's key derivation.
type derivation struct {
	params     HashParams
	salt, size int
}

// recordDerivations makes h answer with zero bytes at once, and returns the derivations asked for.
func recordDerivations(h *hasher) *[]derivation {
	var calls []derivation
	h.derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
		calls = append(calls, derivation{HashParams{memory, passes, threads}, len(salt), int(size)})
		return bytes.Repeat([]byte{1}, int(size))
	}
	return &calls
}

// Whatever is asked, the answer costs one derivation with the same parameters, or its time tells
// accounts from strangers.
func TestEveryAnswerCostsOneHash(t *testing.T) {
	h := newHasher(DefaultHashParams, 1, 0, 0)
	calls := recordDerivations(h)
	phc := mustHash(t, h, "a good long password")
	want := derivation{DefaultHashParams, hashSaltLen, hashKeyLen}
	for name, ask := range map[string]func() error{
		"the right password": func() error { _, _, err := h.Verify(t.Context(), phc, "a good long password"); return err },
		"a refused password": func() error { _, _, err := h.Verify(t.Context(), phc, "nul\x00"); return err },
		"an unknown account": func() error { return h.VerifyNobody(t.Context(), "a good long password") },
		"an unknown account, refused": func() error {
			return h.VerifyNobody(t.Context(), "nul\x00")
		},
		"a malformed hash": func() error {
			if _, _, err := h.Verify(t.Context(), "plain", "plain"); !errors.Is(err, errMalformedHash) {
				return fmt.Errorf("Verify = %w, want errMalformedHash", err)
			}
			return nil
		},
		"a hash that asks for 100 GB": func() error {
			greedy := strings.Replace(phc, "m=19456", "m=104857600", 1)
			if _, _, err := h.Verify(t.Context(), greedy, "plain"); !errors.Is(err, errMalformedHash) {
				return fmt.Errorf("Verify = %w, want errMalformedHash", err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			*calls = nil
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			if len(*calls) != 1 || (*calls)[0] != want {
				t.Errorf("derivations %+v, want one of %+v", *calls, want)
			}
		})
	}
}

func TestImpossibleHashersPanic(t *testing.T) {
	for name, make := range map[string]func(){
		"no workers":      func() { newHasher(cheapParams, 0, 1, time.Second) },
		"a queue below 0": func() { newHasher(cheapParams, 1, -1, time.Second) },
		"no passes":       func() { newHasher(HashParams{MemoryKiB: 64, Threads: 1}, 1, 1, time.Second) },
		"too much memory": func() { newHasher(HashParams{maxHashMemoryKiB + 1, 1, 1}, 1, 1, time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("newHasher did not panic")
				}
			}()
			make()
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	h := newHasher(DefaultHashParams, 1, 0, 0)
	phc, err := h.Hash(b.Context(), "a good long password")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if ok, _, err := h.Verify(b.Context(), phc, "a good long password"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
