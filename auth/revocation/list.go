package revocation

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

// List is a signed Status List Token.
type List struct {
	Token  string
	ETag   string // of this token, quoted (RFC 9110 §8.8.3)
	issued time.Time
}

var errNoList = &auth.Error{Kind: auth.KindNotFound, Message: "There is no such status list."}

// List returns the signed list with the given number. It reads the database if the last read is more than a second old. It
// returns KindNotFound for an unknown number, and KindUnavailable rather than a list that may lack an older revocation.
func (s *Service) List(ctx context.Context, number string) (List, error) {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != number || s.config.TTL <= 0 {
		return List{}, errNoList
	}
	if err := s.fresh(ctx); err != nil {
		return List{}, fmt.Errorf("read revocations: %w", err)
	}
	key, err := s.keys.Current(ctx)
	if err != nil {
		return List{}, err
	}
	b, now := &s.board, s.clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if n >= int64(len(b.lists)) {
		return List{}, errNoList
	}
	l := b.lists[n]
	if l.signed == nil || !auth.Fresh(l.signed.issued, now, s.config.TTL) {
		compressed, err := statuslist.Encode(l.bits)
		if err != nil {
			return List{}, fmt.Errorf("encode status list: %w", err)
		}
		token, err := keys.Sign(key, statuslist.Type, s.claims(s.uri(n), compressed, now))
		if err != nil {
			return List{}, fmt.Errorf("sign status list: %w", err)
		}
		sum := sha256.Sum256([]byte(token))
		l.signed = &List{Token: token, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, issued: now}
	}
	return *l.signed, nil
}

// claims returns the claims of a Status List Token (draft-ietf-oauth-status-list §5.1). By exp, all access tokens that are
// older than the list have expired.
func (s *Service) claims(uri, compressed string, now time.Time) *statuslist.Claims {
	c := &statuslist.Claims{TTL: int64(s.config.TTL / time.Second)}
	c.Subject, c.IssuedAt = uri, jwt.NewNumericDate(now)
	c.ExpiresAt = jwt.NewNumericDate(now.Add(s.config.AccessTTL + 2*s.config.TTL))
	c.StatusList.Bits, c.StatusList.List = 1, compressed
	return c
}

// fresh makes sure that the last read is less than ReadEvery old. Of many concurrent callers, one reads. During a whole read, which can take
// seconds, lists that were completed at most two seconds ago will do.
func (s *Service) fresh(ctx context.Context) error {
	b := &s.board
	if !b.reading.TryLock() {
		if b.readingAll.Load() && auth.Fresh(time.UnixMicro(b.notedAt.Load()), s.clock.Now(), 2*ReadEvery) {
			return nil
		}
		b.reading.Lock()
	}
	defer b.reading.Unlock()
	if auth.Fresh(b.readAt, s.clock.Now(), ReadEvery) {
		return nil
	}
	return s.read(ctx)
}

// Known reports whether this process's status lists say that the device is revoked whose access token has this status claim, or nil. It makes no query; while the
// database responds, the lists are a second old at most.
func (s *Service) Known(claim *statuslist.Status) bool {
	if claim == nil {
		return false
	}
	r := claim.StatusList
	n, err := strconv.Atoi(r.URI[strings.LastIndexByte(r.URI, '/')+1:])
	if err != nil {
		return false
	}
	b := &s.board
	b.mu.RLock()
	defer b.mu.RUnlock()
	return n >= 0 && n < len(b.lists) && b.lists[n].bits.Get(r.Index)
}
