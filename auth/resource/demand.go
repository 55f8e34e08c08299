package resource

import (
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

// A Demand is what a route asks of how and when its caller proved who they are (RFC 9470): see ACR and MaxAge.
type Demand func(*demands)

type demands struct {
	acr     []string // one of these; empty: nothing is demanded
	maxAge  int64    // seconds
	limited bool     // maxAge is demanded
}

// ACR demands one of the given levels, in order of preference, usually TwoFactors. TwoFactors meets a demand for OneFactor, too;
// any other value only meets itself. A token without acr meets none. ACR panics without values, and for a value that is empty or
// holds anything but printable ASCII without space, quote and backslash: that is a mistake in the program.
func ACR(values ...string) Demand {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
	if len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return v == "" || strings.ContainsFunc(v, odd) }) {
		panic("resource: ACR needs values such as " + TwoFactors)
	}
	values = slices.Clone(values)
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
// with 401, insufficient_user_authentication and the demands (section 3). The app then lets the person confirm who they are, gets a
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

// Check judges the claims of a verified token by demands, for programs that do not use Require. It returns ErrInsufficient, which
// Refuse answers.
func (v *Verifier) Check(c *Claims, all ...Demand) error { return v.check(c, collect(all)) }

func collect(all []Demand) (d demands) {
	for _, add := range all {
		add(&d)
	}
	return d
}

func (v *Verifier) check(c *Claims, d demands) error {
	reason := ""
	switch {
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
	return &Error{Kind: ErrInsufficient, Reason: reason, scheme: scheme, demands: d}
}

func (d demands) takes(acr string) bool {
	return slices.Contains(d.acr, acr) || acr == TwoFactors && slices.Contains(d.acr, OneFactor)
}

// isRecent compares whole seconds, because auth_time has no others.
func (d demands) isRecent(proved, now time.Time, leeway time.Duration) bool {
	age, slack := now.Unix()-proved.Unix(), int64(leeway/time.Second)
	return !proved.IsZero() && age <= d.maxAge+slack && age >= -slack
}

// params returns the demands as auth-params of a challenge (RFC 9470 §3).
func (d demands) params() (text string) {
	if len(d.acr) > 0 {
		text += `, acr_values="` + strings.Join(d.acr, " ") + `"`
	}
	if d.limited {
		text += `, max_age="` + strconv.FormatInt(d.maxAge, 10) + `"`
	}
	return text
}
