package dpop

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

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
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
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
	ID          string   `json:"jti"`
	Method      string   `json:"htm"`
	URL         string   `json:"htu"`
	IssuedAt    *float64 `json:"iat"`
	AccessToken *string  `json:"ath"`
	Nonce       string   `json:"nonce"`
	jwt.RegisteredClaims
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
	var c claims
	jkt := ""
	parser := jwt.NewParser(jwt.WithValidMethods(Algs), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(text, &c, func(t *jwt.Token) (key any, err error) {
		key, jkt, err = headerKey(t)
		return key, err
	})
	switch {
	case err != nil:
		return Proof{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	case c.ID == "" || len(c.ID) > maxID:
		return Proof{}, invalid("jti is missing or longer than %d bytes", maxID)
	case c.Method != r.Method:
		return Proof{}, invalid("htm is not the request's method")
	case !sameURL(c.URL, r.URL):
		return Proof{}, invalid("htu is not the request's URL")
	case c.IssuedAt == nil:
		return Proof{}, invalid("iat is missing")
	}
	issued := time.UnixMilli(int64(max(min(*c.IssuedAt, 1e11), -1e11) * 1000))
	if issued.Before(now.Add(-maxPast)) || issued.After(now.Add(maxFuture)) {
		return Proof{}, invalid("iat is not now")
	}
	if r.AccessToken != "" {
		sum := sha256.Sum256([]byte(r.AccessToken))
		if c.AccessToken == nil || *c.AccessToken != base64.RawURLEncoding.EncodeToString(sum[:]) {
			return Proof{}, invalid("ath is not the access token's hash")
		}
	}
	return Proof{JKT: jkt, ID: c.ID, Nonce: c.Nonce, Ends: issued.Add(maxPast)}, nil
}

// headerKey reads the public key that a proof carries, once its header is what a proof's must be.
func headerKey(t *jwt.Token) (key any, jkt string, err error) {
	if typ, _ := t.Header["typ"].(string); !strings.EqualFold(typ, proofType) {
		return nil, "", invalid("typ is not %s", proofType)
	}
	if _, ok := t.Header["crit"]; ok {
		return nil, "", invalid("crit is not understood")
	}
	encoded, err := json.Marshal(t.Header["jwk"])
	if err != nil {
		return nil, "", invalid("jwk")
	}
	public, err := parseJWK(encoded, t.Method.Alg())
	if err != nil {
		return nil, "", err
	}
	jkt, err = keyring.Thumbprint(public)
	return public, jkt, err
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
