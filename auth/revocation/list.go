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

// StatusList is a signed Status List Token.
type StatusList struct {
	Token  string
	ETag   string // of this token, quoted (RFC 9110 §8.8.3)
	issued time.Time
}

var errNoList = &auth.Error{Kind: auth.KindNotFound, Message: "There is no such status list."}

// StatusList returns the signed list with the given number. It reads the database if the last read is more than a second old. It
// returns KindNotFound for an unknown number, and KindUnavailable rather than a list that may lack an older revocation.
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

// statusClaims returns the claims of a Status List Token (draft-ietf-oauth-status-list §5.1). By exp, all access tokens that are
// older than the list have expired.
func (s *Service) statusClaims(uri, compressed string, now time.Time) *statuslist.Claims {
	c := &statuslist.Claims{TTL: int64(s.config.StatusTTL / time.Second)}
	c.Subject, c.IssuedAt = uri, jwt.NewNumericDate(now)
	c.ExpiresAt = jwt.NewNumericDate(now.Add(s.config.AccessTTL + 2*s.config.StatusTTL))
	c.StatusList.Bits, c.StatusList.List = 1, compressed
	return c
}

// freshStatus makes sure that the last read is less than StatusReadEvery old. Of many concurrent callers, one reads.
func (s *Service) freshStatus(ctx context.Context) error {
	b := &s.status
	b.reading.Lock()
	defer b.reading.Unlock()
	if auth.Fresh(b.readAt, s.clock.Now(), StatusReadEvery) {
		return nil
	}
	return s.readStatus(ctx)
}

// KnownRevoked reports whether this process's status lists say that the token's device is revoked. It makes no query; while the
// database responds, the lists are a second old at most.
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
