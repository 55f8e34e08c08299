//go:build unix

package latchkey

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// send sends a request with a proof of the key (RFC 9449), and once more if the server wants its nonce in the proof.
func (c *Client) send(r *http.Request, k kept, access string) (*http.Response, error) {
	at := r.URL.Scheme + "://" + r.URL.Host
	for again := true; ; again = false {
		nonce, _ := c.nonces.Load(at)
		proof, err := prove(k.Key, r.Method, at+r.URL.EscapedPath(), nonce, access)
		if err != nil {
			return nil, err
		}
		sent := r.Clone(r.Context())
		sent.Header.Set("DPoP", proof)
		if access != "" {
			sent.Header.Set("Authorization", "DPoP "+access)
		}
		if r.GetBody != nil {
			if sent.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
		answer, err := c.client().Do(sent)
		if err != nil {
			return nil, err
		}
		if next := answer.Header.Get("DPoP-Nonce"); next != "" {
			c.nonces.Store(at, next)
		}
		if !again || !wantsNonce(answer) {
			return answer, nil
		}
		_ = answer.Body.Close()
	}
}

// post sends a form and reads the JSON of its answer.
func (c *Client) post(ctx context.Context, k kept, address string, form url.Values, into any) (status int, header http.Header, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := c.send(r, k, "")
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	err = json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(into) // fails on half an answer, and on the page of a proxy
	return answer.StatusCode, answer.Header, err
}

// wantsNonce reads the error of a refusal, and puts back what it has read.
func wantsNonce(answer *http.Response) bool {
	if answer.StatusCode != http.StatusBadRequest {
		return challenge(answer, "error") == "use_dpop_nonce"
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(text), answer.Body), answer.Body}
	var problem struct{ Error, Code string }
	return err == nil && json.Unmarshal(text, &problem) == nil && (problem.Error == "use_dpop_nonce" || problem.Code == "use_dpop_nonce")
}

// challenge is a parameter of the WWW-Authenticate of a 401 (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3).
func challenge(answer *http.Response, name string) string {
	if answer.StatusCode != http.StatusUnauthorized {
		return ""
	}
	found := regexp.MustCompile(`\b` + name + `="?([^",]*)`).FindStringSubmatch(strings.Join(answer.Header.Values("WWW-Authenticate"), ", "))
	if found == nil {
		return ""
	}
	return found[1]
}

// newKey makes the key that all tokens are bound to.
func newKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// readKey returns the key, and its public part as a JWK.
func readKey(pkcs8 []byte) (*ecdsa.PrivateKey, map[string]string, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, nil, errors.New("latchkey: there is no key")
	}
	point, err := key.PublicKey.Bytes() // 4, then x and y
	if err != nil {
		return nil, nil, err
	}
	return key, map[string]string{"kty": "EC", "crv": "P-256", "x": base64url(point[1:33]), "y": base64url(point[33:])}, nil
}

// thumbprintOf names a key (RFC 7638).
func thumbprintOf(pkcs8 []byte) (string, error) {
	_, jwk, err := readKey(pkcs8)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(jwk) // in alphabetical order
	return base64url(sum(string(text))), err
}

// prove makes a proof (RFC 9449 §4.2). Its nonce may be nil.
func prove(pkcs8 []byte, method, address string, nonce any, access string) (string, error) {
	key, jwk, err := readKey(pkcs8)
	if err != nil {
		return "", err
	}
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": time.Now().Unix()}
	if nonce != nil {
		claims["nonce"] = nonce
	}
	if access != "" {
		claims["ath"] = base64url(sum(access))
	}
	header, err := json.Marshal(map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk})
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	input := base64url(header) + "." + base64url(payload)
	r, s, err := ecdsa.Sign(rand.Reader, key, sum(input))
	if err != nil {
		return "", err
	}
	var signature [64]byte // as a JWS has it
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + base64url(signature[:]), nil
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func sum(text string) []byte {
	h := sha256.Sum256([]byte(text))
	return h[:]
}

func (c *Client) client() *http.Client {
	h := http.Client{Timeout: 30 * time.Second}
	if c.HTTP != nil {
		h = *c.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // which would take tokens elsewhere
	return &h
}
