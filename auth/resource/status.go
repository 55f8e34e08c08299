package resource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"time"

	"latchkey/auth/jws"
	"latchkey/auth/origin"
	"latchkey/auth/statuslist"
)

// maxLists is how many status lists are kept. A new one replaces the one that was unused for the longest time.
const maxLists = 64

const (
	defaultTTL = time.Minute
	maxSetBack = time.Minute // of iat from one list to the next: the clocks of the issuer's replicas differ by some seconds
)

// list is a status list whose signature is valid.
type list struct {
	bits    statuslist.Bits
	issued  time.Time
	asked   time.Time
	due     time.Time
	expires time.Time // when it must no longer be used
}

// over reports whether a list is too old to use, or may be, because the clock was ahead when it was fetched.
func (l *list) over(now time.Time) bool {
	return now.After(l.expires) || l.asked.After(now.Add(maxSetBack))
}

// mayFetchStatus reports whether a list may be fetched from a URI that a token names: only from StatusOrigin. Otherwise a token
// could make this server send requests into its own network.
func (v *Verifier) mayFetchStatus(uri string) bool {
	if _, known := (*v.lists.Load())[uri]; known {
		return true
	}
	u, err := url.Parse(uri)
	return err == nil && len(uri) <= 1024 && u.User == nil && u.Fragment == "" && u.Opaque == "" && origin.Of(u) == v.config.StatusOrigin
}

// statusList returns the poller of the list with a URI that may be fetched, or nil after Close.
func (v *Verifier) statusList(uri string) *poller[list] {
	if k := (*v.lists.Load())[uri]; k != nil {
		return k
	}
	v.listsMu.Lock()
	defer v.listsMu.Unlock()
	held := *v.lists.Load()
	if k := held[uri]; k != nil {
		return k
	}
	if v.background.Err() != nil {
		return nil
	}
	next := maps.Clone(held)
	if len(next) >= maxLists {
		oldest := ""
		for uri, k := range next {
			if oldest == "" || k.used.Load() < next[oldest].used.Load() {
				oldest = uri
			}
		}
		v.stopList[oldest]()
		delete(v.stopList, oldest)
		delete(next, oldest)
	}
	ctx, stop := context.WithCancel(v.background)
	v.stopList[uri] = stop
	next[uri] = startPoller(ctx, &v.running, &poller[list]{
		name: "status list " + uri, now: v.config.Clock, log: v.config.Logger, due: func(l *list) time.Time { return l.due },
		fetch: func(ctx context.Context, old *list) (*list, error) { return v.fetchList(ctx, uri, old) },
	})
	v.lists.Store(&next)
	return next[uri]
}

// checkStatus checks an entry against the list that its token names. It reads the list from memory, and waits only for the first
// list or if the list is too stale.
func (v *Verifier) checkStatus(ctx context.Context, e *entry, now time.Time) error {
	ref := e.claims.Status
	if ref.URI == "" {
		return nil
	}
	polled := e.list.Load()
	if polled == nil || polled.gone.Load() {
		if polled = v.statusList(ref.URI); polled == nil {
			return unavailable("the verifier is closed", nil)
		}
		e.list.Store(polled)
	}
	polled.use(now)
	l := polled.value.Load()
	if l == nil || l.over(now) {
		polled.await(ctx)
		l = polled.value.Load()
	}
	if l == nil {
		return v.unknownStatus("the status of the token cannot be fetched")
	}
	if l.bits.Get(ref.Index) { // applies to a stale list too: a revoked token stays revoked
		if ref.Index >= l.bits.Len() {
			return invalid("its status is not in the list that it names")
		}
		return &Error{Kind: ErrRevoked, Reason: "it was revoked"}
	}
	polled.nudge(l.due, now)
	if l.over(now) {
		return v.unknownStatus("the status of the token is too old")
	}
	return nil
}

func (v *Verifier) unknownStatus(reason string) error {
	if v.config.FailOpen {
		return nil
	}
	return unavailable(reason, nil)
}

func (v *Verifier) fetchList(ctx context.Context, uri string, old *list) (*list, error) {
	most := int64(v.config.MaxStatusBytes)
	asked := v.config.Clock()                                        // the age counts from here: the list may lack revocations during the fetch
	text, err := v.get(ctx, uri, statuslist.MediaType, most*2+8<<10) // base64 twice, and the claims
	if err != nil {
		return nil, err
	}
	payload, _, err := v.verifyJWS(ctx, string(text), statuslist.Type)
	if err != nil {
		return nil, err
	}
	c, err := readList(payload)
	if err != nil {
		return nil, fmt.Errorf("status list: %w", err)
	}
	now := v.config.Clock()
	switch {
	case c.subject != uri:
		return nil, errors.New("status list: sub is not its URI")
	case c.issuer != "" && !origin.Same(c.issuer, v.config.Issuer):
		return nil, errors.New("status list: of another issuer")
	case c.bits != 1:
		return nil, errors.New("status list: not of one bit for each token")
	case c.issued.IsZero() || c.issued.After(now.Add(v.config.Leeway)):
		return nil, errors.New("status list: iat is missing or in the future")
	case !c.expires.IsZero() && !now.Before(c.expires.Add(v.config.Leeway)):
		return nil, errors.New("status list: expired")
	case old != nil && !old.over(now) && c.issued.Before(old.issued.Add(-maxSetBack)):
		return nil, errors.New("status list: older than the one that is held")
	}
	bits, err := statuslist.Decode(c.lst, v.config.MaxStatusBytes)
	if err != nil {
		return nil, err
	}
	return v.newList(bits, c, asked), nil
}

// newList sets a list's times, from its ttl unless StatusRefresh is shorter, and from its exp.
func (v *Verifier) newList(bits statuslist.Bits, c listClaims, asked time.Time) *list {
	wait := cmp.Or(c.ttl, defaultTTL)
	if v.config.StatusRefresh > 0 {
		wait = min(wait, v.config.StatusRefresh)
	}
	life := v.config.MaxStaleness
	if !c.expires.IsZero() {
		life = min(life, c.expires.Add(v.config.Leeway).Sub(asked))
	}
	wait = max(min(wait, life*9/10), time.Second) // the next list should arrive before this one expires
	return &list{bits: bits, issued: c.issued, asked: asked, due: asked.Add(wait), expires: asked.Add(life)}
}

// listClaims are the claims of a list's JWT (draft-ietf-oauth-status-list §5.1).
type listClaims struct {
	issuer, subject, lst string
	issued, expires      time.Time
	ttl                  time.Duration
	bits                 int
}

func readList(payload []byte) (c listClaims, err error) {
	err = jws.Members(payload, func(name, value string) (err error) {
		switch name {
		case "iss":
			c.issuer, err = jws.Text(value)
		case "sub":
			c.subject, err = jws.Text(value)
		case "iat":
			c.issued, err = jws.Time(value)
		case "exp":
			c.expires, err = jws.Time(value)
		case "ttl":
			c.ttl, err = readTTL(value)
		case "status_list":
			err = jws.Walk(value, func(name, value string) (err error) {
				switch name {
				case "bits":
					c.bits, err = strconv.Atoi(value)
				case "lst":
					c.lst, err = jws.Text(value)
				}
				return err
			})
		}
		return err
	})
	return c, err
}

// readTTL parses a positive number of seconds. It returns a year at most.
func readTTL(value string) (time.Duration, error) {
	const year = 365 * 24 * 3600
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil || !(seconds > 0) {
		return 0, jws.ErrJSON
	}
	return time.Duration(min(seconds, year) * float64(time.Second)), nil
}
