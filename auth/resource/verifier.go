package resource

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/auth/dpop"
	"latchkey/auth/statuslist"
)

const (
	accessTokenType = "at+jwt" // RFC 9068 §2.1
	maxToken        = 8 << 10  // bytes
)

// Verifier checks access tokens without a call to the issuer for each: it fetches keys and status lists in the background. It is
// safe for concurrent use.
type Verifier struct {
	config      Config
	metadataURL string // of Metadata; empty without one
	background  context.Context
	stop        context.CancelFunc
	running     sync.WaitGroup
	keys        *poller[keySet]
	lists       atomic.Pointer[map[string]*poller[list]] // by URI; replaced, never changed
	listsMu     sync.Mutex                               // held to replace lists
	stopList    map[string]context.CancelFunc
	verified    *cache
	proofs      dpop.Seen
	nonces      *dpop.Nonces // nil: proofs need none
}

// New starts a verifier. It begins to fetch the issuer's keys and does not wait for them, so that servers can start in any order.
// It returns an error for an invalid configuration. Call Close when the verifier is no longer needed.
func New(c Config) (*Verifier, error) {
	c, err := c.filled()
	if err != nil {
		return nil, err
	}
	at, err := c.metadataAt()
	if err != nil {
		return nil, err
	}
	v := &Verifier{config: c, metadataURL: at, verified: newCache(c.CacheSize), stopList: map[string]context.CancelFunc{}}
	v.background, v.stop = context.WithCancel(context.Background())
	v.lists.Store(&map[string]*poller[list]{})
	if len(c.DPoP.NonceKey) > 0 {
		v.nonces = dpop.NewNonces(c.DPoP.NonceKey)
	}
	v.keys = startPoller(v.background, &v.running, &poller[keySet]{
		name: "keys of the issuer", now: c.Clock, log: c.Logger, fetch: v.fetchKeys, due: func(s *keySet) time.Time { return s.due },
	})
	return v, nil
}

// Close stops the background work and waits for its end. A closed verifier gets no new keys or revocations.
func (v *Verifier) Close() {
	v.listsMu.Lock() // no list begins after this
	v.stop()
	v.listsMu.Unlock()
	v.running.Wait()
}

// Verify checks an access token alone: typ, iss, aud, exp (RFC 9068 §4), its signature by a key of the issuer with that key's
// algorithm, and that it is not revoked. It does not check how the token was presented, or the proof for a bound token:
// Authenticate does. ctx bounds the wait for keys and lists that were not fetched yet. Verify returns ErrInvalidToken, ErrRevoked
// or ErrUnavailable.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	if len(token) > maxToken {
		return nil, invalid(fmt.Sprintf("it is longer than %d bytes", maxToken))
	}
	now := v.config.Clock()
	sum := hash(token)
	e := v.verified.get(sum)
	if e != nil && v.heldKey(e.key.id, now) != e.key { // withdrawn, or too old to use
		v.verified.drop(sum)
		e = nil
	}
	if e == nil {
		var err error
		if e, err = v.verify(ctx, token, now); err != nil {
			return nil, err
		}
		v.verified.put(sum, e)
	}
	if !now.Before(e.expires) {
		v.verified.drop(sum)
		return nil, invalid(reasonExpired)
	}
	if err := v.checkStatus(ctx, e, now); err != nil {
		return nil, err
	}
	claims := e.claims // a copy: the caller may change it
	return &claims, nil
}

// verify checks everything about a token that does not change until it expires.
func (v *Verifier) verify(ctx context.Context, token string, now time.Time) (*entry, error) {
	payload, k, err := v.verifyJWS(ctx, token, accessTokenType)
	if err != nil {
		return nil, err
	}
	c, err := readClaims(payload)
	if err != nil {
		return nil, invalid("its claims are not what they should be")
	}
	if err := v.judge(&c, now); err != nil {
		return nil, err
	}
	if !c.listed {
		c.Status = statuslist.Reference{}
	}
	return &entry{claims: c.Claims, key: k, expires: c.Expires.Add(v.config.Leeway)}, nil
}

// hash returns the SHA-256 of a token. The cache stores hashes, so that its memory contains no tokens.
func hash(token string) digest {
	const usual = 1 << 10 // zeroing a buffer for the longest token would cost as much as hashing a usual one
	if len(token) <= usual {
		var text [usual]byte
		return sha256.Sum256(text[:copy(text[:], token)])
	}
	var text [maxToken]byte
	return sha256.Sum256(text[:copy(text[:], token)])
}
