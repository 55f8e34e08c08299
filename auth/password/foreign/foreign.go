package foreign

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// Errors of Parse. The text of an error names numbers at most, never a part of the hash.
var (
	ErrUnknown   = errors.New("unknown format of password hash")
	ErrMalformed = errors.New("malformed password hash")
	ErrTooCostly = errors.New("password hash costs too much to verify")
)

const (
	maxText     = 512  // bytes of a hash as text
	maxPassword = 4096 // bytes of a password as it was typed
	minSalt     = 4    // bytes; the published examples have salts this short
	fineSalt    = 8    // bytes; with fewer a hash is weak
	maxSalt     = 64
	minKey      = 16
	maxKey      = 64
)

// Hash is a parsed password hash, whose costs are within the cap of its format. The zero Hash matches no password.
type Hash struct {
	text    string
	weak    string
	matches func(password []byte) bool
}

// Parse parses a password hash in one of these formats:
//
//	$argon2id$ and $argon2i$          PHC strings, version 19
//	$2a$, $2b$ and $2y$               bcrypt
//	$scrypt$ln=…,r=…,p=…$             PHC string
//	$fbscrypt$v=1,n=…,r=…,p=1,…$      Firebase's scrypt, as Supabase Auth writes it
//	$pbkdf2-sha256$ and …-sha1, -sha512   PHC strings ($i=…,l=…$) and those of passlib ($29000$)
//	pbkdf2_sha256$ and pbkdf2_sha1$   Django
//	base64 of version 0 or 1          ASP.NET Core Identity v2 and v3
//	$6$                               sha512-crypt
//
// Parse returns ErrUnknown, ErrMalformed or ErrTooCostly. It does not hash.
func Parse(text string) (Hash, error) {
	if len(text) > maxText {
		return Hash{}, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxText)
	}
	for _, f := range formats {
		if !strings.HasPrefix(text, f.prefix) {
			continue
		}
		h, err := f.parse(strings.TrimPrefix(text, f.prefix))
		if err != nil {
			return Hash{}, fmt.Errorf("%s: %w", f.name, err)
		}
		h.text = text
		if h.weak != "" {
			h.weak = f.name + ": " + h.weak
		}
		return h, nil
	}
	return Hash{}, ErrUnknown
}

// formats are tried in order.
var formats = []struct {
	prefix, name string
	parse        func(rest string) (Hash, error)
}{
	{"$argon2id$", "argon2id", parseArgon2id},
	{"$argon2i$", "argon2i", parseArgon2i},
	{"$2a$", "bcrypt", parseBcrypt("$2a$")},
	{"$2b$", "bcrypt", parseBcrypt("$2b$")},
	{"$2y$", "bcrypt", parseBcrypt("$2y$")},
	{"$scrypt$", "scrypt", parseScrypt},
	{"$fbscrypt$", "Firebase scrypt", parseFirebase},
	{"$pbkdf2-sha256$", sha256PRF.name, sha256PRF.parsePHC},
	{"$pbkdf2-sha512$", sha512PRF.name, sha512PRF.parsePHC},
	{"$pbkdf2-sha1$", sha1PRF.name, sha1PRF.parsePHC},
	{"$pbkdf2$", sha1PRF.name, sha1PRF.parsePHC}, // as passlib calls it
	{"pbkdf2_sha256$", "Django " + sha256PRF.name, sha256PRF.parseDjango},
	{"pbkdf2_sha1$", "Django " + sha1PRF.name, sha1PRF.parseDjango},
	{"$6$", "sha512-crypt", parseSHA512Crypt},
	{"A", "ASP.NET Core Identity", parseASPNET}, // base64 that begins with a byte of 0 or 1, and so with this letter
}

// Matches reports whether the bytes are the hashed password. It takes up to about two seconds and 128 MiB.
func (h Hash) Matches(password []byte) bool {
	return h.matches != nil && len(password) <= maxPassword && h.matches(password)
}

// Weak says why the hash is below the floor of its format, or is empty.
func (h Hash) Weak() string { return h.weak }

// String returns the text that was parsed. It is a secret.
func (h Hash) String() string { return h.text }

// derived makes a Hash of a key and of what derives it from a password and a salt. what names a cost below the floor.
func derived(salt, key []byte, what string, derive func(password []byte) ([]byte, error)) (Hash, error) {
	if len(salt) < minSalt || len(salt) > maxSalt {
		return Hash{}, fmt.Errorf("%w: the salt has %d bytes, not %d to %d", ErrMalformed, len(salt), minSalt, maxSalt)
	}
	if len(key) < minKey || len(key) > maxKey {
		return Hash{}, fmt.Errorf("%w: the key has %d bytes, not %d to %d", ErrMalformed, len(key), minKey, maxKey)
	}
	if what == "" && len(salt) < fineSalt {
		what = fmt.Sprintf("a salt of %d bytes is below %d", len(salt), fineSalt)
	}
	return Hash{weak: what, matches: func(password []byte) bool {
		got, err := derive(password)
		return err == nil && subtle.ConstantTimeCompare(got, key) == 1
	}}, nil
}

// below says that a cost is below a floor; empty: it is not.
func below(name string, got, floor int) string {
	if got >= floor {
		return ""
	}
	return fmt.Sprintf("%s %d is below %d", name, got, floor)
}

// above returns ErrTooCostly when a cost is above its cap.
func above(name string, got, limit int) error {
	if got <= limit {
		return nil
	}
	return fmt.Errorf("%w: %s %d is above %d", ErrTooCostly, name, got, limit)
}
