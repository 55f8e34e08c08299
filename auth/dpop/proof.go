package dpop

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/jws"
	"latchkey/auth/origin"
)

// Algs are the signature algorithms that a proof may use. The last two are names of the same one (RFC 9864).
var Algs = []string{"ES256", "EdDSA", "Ed25519"}

// MaxAge is how long a proof is valid after its iat.
const MaxAge = 60 * time.Second

const (
	proofType = "dpop+jwt"
	maxProof  = 4 << 10          // bytes
	maxID     = 256              // bytes of a jti
	maxFuture = 10 * time.Second // the clocks of phones can be fast
)

// ErrInvalid says that a proof is invalid (invalid_dpop_proof, RFC 9449 §12.2). It wraps the reason.
var ErrInvalid = errors.New("invalid DPoP proof")

// ErrNonce says that a proof has no nonce, or an old one, where it needs a recent one (use_dpop_nonce, RFC 9449 §8).
var ErrNonce = errors.New("DPoP proof without a recent nonce")

// ClockError is ErrInvalid for a proof that is valid except for its time.
type ClockError struct {
	Off time.Duration // iat minus the server's time, in whole seconds: positive if the device's clock is fast
}

func (e *ClockError) Error() string {
	if e.Off > 0 {
		return fmt.Sprintf("the clock of this device is %d s ahead", int64(e.Off/time.Second))
	}
	return fmt.Sprintf("the clock of this device is %d s behind, or the proof was kept for so long", int64(-e.Off/time.Second))
}

// Unwrap returns ErrInvalid.
func (e *ClockError) Unwrap() error { return ErrInvalid }

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}

// Proof is a proof that Check has checked.
type Proof struct {
	JKT     string // RFC 7638 thumbprint of the key (RFC 9449 §6.1)
	ID      string // jti
	ByNonce bool   // its age is that of its nonce, not of its iat
}

// Request is the request that a proof must have been made for.
type Request struct {
	Method      string
	URL         string // public: scheme, host and path
	AccessToken string // presented with the proof; empty at the token endpoint
	TokenInBody bool   // the access token is a parameter and does not authorise the request: ath may be missing

	Nonces        *Nonces // of this server; nil: the nonce of a proof is ignored
	NonceRequired bool
	MaxAge        time.Duration // of a proof without a nonce; 0: MaxAge
}

type claims struct {
	id, method, url, accessToken, nonce string
	issuedAt                            time.Time
}

// Check checks the values of a request's DPoP header (RFC 9449 §4.3). There must be exactly one: a JWT with typ dpop+jwt, recently
// signed with an allowed algorithm by the public key in its header, for this method, URL and access token. Check does not detect
// replays; Seen.Consume does.
//
// A proof with a nonce is as old as the nonce, and its iat is ignored, because the device's clock may be wrong. If iat counted as
// well, a proof made ahead of time would be valid once by its nonce and again by its iat. Check returns ErrNonce and ClockError
// last and together with the proof, which is valid otherwise.
func Check(header []string, r Request, now time.Time) (Proof, error) {
	if len(header) != 1 {
		return Proof{}, invalid("%d DPoP headers, wanted 1", len(header))
	}
	text := header[0]
	if len(text) > maxProof {
		return Proof{}, invalid("longer than %d bytes", maxProof)
	}
	c, jkt, err := verify(text)
	switch {
	case err != nil:
		return Proof{}, err
	case c.id == "" || len(c.id) > maxID:
		return Proof{}, invalid("jti is missing or longer than %d bytes", maxID)
	case c.method != r.Method:
		return Proof{}, invalid("htm is not the request's method")
	case !sameURL(c.url, r.URL):
		return Proof{}, invalid("htu is not the request's URL")
	case c.issuedAt.IsZero():
		return Proof{}, invalid("iat is missing")
	case r.AccessToken != "" && c.accessToken != tokenHash(r.AccessToken) && (c.accessToken != "" || !r.TokenInBody):
		return Proof{}, invalid("ath is not the access token's hash")
	}
	p := Proof{JKT: jkt, ID: c.id, ByNonce: r.Nonces != nil && c.nonce != ""}
	if p.ByNonce {
		if !r.Nonces.Good(c.nonce, now) {
			return p, ErrNonce
		}
		return p, nil
	}
	if r.NonceRequired {
		return p, ErrNonce
	}
	if c.issuedAt.Before(now.Add(-cmp.Or(r.MaxAge, MaxAge))) || c.issuedAt.After(now.Add(maxFuture)) {
		return p, &ClockError{Off: wholeSeconds(c.issuedAt.Sub(now))}
	}
	return p, nil
}

// tokenHash returns ath (RFC 9449 §4.2).
func tokenHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return jws.Base64.EncodeToString(sum[:])
}

// wholeSeconds rounds up, because clients omit the fraction from iat.
func wholeSeconds(d time.Duration) time.Duration {
	whole := d.Truncate(time.Second)
	if whole < d {
		whole += time.Second
	}
	return whole
}

// HasNonce reports whether a proof, valid or not, carries a nonce. Its client then uses the latest nonce that it gets.
func HasNonce(text string) bool {
	if len(text) > maxProof {
		return false
	}
	j, err := jws.Split(text)
	if err != nil {
		return false
	}
	payload, err := jws.Base64.DecodeString(j.Payload)
	if err != nil {
		return false
	}
	c, err := readClaims(payload)
	return err == nil && c.nonce != ""
}

// verify checks a proof's header and signature, and returns its claims and the thumbprint of its key.
func verify(text string) (c claims, jkt string, err error) {
	j, err := jws.Split(text)
	if err != nil {
		return c, "", invalid("%w", err)
	}
	method := methods[jws.Alg(j.Alg)]
	switch {
	case method == nil:
		return c, "", invalid("alg is not allowed")
	case !strings.EqualFold(j.Type, proofType):
		return c, "", invalid("typ is not %s", proofType)
	}
	public, err := parseJWK(j.JWK, jws.Alg(j.Alg))
	if err != nil {
		return c, "", err
	}
	if err := method.Verify(j.Signed, j.Signature, public); err != nil {
		return c, "", invalid("signature: %w", err)
	}
	if jkt, err = jws.Thumbprint(public); err != nil {
		return c, "", invalid("jwk: %w", err)
	}
	payload, err := jws.Base64.DecodeString(j.Payload)
	if err != nil {
		return c, "", invalid("its payload is not base64url")
	}
	c, err = readClaims(payload)
	return c, jkt, err
}

// methods maps the names that jws.Alg returns for Algs to their methods.
var methods = map[string]jwt.SigningMethod{"ES256": jwt.SigningMethodES256, "EdDSA": jwt.SigningMethodEdDSA}

func readClaims(payload []byte) (c claims, err error) {
	err = jws.Members(payload, func(name, value string) (err error) {
		switch name {
		case "jti":
			c.id, err = jws.Text(value)
		case "htm":
			c.method, err = jws.Text(value)
		case "htu":
			c.url, err = jws.Text(value)
		case "ath":
			c.accessToken, err = jws.Text(value)
		case "nonce":
			c.nonce, err = jws.Text(value)
		case "iat":
			c.issuedAt, err = jws.Time(value)
		}
		return err
	})
	if err != nil {
		return c, invalid("its claims are not what they should be")
	}
	return c, nil
}

// sameURL compares URLs by RFC 9449 §4.3 (9): without query and fragment, after syntax- and scheme-based normalisation (RFC 3986
// §6.2.2, §6.2.3).
func sameURL(claimed, actual string) bool {
	a, err := url.Parse(claimed)
	if err != nil || a.User != nil || a.Opaque != "" || len(claimed) > 2048 {
		return false
	}
	b, err := url.Parse(actual)
	return err == nil && origin.Of(a) == origin.Of(b) && samePath(a, b)
}

// samePath decodes percent-encoding before it compares, except of the slash, which would separate segments.
func samePath(a, b *url.URL) bool {
	x, y := a.EscapedPath(), b.EscapedPath()
	if x == "" {
		x = "/"
	}
	if y == "" {
		y = "/"
	}
	return x == y || a.Path == b.Path && !strings.Contains(strings.ToUpper(x+y), "%2F")
}
