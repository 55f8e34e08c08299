package foreign

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func b64(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }

// aspnetV3 is a hash of version 3, its sizes and costs given.
func aspnetV3(function byte, iterations, salt uint32, rest int) string {
	b := []byte{1, 0, 0, 0, function, byte(iterations >> 24), byte(iterations >> 16), byte(iterations >> 8), byte(iterations),
		byte(salt >> 24), byte(salt >> 16), byte(salt >> 8), byte(salt)}
	return base64.StdEncoding.EncodeToString(append(b, make([]byte, rest)...))
}

func TestHostileHashesAreRefused(t *testing.T) {
	tail := "$" + b64(16) + "$" + b64(32)
	bcryptTail := strings.Repeat("a", bcryptTail)
	crypt := "$saltsalt$" + strings.Repeat("a", shaCryptKey)
	firebase := func(params string) string {
		return "$fbscrypt$" + params + ",ss=Bw==,sk=" + b64(64) + "$" + b64(16) + "$" + b64(64)
	}
	for _, test := range []struct {
		name, hash string
		want       error
	}{
		{"nothing", "", ErrUnknown},
		{"a password", "correct horse battery staple", ErrUnknown},
		{"MD5", "5f4dcc3b5aa765d61d8327deb882cf99", ErrUnknown},
		{"md5-crypt", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", ErrUnknown},
		{"Django's unsalted MD5", "md5$$5f4dcc3b5aa765d61d8327deb882cf99", ErrUnknown},
		{"an unusable password of Django", "!3Wv7kL", ErrUnknown},
		{"bcrypt with the bug of 2011", "$2x$10$" + bcryptTail, ErrUnknown},
		{"argon2d", "$argon2d$v=19$m=65536,t=3,p=1" + tail, ErrUnknown},
		{"a space first", " $2b$10$" + bcryptTail, ErrUnknown},
		{"a megabyte", "$2b$10$" + strings.Repeat("a", 1<<20), ErrMalformed},

		{"argon2 with 4 GiB", "$argon2id$v=19$m=4194304,t=1,p=1" + tail, ErrTooCostly},
		{"argon2 with a little too much", "$argon2id$v=19$m=131073,t=1,p=1" + tail, ErrTooCostly},
		{"argon2 with too many passes", "$argon2id$v=19$m=8192,t=65,p=1" + tail, ErrTooCostly},
		{"argon2 with too many passes for its memory", "$argon2id$v=19$m=131072,t=5,p=1" + tail, ErrTooCostly},
		{"argon2 with too many lanes", "$argon2id$v=19$m=65536,t=3,p=17" + tail, ErrTooCostly},
		{"argon2 without passes", "$argon2id$v=19$m=65536,t=0,p=1" + tail, ErrMalformed},
		{"argon2 with memory beyond 32 bits", "$argon2id$v=19$m=4295032832,t=3,p=1" + tail, ErrMalformed},
		{"argon2 of an older version", "$argon2id$v=16$m=65536,t=3,p=1" + tail, ErrMalformed},
		{"argon2 without a version", "$argon2id$m=65536,t=3,p=1" + tail, ErrMalformed},
		{"argon2 in another order", "$argon2id$v=19$t=3,m=65536,p=1" + tail, ErrMalformed},
		{"argon2 with a parameter more", "$argon2id$v=19$m=65536,t=3,p=1,data=AAAA" + tail, ErrMalformed},
		{"argon2 truncated after the salt", "$argon2id$v=19$m=65536,t=3,p=1$" + b64(16), ErrMalformed},
		{"argon2 with an empty key", "$argon2id$v=19$m=65536,t=3,p=1$" + b64(16) + "$", ErrMalformed},
		{"argon2 with a short key", "$argon2id$v=19$m=65536,t=3,p=1$" + b64(16) + "$" + b64(15), ErrMalformed},
		{"argon2 with a long key", "$argon2id$v=19$m=65536,t=3,p=1$" + b64(16) + "$" + b64(65), ErrMalformed},
		{"argon2 with an empty salt", "$argon2id$v=19$m=65536,t=3,p=1$$" + b64(32), ErrMalformed},
		{"argon2 with a long salt", "$argon2id$v=19$m=65536,t=3,p=1$" + b64(65) + "$" + b64(32), ErrMalformed},
		{"argon2 with wrong base64", "$argon2id$v=19$m=65536,t=3,p=1$" + b64(16) + "$" + b64(32)[1:] + "!", ErrMalformed},
		{"argon2 with trailing bits", "$argon2id$v=19$m=65536,t=3,p=1$" + b64(16) + "$" + b64(32)[1:] + "B", ErrMalformed},
		{"argon2 with a line break", "$argon2id$v=19$m=65536,t=3,p=1$" + b64(16) + "$" + b64(32) + "\n", ErrMalformed},
		{"argon2 with a part more", "$argon2id$v=19$m=65536,t=3,p=1" + tail + "$", ErrMalformed},

		{"bcrypt with a cost of 15", "$2b$15$" + bcryptTail, ErrTooCostly},
		{"bcrypt with a cost of 31", "$2b$31$" + bcryptTail, ErrTooCostly},
		{"bcrypt with a cost of 32", "$2b$32$" + bcryptTail, ErrMalformed},
		{"bcrypt with a cost of 3", "$2b$03$" + bcryptTail, ErrMalformed},
		{"bcrypt with a cost that is not a number", "$2b$1x$" + bcryptTail, ErrMalformed},
		{"bcrypt with a sign", "$2b$+9$" + bcryptTail, ErrMalformed},
		{"bcrypt truncated", "$2b$10$" + bcryptTail[1:], ErrMalformed},
		{"bcrypt with a character more", "$2b$10$" + bcryptTail + "a", ErrMalformed},
		{"bcrypt with another alphabet", "$2b$10$" + bcryptTail[1:] + "+", ErrMalformed},

		{"scrypt with 128 MiB", "$scrypt$ln=17,r=8,p=1" + tail, ErrTooCostly},
		{"scrypt with N of 2^63", "$scrypt$ln=63,r=8,p=1" + tail, ErrTooCostly},
		{"scrypt with a large r", "$scrypt$ln=1,r=1048576,p=1" + tail, ErrTooCostly},
		{"scrypt with a large p", "$scrypt$ln=14,r=8,p=17" + tail, ErrTooCostly},
		{"scrypt with too much work", "$scrypt$ln=16,r=8,p=5" + tail, ErrTooCostly},
		{"scrypt without r", "$scrypt$ln=14,r=0,p=1" + tail, ErrMalformed},
		{"scrypt without N", "$scrypt$ln=0,r=8,p=1" + tail, ErrMalformed},
		{"scrypt with a huge number", "$scrypt$ln=14,r=8,p=99999999999999999999" + tail, ErrMalformed},

		{"Firebase with 4 GiB", firebase("v=1,n=22,r=8,p=1"), ErrTooCostly},
		{"Firebase of another version", firebase("v=2,n=14,r=8,p=1"), ErrMalformed},
		{"Firebase without a signer key", "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==$" + b64(16) + "$" + b64(64), ErrMalformed},
		{"Firebase with a signer key of another length", "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=" + b64(32) + "$" + b64(16) + "$" + b64(64), ErrMalformed},

		{"PBKDF2 with too many iterations", "$pbkdf2-sha256$i=2000001,l=32" + tail, ErrTooCostly},
		{"PBKDF2 with too many blocks", "$pbkdf2-sha256$i=1000001,l=33$" + b64(16) + "$" + b64(33), ErrTooCostly},
		{"PBKDF2 with a huge number", "$pbkdf2-sha256$i=9999999999,l=32" + tail, ErrMalformed},
		{"PBKDF2 without iterations", "$pbkdf2-sha256$i=0" + tail, ErrMalformed},
		{"PBKDF2 with a sign", "$pbkdf2-sha256$-1" + tail, ErrMalformed},
		{"PBKDF2 with another length", "$pbkdf2-sha256$i=600000,l=20" + tail, ErrMalformed},
		{"PBKDF2 with an unknown function", "$pbkdf2-md5$i=600000" + tail, ErrUnknown},
		{"Django with too many iterations", "pbkdf2_sha256$2000001$saltsaltsalt$" + b64(32) + "=", ErrTooCostly},
		{"Django with a short key", "pbkdf2_sha256$600000$saltsaltsalt$" + b64(20) + "=", ErrMalformed},
		{"Django truncated", "pbkdf2_sha256$600000$saltsaltsalt", ErrMalformed},
		{"Django with a NUL in its salt", "pbkdf2_sha256$600000$salt\x00salt$" + b64(32) + "=", ErrMalformed},
		{"Django with a long salt", "pbkdf2_sha256$600000$" + strings.Repeat("s", 65) + "$" + b64(32) + "=", ErrMalformed},

		{"ASP.NET v2, too short", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggE=", ErrMalformed},
		{"ASP.NET v2 with data at its end", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJgAAAAAAAAAAAAA=", ErrMalformed},
		{"ASP.NET v3 without a key", aspnetV3(2, 100000, 16, 16), ErrMalformed},
		{"ASP.NET v3 with a salt beyond its end", aspnetV3(2, 100000, 1<<31, 48), ErrMalformed},
		{"ASP.NET v3 with a salt a little beyond its end", aspnetV3(2, 100000, 49, 48), ErrMalformed},
		{"ASP.NET v3 with an unknown function", aspnetV3(3, 100000, 16, 48), ErrMalformed},
		{"ASP.NET v3 with too many iterations", aspnetV3(2, 2000001, 16, 48), ErrTooCostly},
		{"ASP.NET v3 with 2^31 iterations", aspnetV3(2, 1<<31, 16, 48), ErrTooCostly},
		{"ASP.NET v3 with the most iterations", aspnetV3(2, 1<<32-1, 16, 48), ErrTooCostly},
		{"ASP.NET v3 without iterations", aspnetV3(2, 0, 16, 48), ErrMalformed},
		{"ASP.NET, a head alone", aspnetV3(2, 100000, 0, 0), ErrMalformed},
		{"ASP.NET, one letter", "A", ErrMalformed},

		{"sha512-crypt with 999999999 rounds", "$6$rounds=999999999" + crypt, ErrTooCostly},
		{"sha512-crypt with a little too many", "$6$rounds=500001" + crypt, ErrTooCostly},
		{"sha512-crypt with fewer rounds than it allows", "$6$rounds=999" + crypt, ErrMalformed},
		{"sha512-crypt with a leading zero", "$6$rounds=05000" + crypt, ErrMalformed},
		{"sha512-crypt without a salt", "$6$$" + strings.Repeat("a", shaCryptKey), ErrMalformed},
		{"sha512-crypt with a long salt", "$6$saltsaltsaltsalts$" + strings.Repeat("a", shaCryptKey), ErrMalformed},
		{"sha512-crypt truncated", "$6" + crypt[:len(crypt)-1], ErrMalformed},
		{"sha256-crypt", "$5$saltsalt$" + strings.Repeat("a", 43), ErrUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, err := Parse(test.hash)
			if !errors.Is(err, test.want) || h.matches != nil || h.Matches(nil) {
				t.Errorf("Parse = %v; want %v", err, test.want)
			}
			if err != nil && len(test.hash) > 20 && strings.Contains(err.Error(), test.hash[len(test.hash)-12:]) {
				t.Errorf("the error tells a part of the hash: %v", err)
			}
		})
	}
}

func TestLongPasswordsCostNothing(t *testing.T) {
	for _, v := range vectors {
		h, err := Parse(v.hash)
		if err != nil {
			t.Fatal(err)
		}
		if h.Matches(make([]byte, maxPassword+1)) {
			t.Errorf("%s: a long password matches", v.hash[:12])
		}
	}
}

// FuzzParse also tries the costs: a hash that Parse takes and that is cheap enough for a fuzzer must hash without a panic.
func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.hash)
	}
	f.Add(aspnetV3(2, 1, 16, 48))
	f.Add("$scrypt$ln=1,r=1,p=1$" + b64(8) + "$" + b64(16))
	f.Add("$argon2id$v=19$m=8,t=1,p=1$" + b64(8) + "$" + b64(16))
	f.Add("$pbkdf2-sha512$i=1$" + b64(8) + "$" + b64(16))
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Parse(text)
		if err != nil {
			if h.matches != nil {
				t.Error("an error and a hash")
			}
			return
		}
		if h.String() != text || len(text) > maxText || !isText(text) {
			t.Errorf("Parse took %q as %q", text, h)
		}
		for _, cheap := range []string{"$pbkdf2-sha512$i=1$", "$argon2id$v=19$m=8,t=1,p=1$", "$scrypt$ln=1,", "AQAAAAIAAAAB"} {
			if strings.HasPrefix(text, cheap) {
				h.Matches([]byte("password"))
			}
		}
	})
}

// isText reports whether a database can keep it.
func isText(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
