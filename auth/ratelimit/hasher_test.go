package ratelimit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"latchkey/auth/password"
)

// cheapParams keep the tests fast; one test uses the real ones.
var cheapParams = password.Params{MemoryKiB: 64, Time: 1, Threads: 1}

func cheapHasher() *Hasher { return NewHasher(cheapParams, 4, 16, time.Minute) }

func mustHash(t *testing.T, h *Hasher, typed string) string {
	t.Helper()
	phc, err := h.Hash(t.Context(), typed)
	if err != nil {
		t.Fatalf("Hash(%q): %v", typed, err)
	}
	return phc
}

func TestHashAndVerify(t *testing.T) {
	h := NewHasher(password.DefaultParams, 1, 0, 0)
	const right = "correct horse battery staple"
	phc := mustHash(t, h, right)
	if want := "$argon2id$v=19$m=19456,t=2,p=1$"; !strings.HasPrefix(phc, want) {
		t.Fatalf("Hash = %q, want the prefix %q", phc, want)
	}
	if ok, stale, err := h.Verify(t.Context(), phc, right); !ok || stale || err != nil {
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
	h := NewHasher(password.Params{MemoryKiB: 65536, Time: 2, Threads: 1}, 1, 0, 0)
	if ok, _, err := h.Verify(t.Context(), reference, "password"); !ok || err != nil {
		t.Errorf("Verify of the reference implementation's string = %v, %v", ok, err)
	}
}

func TestHashIsArgon2idOfThePassword(t *testing.T) {
	phc, err := password.Parse(mustHash(t, cheapHasher(), "wide\u3000space and e\u0301"))
	if err != nil {
		t.Fatal(err)
	}
	want := argon2.IDKey([]byte("wide space and \u00e9"), phc.Salt, 1, 64, 1, 32)
	if !bytes.Equal(phc.Key, want) || len(phc.Salt) != 16 {
		t.Errorf("key %x, salt of %d bytes; want %x and 16", phc.Key, len(phc.Salt), want)
	}
}

func TestVerifyRefuses(t *testing.T) {
	h := cheapHasher()
	phc := mustHash(t, h, "a good long password")
	for name, typed := range map[string]string{
		"the empty password":           "",
		"a prefix":                     "a good long passwor",
		"a space more":                 "a good long password ",
		"a control character more":     "a good long password\x00",
		"what is not UTF-8":            "a good long password\xff",
		"more than is ever normalised": strings.Repeat("a", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			if ok, stale, err := h.Verify(t.Context(), phc, typed); ok || stale || err != nil {
				t.Errorf("Verify = %v, %v, %v; want false, false and no error", ok, stale, err)
			}
		})
	}
}

// A refused password is hashed like the empty one, so that it costs the same. A stored hash of the empty password, which Hash never
// makes, must not accept it.
func TestRefusedPasswordMatchesNothing(t *testing.T) {
	salt := make([]byte, password.SaltLen)
	empty := password.PHC{Params: cheapParams, Salt: salt, Key: argon2.IDKey(nil, salt, 1, 64, 1, password.KeyLen)}
	for _, typed := range []string{"", "\x00", "\xff"} {
		if ok, _, err := cheapHasher().Verify(t.Context(), empty.String(), typed); ok || err != nil {
			t.Errorf("Verify(%q) = %v, %v", typed, ok, err)
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
	for _, typed := range []string{
		"", "tab\tin a password", "nul\x00in a password", "not\xffUTF-8 at all", strings.Repeat("a", 5000),
	} {
		if phc, err := cheapHasher().Hash(t.Context(), typed); !errors.Is(err, password.ErrRefused) || phc != "" {
			t.Errorf("Hash(%q) = %q, %v; want ErrRefused", typed, phc, err)
		}
	}
}

func TestStale(t *testing.T) {
	now := password.Params{MemoryKiB: 128, Time: 2, Threads: 2}
	for name, test := range map[string]struct {
		stored       password.Params
		salt, key    int
		stale, typed bool
	}{
		"today's parameters":         {stored: now},
		"more of everything":         {stored: password.Params{MemoryKiB: 256, Time: 3, Threads: 3}, salt: 32, key: 64},
		"less memory":                {stored: password.Params{MemoryKiB: 127, Time: 2, Threads: 2}, stale: true},
		"fewer passes":               {stored: password.Params{MemoryKiB: 128, Time: 1, Threads: 2}, stale: true},
		"fewer lanes":                {stored: password.Params{MemoryKiB: 128, Time: 2, Threads: 1}, stale: true},
		"a shorter salt":             {stored: now, salt: 15, stale: true},
		"a shorter key":              {stored: now, key: 31, stale: true},
		"less memory, more passes":   {stored: password.Params{MemoryKiB: 64, Time: 8, Threads: 2}, stale: true},
		"less, but a wrong password": {stored: password.Params{MemoryKiB: 64, Time: 1, Threads: 1}, typed: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := password.PHC{Params: test.stored, Salt: make([]byte, cmp.Or(test.salt, password.SaltLen))}
			p.Key = argon2.IDKey([]byte("password"), p.Salt, p.Time, p.MemoryKiB, p.Threads, uint32(cmp.Or(test.key, password.KeyLen)))
			typed := "password"
			if test.typed {
				typed = "passwort"
			}
			ok, stale, err := NewHasher(now, 1, 0, 0).Verify(t.Context(), p.String(), typed)
			if ok == test.typed || stale != test.stale || err != nil {
				t.Errorf("Verify = %v, %v, %v; want %v, %v", ok, stale, err, !test.typed, test.stale)
			}
		})
	}
}

// derivation is one call of a hasher's Derive.
type derivation struct {
	params     password.Params
	salt, size int
}

// recordDerivations makes h derive zero bytes at once, and returns its calls of Derive.
func recordDerivations(h *Hasher) *[]derivation {
	var calls []derivation
	h.Derive = func(_, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
		calls = append(calls, derivation{password.Params{MemoryKiB: memory, Time: passes, Threads: threads}, len(salt), int(size)})
		return bytes.Repeat([]byte{1}, int(size))
	}
	return &calls
}

// Every request costs one derivation with the same parameters. Otherwise its time would tell accounts from unknown addresses.
func TestEveryAnswerCostsOneHash(t *testing.T) {
	h := NewHasher(password.DefaultParams, 1, 0, 0)
	calls := recordDerivations(h)
	phc := mustHash(t, h, "a good long password")
	want := derivation{password.DefaultParams, password.SaltLen, password.KeyLen}
	for name, ask := range map[string]func() error{
		"the right password": func() error { _, _, err := h.Verify(t.Context(), phc, "a good long password"); return err },
		"a refused password": func() error { _, _, err := h.Verify(t.Context(), phc, "nul\x00"); return err },
		"an unknown account": func() error { return h.VerifyUnknown(t.Context(), "a good long password") },
		"an unknown account, refused": func() error {
			return h.VerifyUnknown(t.Context(), "nul\x00")
		},
		"a malformed hash": func() error {
			if _, _, err := h.Verify(t.Context(), "plain", "plain"); !errors.Is(err, password.ErrMalformed) {
				return fmt.Errorf("Verify = %w, want ErrMalformed", err)
			}
			return nil
		},
		"a hash that asks for 100 GB": func() error {
			greedy := strings.Replace(phc, "m=19456", "m=104857600", 1)
			if _, _, err := h.Verify(t.Context(), greedy, "plain"); !errors.Is(err, password.ErrMalformed) {
				return fmt.Errorf("Verify = %w, want ErrMalformed", err)
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

// Without collections of its own, the hasher would here leave 20 times 19 MiB.
func TestHashesLeaveLittleMemory(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, test := range []struct {
		what      string
		cores     int
		refreshes bool
		want      int64 // hashes
	}{
		{"one core", 1, false, 2},
		{"two cores", 2, false, 3},
		{"two cores, and apps refresh", 2, true, 2},
		{"sixteen cores", 16, false, 10},
	} {
		t.Run(test.what, func(t *testing.T) {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			h := NewHasher(password.DefaultParams, test.cores, 0, 0)
			most := int64(0)
			for range 20 {
				if test.refreshes {
					h.Refreshes.Note()
				}
				if err := h.VerifyUnknown(t.Context(), "a walk in the early rain"); err != nil {
					t.Fatal(err)
				}
				runtime.ReadMemStats(&after)
				most = max(most, int64(after.HeapAlloc)-int64(before.HeapAlloc))
			}
			if hashes := (most >> 20) / 19; hashes != test.want {
				t.Errorf("the heap has grown by %d MiB, the memory of %d hashes, want that of %d", most>>20, hashes, test.want)
			}
		})
	}
}

func TestImpossibleHashersPanic(t *testing.T) {
	for name, make := range map[string]func(){
		"no workers":      func() { NewHasher(cheapParams, 0, 1, time.Second) },
		"a queue below 0": func() { NewHasher(cheapParams, 1, -1, time.Second) },
		"no passes":       func() { NewHasher(password.Params{MemoryKiB: 64, Threads: 1}, 1, 1, time.Second) },
		"too much memory": func() { NewHasher(password.Params{MemoryKiB: 1 << 20, Time: 1, Threads: 1}, 1, 1, time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("NewHasher did not panic")
				}
			}()
			make()
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	h := NewHasher(password.DefaultParams, 1, 0, 0)
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
