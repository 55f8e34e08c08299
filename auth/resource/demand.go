package resource

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The levels of assurance that Latchkey writes as acr.
const (
	OneFactor  = "aal1" // a password
	TwoFactors = "aal2" // a passkey, or a password with a second factor
)

// A Demand is what a route asks of a token that is valid: see Scope and, for how and when the person proved who they are (RFC 9470), ACR
// and MaxAge.
type Demand func(*demands)

type demands struct {
	scope   []string // all of these
	acr     []string // one of these; empty: nothing is demanded
	maxAge  int64    // seconds
	limited bool     // maxAge is demanded
}

// Scope demands that the token's scope claim names all of these (RFC 9068 §2.2.3). The issuer writes it for apps that were registered with
// scopes; a token without the claim is of a first-party app, and meets no such demand. Scope panics without values and for a value that is
// no scope (RFC 6749 §3.3).
func Scope(values ...string) Demand {
	values = checkedWords("Scope", "photos:read", values)
	return func(d *demands) { d.scope = values }
}

// checkedWords returns a copy of values that may stand in a challenge, quoted and with spaces between.
func checkedWords(of, example string, values []string) []string {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
	if len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return v == "" || strings.ContainsFunc(v, odd) }) {
		panic("resource: " + of + " needs values such as " + example)
	}
	return slices.Clone(values)
}

// ACR demands one of the given levels, in order of preference, usually TwoFactors. TwoFactors meets a demand for OneFactor, too;
// any other value only meets itself. A token without acr meets none. ACR panics without values, and for a value that is empty or
// holds anything but printable ASCII without space, quote and backslash: that is a mistake in the program.
func ACR(values ...string) Demand {
	values = checkedWords("ACR", TwoFactors, values)
	return func(d *demands) { d.acr = values }
}

// MaxAge demands that the person proved who they are at most this long ago: whole seconds, rounded down. Config.Leeway comes on
// top, so that MaxAge(0) takes a proof of right now. A token without auth_time, or with one that is ahead by more than the leeway,
// does not meet it. A refresh of the token does not help: only a new sign-in or confirmation does.
func MaxAge(age time.Duration) Demand {
	seconds := max(0, int64(age/time.Second))
	return func(d *demands) { d.maxAge, d.limited = seconds, true }
}

// Require is a middleware for the routes whose demands not every valid token meets (step-up authentication, RFC 9470). Around next
// it does all that Middleware does, or, within Middleware, goes by the claims that are there. It answers a token that falls short
// with 401, insufficient_user_authentication and the demands (section 3), or with 403, insufficient_scope and the scopes (RFC 6750 §3.1). In the first case the app lets the person confirm who they are, gets a
// new token, and repeats the request. Of two demands of the same kind the last one counts.
func (v *Verifier) Require(all ...Demand) func(next http.Handler) http.Handler {
	d := collect(all)
	return func(next http.Handler) http.Handler {
		judged := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claims, _ := ClaimsFrom(r.Context())
			if err := v.check(claims, d); err != nil {
				v.Refuse(w, err)
				return
			}
			next.ServeHTTP(w, r)
		})
		verified := v.Middleware(judged)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, ok := ClaimsFrom(r.Context()); ok {
				judged.ServeHTTP(w, r)
				return
			}
			verified.ServeHTTP(w, r)
		})
	}
}

// Check judges the claims of a verified token by demands, for programs that do not use Require. It returns ErrInsufficient or
// ErrScope, which Refuse answers.
func (v *Verifier) Check(c *Claims, all ...Demand) error { return v.check(c, collect(all)) }

func collect(all []Demand) (d demands) {
	for _, add := range all {
		add(&d)
	}
	return d
}

func (v *Verifier) check(c *Claims, d demands) error {
	kind, reason := ErrInsufficient, ""
	switch {
	case slices.ContainsFunc(d.scope, func(one string) bool { return !c.HasScope(one) }):
		kind, reason = ErrScope, "the token lacks a scope"
		d.acr, d.limited = nil, false
	case len(d.acr) > 0 && !d.takes(c.ACR()):
		reason = "a different authentication level is required"
	case d.limited && !d.isRecent(c.AuthTime(), v.config.Clock(), v.config.Leeway):
		reason = "more recent authentication is required"
	default:
		return nil
	}
	scheme := schemeBearer
	if c.JKT != "" {
		scheme = schemeDPoP
	}
	if errors.Is(kind, ErrInsufficient) {
		d.scope = nil // the token has it
	}
	return &Error{Kind: kind, Reason: reason, scheme: scheme, demands: d}
}

func (d demands) takes(acr string) bool {
	return slices.Contains(d.acr, acr) || acr == TwoFactors && slices.Contains(d.acr, OneFactor)
}

// isRecent compares whole seconds, because auth_time has no others.
func (d demands) isRecent(proved, now time.Time, leeway time.Duration) bool {
	age, slack := now.Unix()-proved.Unix(), int64(leeway/time.Second)
	return !proved.IsZero() && age <= d.maxAge+slack && age >= -slack
}

// params returns the demands as auth-params of a challenge (RFC 9470 §3, RFC 6750 §3).
func (d demands) params() (list []string) {
	if len(d.scope) > 0 {
		list = append(list, `scope="`+strings.Join(d.scope, " ")+`"`)
	}
	if len(d.acr) > 0 {
		list = append(list, `acr_values="`+strings.Join(d.acr, " ")+`"`)
	}
	if d.limited {
		list = append(list, `max_age="`+strconv.FormatInt(d.maxAge, 10)+`"`)
	}
	return list
}
