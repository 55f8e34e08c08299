package ratelimit

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"latchkey/auth"
	"latchkey/auth/password"
	"latchkey/auth/password/foreign"
)

// importedHash is the bcrypt hash of bytes, as an import stores it.
func importedHash(t *testing.T, typed string) string {
	t.Helper()
	text, err := bcrypt.GenerateFromPassword([]byte(typed), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	h, err := foreign.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return h.Stored()
}

func TestAnImportedHashIsTriedWithTheBytesFirst(t *testing.T) {
	h := cheapHasher()
	composed, decomposed := "caf\u00e9 au lait", "cafe\u0301 au lait"
	for name, test := range map[string]struct {
		hashed, typed string
		want          bool
	}{
		"the same":                           {composed, composed, true},
		"bytes that we would normalise":      {decomposed, decomposed, true},
		"another keyboard, which decomposes": {composed, decomposed, true},
		"the other way, which no one knows":  {decomposed, composed, false},
		"another password":                   {composed, "cafe au lait", false},
		"another case":                       {composed, strings.ToUpper(composed), false},
		"what we refuse to hash":             {"a tab\tis here", "a tab\tis here", true},
		"nothing":                            {composed, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			ok, stale, err := h.Verify(t.Context(), importedHash(t, test.hashed), test.typed)
			if ok != test.want || stale != test.want || err != nil {
				t.Errorf("Verify = %v, %v, %v", ok, stale, err)
			}
		})
	}
}

func TestAnImportedHashWaitsForASlot(t *testing.T) {
	h := NewHasher(cheapParams, 1, 0, 0)
	stored, running, finish := importedHash(t, "password"), make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() { done <- h.Do(context.Background(), func() { close(running); <-finish }) }()
	<-running
	if ok, _, err := h.Verify(t.Context(), stored, "password"); ok || !errors.Is(err, auth.ErrBusy) {
		t.Errorf("Verify beside a running hash = %v, %v; want ErrBusy", ok, err)
	}
	close(finish)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if ok, _, err := h.Verify(t.Context(), stored, "password"); !ok || err != nil {
		t.Errorf("Verify afterwards = %v, %v", ok, err)
	}
}

// An account without a password, and one whose row was changed by hand, cost what an unknown account costs.
func TestNoPasswordCostsOneHash(t *testing.T) {
	h := NewHasher(cheapParams, 1, 1, time.Minute)
	derive, derived := h.Derive, 0
	h.Derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
		derived++
		return derive(password, salt, passes, memory, threads, size)
	}
	for stored, want := range map[string]error{
		password.None: nil, "imported:$2b$31$" + strings.Repeat("a", 53): password.ErrMalformed, "imported:": password.ErrMalformed,
	} {
		for _, typed := range []string{"password", "", password.None} {
			derived = 0
			ok, stale, err := h.Verify(t.Context(), stored, typed)
			if ok || stale || !errors.Is(err, want) || derived != 1 {
				t.Errorf("Verify(%q, %q) = %v, %v, %v after %d hashes", stored, typed, ok, stale, err, derived)
			}
		}
	}
}
