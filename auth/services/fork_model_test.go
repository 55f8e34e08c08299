package services_test

import (
	"time"

	"latchkey/models"
)

// forkRow is a device's row under the fork rule, as a pure function of what is presented to it: the rule a second
// time, in a few lines and without SQL. fork_search_test.go holds that models.RotateDevice does the same, step by step.
type forkRow struct {
	generation, base, floor, repeats int64
	maxRefreshes                     int64
	rotatedAt, lastSeen, expires     time.Time
	lastIP, jkt                      string
	revoked                          models.EndReason // why, or ""
}

// presented is how a token is presented, except its generation.
type presented struct {
	now          time.Time
	ip, jkt      string
	window, idle time.Duration
}

func newForkRow(now, expires time.Time, ip string, maxRefreshes int64) forkRow {
	return forkRow{generation: 1, floor: 1, maxRefreshes: maxRefreshes, rotatedAt: now, lastSeen: now, expires: expires, lastIP: ip}
}

// present applies the rule to generation g and changes the row. After the first four outcomes, r.generation is the generation of
// the response.
func (r *forkRow) present(g int64, p presented) models.Outcome {
	if refusal := r.refusal(g, p); refusal != 0 {
		return refusal
	}
	outcome := models.Forked
	switch {
	case g >= r.floor && g <= r.generation:
		outcome = models.Rotated
		r.base, r.generation = g, r.generation+1
		r.floor = r.generation
	case g > r.generation:
		outcome = models.Restored
		r.base, r.generation, r.floor = g, g+1, g+1
	case g != r.base:
		r.revoked = models.RevokedByReuse
		return models.Reused
	case r.jkt != "" || !r.rotatedAt.Before(p.now.Add(-p.window)) && r.lastIP == p.ip:
		r.repeats++
		r.lastSeen, r.lastIP = p.now, p.ip
		return models.Repeated
	default:
		r.generation++
	}
	r.repeats, r.rotatedAt, r.lastSeen, r.lastIP = 0, p.now, p.now, p.ip
	return outcome
}

// refusal returns why the device cannot be used, or 0.
func (r *forkRow) refusal(g int64, p presented) models.Outcome {
	switch {
	case r.revoked == models.RevokedByExpiry:
		return models.Expired
	case r.revoked == models.RevokedByIdleness:
		return models.Idle
	case r.revoked != "":
		return models.Revoked
	case !r.expires.After(p.now):
		return models.Expired
	case !r.lastSeen.After(p.now.Add(-p.idle)):
		return models.Idle
	case r.maxRefreshes > 0 && max(g, r.generation) > r.maxRefreshes:
		return models.RefreshLimit
	case r.jkt != "" && r.jkt != p.jkt:
		return models.Unbound
	}
	return 0
}

// retire does what the owner's next sign-in does to a device that is expired or idle.
func (r *forkRow) retire(now time.Time, idle time.Duration) {
	switch {
	case r.revoked != "":
	case !r.expires.After(now):
		r.revoked = models.RevokedByExpiry
	case !r.lastSeen.After(now.Add(-idle)):
		r.revoked = models.RevokedByIdleness
	}
}

// lineage is the family tree of a device's tokens. It states the promises of the rule without its three numbers: the tokens that
// were used form one chain, each a response to the one before, and everything off the chain is evidence of theft.
type lineage struct {
	parent map[int64]int64 // of every token answered, the token it answered
	used   map[int64]int64 // of every token that has a used child, that child
	tip    int64           // the token used last
	newest int64
	seen   time.Time // when a token was accepted last
	from   string    // and from where
	issued time.Time // when the last new token was answered
}

// honest reports whether g can still be the token of an honest client.
func (l *lineage) honest(g int64) bool {
	parent, known := l.parent[g]
	return g == l.tip || known && parent == l.tip || g > l.newest
}

// accepted records that next was the response to g, and returns another child of g's parent that was used, or -1.
func (l *lineage) accepted(g, next int64, now time.Time, from string) (rival int64) {
	rival = -1
	if parent, known := l.parent[g]; known {
		if other, ok := l.used[parent]; ok && other != g {
			rival = other
		}
		l.used[parent] = g
	}
	l.tip, l.newest, l.seen, l.from = g, max(l.newest, next), now, from
	if _, known := l.parent[next]; !known {
		l.parent[next], l.issued = g, now
	}
	return rival
}
