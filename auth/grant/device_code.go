package grant

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"
)

const (
	// DeviceCodeLife is how long a person may take to enter and approve a user code (RFC 8628 §3.2).
	DeviceCodeLife = 10 * time.Minute
	// PollPause is how long a device must wait between two polls, and how much longer after each that came too early (RFC 8628 §3.5).
	PollPause = 5 * time.Second
	// pollLeeway is how much sooner a poll may come: timers and networks are not exact.
	pollLeeway = time.Second
)

// How many device codes may wait for a person at a time.
const (
	MaxDeviceCodes    = 10_000
	MaxNetDeviceCodes = 20 // of one network
)

// devicePrefix lets people and scanners recognize a device code.
const devicePrefix = "lkd_"

// A device code has a random part, the time of its end in seconds since 1970, and a MAC over both: a code that is not ours, or is too
// old, costs no query.
const (
	randomSize = 16
	bodySize   = randomSize + 8
	macSize    = 16
)

// newDeviceCode makes a device code that ends at a time.
func (s *Devices) newDeviceCode(end time.Time) string {
	body := make([]byte, randomSize, bodySize+macSize)
	_, _ = rand.Read(body) // never fails
	body = binary.BigEndian.AppendUint64(body, uint64(end.Unix()))
	return devicePrefix + base64.RawURLEncoding.EncodeToString(append(body, deviceMAC(s.codeKeys[0], body)...))
}

func deviceMAC(key, body []byte) []byte { return derive(key, "device code", body)[:macSize] }

// readDeviceCode returns when a device code ends. It reports false for a text that newDeviceCode did not make.
func (s *Devices) readDeviceCode(text string) (end time.Time, ok bool) {
	encoded, ok := strings.CutPrefix(text, devicePrefix)
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(bodySize+macSize) {
		return end, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	made := func(key []byte) bool {
		return subtle.ConstantTimeCompare(raw[bodySize:], deviceMAC(key, raw[:bodySize])) == 1
	}
	if err != nil || !slices.ContainsFunc(s.codeKeys, made) {
		return end, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw[randomSize:])), 0), true
}

// userLetters are those of user codes: no vowels, so that they make no words, and none that looks like another (RFC 8628 §6.1).
const userLetters = "BCDFGHJKLMNPQRSTVWXZ"

// userCodeSize is how many letters a user code has: about 2.6 × 10¹⁰ codes.
const userCodeSize = 8

// newUserCode makes a user code, without its hyphen.
func newUserCode() string {
	code := make([]byte, userCodeSize)
	for i := range code {
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(userLetters)))) // never fails
		code[i] = userLetters[n.Int64()]
	}
	return string(code)
}

// FormatUserCode writes a user code as people read it, such as WDJB-MJHT. What is no user code stays as it is.
func FormatUserCode(typed string) string {
	code, ok := readUserCode(typed)
	if !ok {
		return typed
	}
	return code[:userCodeSize/2] + "-" + code[userCodeSize/2:]
}

// readUserCode reads what a person typed, in any case, with or without hyphens and spaces.
func readUserCode(typed string) (code string, ok bool) {
	if len(typed) > 100 {
		return "", false
	}
	code = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c), unicode.Is(unicode.Pd, c), unicode.Is(unicode.Cf, c), c == '_', c == '.':
			return -1
		case c >= 'Ａ' && c <= 'ｚ': // the wide letters of Japanese keyboards
			c -= 'Ａ' - 'A'
		}
		return unicode.ToUpper(c)
	}, typed)
	for _, c := range code {
		if !strings.ContainsRune(userLetters, c) {
			return "", false
		}
	}
	return code, len(code) == userCodeSize
}

// userCodeHash is the hash under which a user code is stored. It is keyed: there are few enough codes to try them all.
func userCodeHash(key []byte, code string) []byte { return derive(key, "user code", []byte(code)) }

func deviceRow(hash []byte) []byte { return append([]byte("device code\x00"), hash...) }
