package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/auth/seal"
	"latchkey/models"
)

// secrets finds the server secret and the previous ones: in the variable, in the file, or, with SQLite only, in a file
// beside the database that is made together with it: mayMake tells whether nothing in the database needs an older one.
// Nothing of a secret is ever part of an error.
func (s *Settings) secrets(mayMake func() (bool, error)) (current []byte, previous [][]byte, err error) {
	if err := s.readFiles(); err != nil {
		return nil, nil, err
	}
	for i, text := range strings.Split(strings.ReplaceAll(s.SecretPrevious, "\n", ","), ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		secret, err := parseSecret(text)
		if err != nil {
			return nil, nil, fmt.Errorf("LATCHKEY_SECRET_PREVIOUS: secret %d: %w", i+1, err)
		}
		previous = append(previous, secret)
	}
	switch {
	case s.Secret != "" && s.SecretFile != "":
		return nil, nil, errors.New("LATCHKEY_SECRET and LATCHKEY_SECRET_FILE are both set")
	case s.Secret != "":
		if current, err = parseSecret(s.Secret); err != nil {
			err = settingError("LATCHKEY_SECRET", err)
		}
	case s.SecretFile != "":
		if current, err = readSecret(s.SecretFile); err != nil {
			err = settingError("LATCHKEY_SECRET_FILE", err)
		}
	default:
		path, embedded := strings.CutPrefix(s.database(), "sqlite:")
		if !embedded {
			return nil, nil, errors.New("LATCHKEY_SECRET or LATCHKEY_SECRET_FILE must be set with PostgreSQL (make one with: openssl rand -base64 32)")
		}
		isNew, err := mayMake()
		if err != nil {
			return nil, nil, err
		}
		file := filepath.Join(filepath.Dir(path), "secret")
		if isNew {
			current, err = makeSecret(file)
		} else if current, err = readSecret(file); errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is none at %s, and the database is not new: bring back the one that it was made with", file)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("server secret: %w", err)
		}
	}
	return current, previous, err
}

func readSecret(path string) ([]byte, error) {
	text, err := readSettingFile(path)
	if err != nil {
		return nil, err
	}
	secret, err := parseSecret(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return secret, nil
}

// makeSecret reads the file, or makes it once, whole and private, however many processes start at the same time.
func makeSecret(path string) ([]byte, error) {
	secret, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	fresh := make([]byte, seal.MinSecret)
	_, _ = rand.Read(fresh)                                  // never fails
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(fresh) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readSecret(path) // another process's, if that one was first
}

// judgeSecrets refuses secrets that a person made up, before anything depends on them. Later a change costs every sign-in, and the
// operator is warned instead.
func (e *environment) judgeSecrets(store *models.Store, current []byte, previous [][]byte) error {
	name := "LATCHKEY_SECRET"
	if !madeUp(current) {
		if !slices.ContainsFunc(previous, madeUp) {
			return nil
		}
		name = "LATCHKEY_SECRET_PREVIOUS"
	}
	users, err := store.CountUsers(e.ctx)
	switch {
	case err != nil:
		return settingError("LATCHKEY_DATABASE", err)
	case users == 0:
		return settingError(name, errors.New("is not random: anyone who guesses it can sign in as any user (make one with: openssl rand -base64 32)"))
	}
	e.logger().Warn(name + " is not random: anyone who guesses it can sign in as any user; change it by way of LATCHKEY_SECRET_PREVIOUS")
	return nil
}

// madeUp tells a secret that no random generator gives in a thousand years: few different bytes, a pattern, or a text to be read.
func madeUp(secret []byte) bool {
	const least = 9 // different ones: fewer are in one of 10^15 random hexadecimal texts, and never among 32 random bytes
	bytes, steps := map[byte]bool{}, map[byte]bool{}
	var before byte
	for i, b := range secret {
		bytes[b] = true
		if i > 0 {
			steps[b-before] = true
		}
		before = b
	}
	return len(bytes) < least || len(steps) < least || repeats(secret) || readable(string(secret))
}

// readable tells a text from random bytes, and from those in base64, base32 or hexadecimal: they have no blanks, 43 characters or
// more, and digits or both cases.
func readable(s string) bool {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return false
	}
	encoded := len(s) >= 43 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
	return !encoded || !strings.ContainsAny(s, "0123456789") && (s == strings.ToLower(s) || s == strings.ToUpper(s))
}

// repeats tells a secret that is less than 16 bytes over and over.
func repeats(secret []byte) bool {
	for period := 1; period < 16; period++ {
		same := true
		for i := period; i < len(secret) && same; i++ {
			same = secret[i] == secret[i-period]
		}
		if same {
			return true
		}
	}
	return false
}

// parseSecret takes base64 in any of its common alphabets, padded or not.
func parseSecret(text string) ([]byte, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	secret, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("is not base64")
	}
	if len(secret) < seal.MinSecret {
		return nil, fmt.Errorf("has %d bytes, it needs at least %d random ones (make one with: openssl rand -base64 32)", len(secret), seal.MinSecret)
	}
	return secret, nil
}
