package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"
)

// errHasherBusy says that the machine has as many passwords to hash as it can take.
// Nothing was decided about the password: the caller answers "try again".
var errHasherBusy = errors.New("auth: too many passwords are being hashed")

var (
	errPasswordRefused = errors.New("auth: the password has characters that RFC 8265 refuses")
	errMalformedHash   = errors.New("auth: malformed password hash")
)

// HashParams are argon2id's costs (RFC 9106 §3.1).
type HashParams struct {
	MemoryKiB uint32
	Time      uint32 // passes over the memory
	Threads   uint8  // lanes
}

// DefaultHashParams is the smallest of the settings that OWASP calls sufficient for argon2id.
var DefaultHashParams = HashParams{MemoryKiB: 19456, Time: 2, Threads: 1}

const (
	hashSaltLen = 16
	hashKeyLen  = 32

	// What a stored hash may ask for. Whoever can write one row of the database must not be
	// able to take all memory, or a core for minutes, with a single sign-in.
	maxHashMemoryKiB = 256 << 10
	maxHashTime      = 16
	maxHashThreads   = 16
	minHashSaltLen   = 8
	minHashKeyLen    = 16
	maxHashFieldLen  = 64
	maxPHCLen        = 256

	// maxRawPassword caps, in bytes, what is normalised at all. 256 characters of four bytes
	// fit in it four times, so no password within the policy is touched.
	maxRawPassword = 4096
)

// phcHash is a parsed PHC string.
type phcHash struct {
	HashParams
	salt, key []byte
}

func (p phcHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.MemoryKiB, p.Time, p.Threads, b64.EncodeToString(p.salt), b64.EncodeToString(p.key))
}

// parsePHC accepts exactly what phcHash.String writes, within the limits above, and nothing that
// merely looks like it: no other order, sign, leading zero, padding or line break.
func parsePHC(s string) (phcHash, error) {
	var p phcHash
	parts := strings.Split(s[:min(len(s), maxPHCLen+1)], "$")
	if len(s) > maxPHCLen || len(parts) != 6 {
		return phcHash{}, errMalformedHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Time, &p.Threads); err != nil {
		return phcHash{}, errMalformedHash
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return phcHash{}, errMalformedHash
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return phcHash{}, errMalformedHash
	}
	if !p.withinLimits() || len(p.salt) < minHashSaltLen || len(p.salt) > maxHashFieldLen ||
		len(p.key) < minHashKeyLen || len(p.key) > maxHashFieldLen {
		return phcHash{}, errMalformedHash
	}
	if p.String() != s { // the readers above are lenient; this is not
		return phcHash{}, errMalformedHash
	}
	return p, nil
}

func (p HashParams) withinLimits() bool {
	return p.Time >= 1 && p.Time <= maxHashTime && p.Threads >= 1 && p.Threads <= maxHashThreads &&
		p.MemoryKiB >= 8*uint32(p.Threads) && p.MemoryKiB <= maxHashMemoryKiB
}

// below says that one of the costs, or a length, is less than what is asked for now.
func (p phcHash) below(now HashParams) bool {
	return p.MemoryKiB < now.MemoryKiB || p.Time < now.Time || p.Threads < now.Threads ||
		len(p.salt) < hashSaltLen || len(p.key) < hashKeyLen
}

// preparePassword makes one password of every way to type it: OpaqueString of RFC 8265 §4.2, which
// normalises to NFC and makes every kind of space a plain one. It keeps case, and it refuses
// control characters, the empty string and what is not text.
func preparePassword(s string) (string, error) {
	if len(s) > maxRawPassword || !utf8.ValidString(s) {
		return "", errPasswordRefused
	}
	prepared, err := precis.OpaqueString.String(s)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errPasswordRefused, err)
	}
	return prepared, nil
}

// hasher hashes and verifies passwords, a few at a time. Each hash holds 19 MiB and a core for tens of
// milliseconds, and anybody may ask for one at the sign-in page: without a bound a flood of
// sign-ins takes the memory and the processor from everybody who is signed in already.
type hasher struct {
	params    HashParams
	wait      time.Duration
	slots     chan struct{} // one element for each running hash
	queue     chan struct{} // one element for each waiting caller
	nobody    phcHash
	refreshes refreshActivity
	derive    func(password, salt []byte, time, memory uint32, threads uint8, size uint32) []byte
}

// newHasher runs at most workers hashes at once; at most queue callers wait, each for at most wait,
// and in the order they came. It panics for parameters that it would refuse to read back.
func newHasher(p HashParams, workers, queue int, wait time.Duration) *hasher {
	if !p.withinLimits() || workers < 1 || queue < 0 {
		panic(fmt.Sprintf("auth: impossible hashing parameters %+v, %d workers, queue of %d", p, workers, queue))
	}
	return &hasher{
		params: p,
		wait:   wait,
		slots:  make(chan struct{}, workers),
		queue:  make(chan struct{}, queue),
		nobody: phcHash{HashParams: p, salt: make([]byte, hashSaltLen), key: make([]byte, hashKeyLen)},
		derive: argon2.IDKey,
	}
}

// Hash returns the PHC string of a password, with a salt of its own.
// Errors: errPasswordRefused, errHasherBusy, or the context's.
func (h *hasher) Hash(ctx context.Context, password string) (string, error) {
	prepared, err := preparePassword(password)
	if err != nil {
		return "", err
	}
	p := phcHash{HashParams: h.params, salt: make([]byte, hashSaltLen)}
	_, _ = rand.Read(p.salt) // never fails: crypto/rand ends the program instead
	if p.key, err = h.run(ctx, prepared, p, hashKeyLen); err != nil {
		return "", err
	}
	return p.String(), nil
}

// Verify says whether password made phc. stale says that it did, with parameters below today's:
// the caller, who has the password at hand only now, stores a new hash. A malformed phc is an
// error, and costs a hash all the same, so that its account does not stand out by its speed.
// Errors besides: errHasherBusy, or the context's.
func (h *hasher) Verify(ctx context.Context, phc, password string) (ok, stale bool, err error) {
	stored, parseErr := parsePHC(phc)
	if parseErr != nil {
		stored = h.nobody
	}
	ok, err = h.matches(ctx, stored, password)
	switch {
	case err != nil:
		return false, false, err
	case parseErr != nil:
		return false, false, parseErr
	}
	return ok, ok && stored.below(h.params), nil
}

// VerifyNobody takes the time of a Verify that fails, for an account that does not exist: the time of
// an answer must not tell which addresses have accounts. Errors as in Verify.
func (h *hasher) VerifyNobody(ctx context.Context, password string) error {
	_, err := h.matches(ctx, h.nobody, password)
	return err
}

func (h *hasher) matches(ctx context.Context, stored phcHash, password string) (bool, error) {
	prepared, refused := preparePassword(password)
	key, err := h.run(ctx, prepared, stored, uint32(len(stored.key)))
	if err != nil {
		return false, err
	}
	same := subtle.ConstantTimeCompare(key, stored.key) == 1
	return same && refused == nil, nil
}

// run derives a key once a slot is free. It is done in the caller's goroutine and cannot be
// interrupted, so a slot is held for exactly as long as the memory is.
func (h *hasher) run(ctx context.Context, prepared string, p phcHash, size uint32) ([]byte, error) {
	if err := h.acquire(ctx); err != nil {
		return nil, err
	}
	defer h.release()
	return h.derive([]byte(prepared), p.salt, p.Time, p.MemoryKiB, p.Threads, size), nil
}

// acquire takes a slot or says why not. A channel hands its room to the sender that has waited
// longest, so a newcomer on the short way cannot overtake the queue.
func (h *hasher) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return errHasherBusy
	}
	patience := time.NewTimer(h.wait)
	defer patience.Stop()
	select {
	case h.slots <- struct{}{}:
	case <-patience.C:
		return errHasherBusy
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil { // both were ready and select chose the slot
		<-h.slots
		return err
	}
	return nil
}
