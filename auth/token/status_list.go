package token

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth"
	"latchkey/auth/keys"
	"latchkey/auth/statuslist"
)

// StatusList is a Status List Token as it is served.
type StatusList struct {
	Token  string
	ETag   string // of this very token, quoted (RFC 9110 §8.8.3)
	issued time.Time
}

var errNoList = &auth.Error{Kind: auth.KindNotFound, Message: "There is no such status list."}

// StatusList answers with the signed list of that number. It asks the database when the last look is older than a
// second, and returns KindUnavailable rather than a list that may lack a revocation of longer ago.
func (s *Service) StatusList(ctx context.Context, number string) (StatusList, error) {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != number || s.config.StatusTTL <= 0 {
		return StatusList{}, errNoList
	}
	if err := s.freshStatus(ctx); err != nil {
		return StatusList{}, fmt.Errorf("read revocations: %w", err)
	}
	key, err := s.keys.Current(ctx)
	if err != nil {
		return StatusList{}, err
	}
	b, now := &s.status, s.clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if n >= int64(len(b.lists)) {
		return StatusList{}, errNoList
	}
	l := b.lists[n]
	if l.signed == nil || !auth.Fresh(l.signed.issued, now, s.config.StatusTTL) {
		compressed, err := statuslist.Encode(l.bits)
		if err != nil {
			return StatusList{}, fmt.Errorf("encode status list: %w", err)
		}
		token, err := keys.Sign(key, statuslist.Type, s.statusClaims(s.statusURI(n), compressed, now))
		if err != nil {
			return StatusList{}, fmt.Errorf("sign status list: %w", err)
		}
		sum := sha256.Sum256([]byte(token))
		l.signed = &StatusList{Token: token, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, issued: now}
	}
	return *l.signed, nil
}

// statusClaims are what a Status List Token says (draft-ietf-oauth-status-list §5.1). After exp, when no access token
// older than the list lives any more, the list is worth nothing.
func (s *Service) statusClaims(uri, compressed string, now time.Time) *statuslist.Claims {
	c := &statuslist.Claims{TTL: int64(s.config.StatusTTL / time.Second)}
	c.Subject, c.IssuedAt = uri, jwt.NewNumericDate(now)
	c.ExpiresAt = jwt.NewNumericDate(now.Add(s.config.AccessTTL + 2*s.config.StatusTTL))
	c.StatusList.Bits, c.StatusList.List = 1, compressed
	return c
}

// freshStatus makes sure that the last look was less than StatusReadEvery ago. Of many that ask at once one looks.
func (s *Service) freshStatus(ctx context.Context) error {
	b := &s.status
	b.reading.Lock()
	defer b.reading.Unlock()
	if auth.Fresh(b.readAt, s.clock.Now(), StatusReadEvery) {
		return nil
	}
	return s.readStatus(ctx)
}

// KnownRevoked tells whether the status lists, as this process knows them, say that the token's device is revoked. It
// asks no database: what it knows is a second old at most, while the database answers.
func (s *Service) KnownRevoked(c *Claims) bool {
	if c.Status == nil {
		return false
	}
	r := c.Status.StatusList
	n, err := strconv.Atoi(r.URI[strings.LastIndexByte(r.URI, '/')+1:])
	if err != nil {
		return false
	}
	b := &s.status
	b.mu.RLock()
	defer b.mu.RUnlock()
	return n >= 0 && n < len(b.lists) && b.lists[n].bits.Get(r.Index)
}
