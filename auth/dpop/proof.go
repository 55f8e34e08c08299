package dpop

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/jws"
	"latchkey/auth/keyring"
)

// Algs are the signature algorithms that a proof may use.
var Algs = []string{"ES256", "EdDSA"}

// MaxAge is how long after its iat a proof is good.
const MaxAge = 60 * time.Second

const (
	proofType = "dpop+jwt"
	maxProof  = 4 << 10 // bytes
	maxID     = 256     // bytes of a jti
	maxPast   = MaxAge
	maxFuture = 10 * time.Second // clocks of phones run ahead, too
)

// ErrInvalid says that a proof proves nothing (invalid_dpop_proof, RFC 9449 §12.2). What is wrong is wrapped.
var ErrInvalid = errors.New("invalid DPoP proof")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}

// Proof is a proof that was checked.
type Proof struct {
	JKT   string // RFC 7638 thumbprint of the key (RFC 9449 §6.1)
	ID    string // jti
	Nonce string // as the client sent it; may be empty
	Ends  time.Time
}

// Request is what a proof must have been made for.
type Request struct {
	Method      string
	URL         string // the public one: scheme, host and path
	AccessToken string // presented with the proof; empty at the token endpoint
}

type claims struct {
	id, method, url, accessToken, nonce string
	issuedAt                            time.Time
}

// Check checks the values of the request's DPoP header by RFC 9449 §4.3: exactly one, a JWT of the type dpop+jwt,
// signed under an allowed algorithm by the public key in its header, for this method, URL and access token, and just
// now. Whether it was seen before, and whether its nonce is ours, the caller asks Once and Nonces.
func Check(header []string, r Request, now time.Time) (Proof, error) {
	if len(header) != 1 {
		return Proof{}, invalid("%d DPoP headers, wanted 1", len(header))
	}
	text := header[0]
	if len(text) > maxProof {
		return Proof{}, invalid("longer than %d bytes", maxProof)
	}
	c, jkt, err := open(text)
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
	case c.issuedAt.Before(now.Add(-maxPast)) || c.issuedAt.After(now.Add(maxFuture)):
		return Proof{}, invalid("iat is not now")
	}
	if r.AccessToken != "" {
		sum := sha256.Sum256([]byte(r.AccessToken))
		if c.accessToken != jws.Base64.EncodeToString(sum[:]) {
			return Proof{}, invalid("ath is not the access token's hash")
		}
	}
	return Proof{JKT: jkt, ID: c.id, Nonce: c.nonce, Ends: c.issuedAt.Add(maxPast)}, nil
}

// open checks a proof's header and signature, and reads its claims.
func open(text string) (c claims, jkt string, err error) {
	j, err := jws.Split(text)
	if err != nil {
		return c, "", invalid("%w", err)
	}
	method := methods[j.Alg]
	switch {
	case method == nil:
		return c, "", invalid("alg is not allowed")
	case !strings.EqualFold(j.Type, proofType):
		return c, "", invalid("typ is not %s", proofType)
	}
	public, err := parseJWK(j.JWK, j.Alg)
	if err != nil {
		return c, "", err
	}
	if err := method.Verify(j.Signed, j.Signature, public); err != nil {
		return c, "", invalid("signature: %w", err)
	}
	if jkt, err = keyring.Thumbprint(public); err != nil {
		return c, "", invalid("jwk: %w", err)
	}
	payload, err := jws.Base64.DecodeString(j.Payload)
	if err != nil {
		return c, "", invalid("its payload is not base64url")
	}
	c, err = readClaims(payload)
	return c, jkt, err
}

// methods are those of Algs.
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

// sameURL compares by RFC 9449 §4.3 (9): without query and fragment, after normalisation by syntax and scheme (RFC
// 3986 §6.2.2, §6.2.3).
func sameURL(claimed, actual string) bool {
	a, err := url.Parse(claimed)
	if err != nil || a.User != nil || a.Opaque != "" || len(claimed) > 2048 {
		return false
	}
	b, err := url.Parse(actual)
	return err == nil && strings.EqualFold(a.Scheme, b.Scheme) && authority(a) == authority(b) && samePath(a, b)
}

func authority(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// samePath takes percent signs as what they stand for, but for the slash, which they make a part of a name.
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
