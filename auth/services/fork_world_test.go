package services_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/auth"
	"latchkey/auth/devicetoken"
	"latchkey/auth/token"
	"latchkey/models"
)

const (
	forkHome = "192.0.2.1"
	forkAway = "198.51.100.7"
)

// forkDevice is a device with everything that the search knows about it.
type forkDevice struct {
	user   int
	order  int // of the sign-ins in the story
	key    models.DeviceKey
	secret [devicetoken.SecretSize]byte
	forkPast
	bound    bool
	signedIn time.Time
	client   int64 // the token that its one honest client holds; 0 once it was told to sign in again
	reached  int64 // the newest token of the client that the service accepted
	thieves  []int64
	robbed   bool // a thief's token was judged
	late     bool // a copy of the client's request found it gone on
}

// forkPast is the state that a restore of the database brings back.
type forkPast struct {
	row    *forkRow // nil before the sign-in
	line   lineage
	signed bool // out, and that was acknowledged
	caught bool // ended by the rule
}

func (p forkPast) clone() forkPast {
	if p.row != nil {
		row := *p.row
		p.row = &row
	}
	p.line.parent, p.line.used = maps.Clone(p.line.parent), maps.Clone(p.line.used)
	return p
}

// copyOnTheWay is a copy of an honest request that the network still holds.
type copyOnTheWay struct {
	d  *forkDevice
	g  int64
	ip string
}

// forkWorld is one sequence: two users, their devices, and what is on the way.
type forkWorld struct {
	*forkBench
	rt      *rapid.T
	devices []*forkDevice
	signIns int // so far
	stuck   []copyOnTheWay
	older   map[*forkDevice]forkPast // nil: no copy of the database was kept yet
	events  map[models.EventKind]int
	broken  []string
}

type forkParty int

const (
	theClient forkParty = iota
	aCopy
	aThief
)

// promise records a broken promise.
func (w *forkWorld) promise(kept bool, property, format string, args ...any) {
	if !kept {
		w.broken = append(w.broken, property+": "+fmt.Sprintf(format, args...))
	}
}

// present presents generation g of d, to the service and to the model, and holds every promise to what came of it.
// The answer is 0 after a refusal.
func (w *forkWorld) present(d *forkDevice, g int64, by forkParty, ip string) (answer int64) {
	now := w.now()
	var key *prover
	switch {
	case d.bound && by != aThief:
		key = w.owners
	case d.bound && rapid.Bool().Draw(w.rt, "with a key of his own"):
		key = w.thiefs // a thief copies tokens, not keys
	}
	p := presented{now: now, ip: ip, jkt: key.jkt(), window: w.config.RetryWindow, idle: w.config.DeviceIdle}
	var before forkRow
	honest, want := d.line.honest(g), models.Unknown
	usable := false
	if d.row != nil {
		before = *d.row
		usable = before.refusal(g, p) == 0
		want = d.row.present(g, p)
	}
	answer, reason := w.ask(d, g, ip, key)
	w.outcomes[want]++

	// (e) The service and the model agree, on the answer and on the row.
	wanted, wantedReason := int64(0), token.RefusalReason(want)
	switch {
	case wantedReason == "":
		wanted = d.row.generation
	case want == models.Unbound && key == nil:
		wantedReason = noProof
	}
	w.promise(answer == wanted && reason == wantedReason, "(e) the model agrees on the answer", "generation %d of %+v: answered %d %q, the model says %d %q", g, before, answer, reason, wanted, wantedReason)

	if answer != 0 {
		retry := g == d.line.tip && (d.bound || ip == d.line.from && !now.After(d.line.issued.Add(w.config.RetryWindow)))
		_, again := d.line.parent[answer]
		w.promise(again == retry, "(g) only a retry is given the same answer", "generation %d was answered with %d; given before: %v; a retry: %v", g, answer, again, retry)
		rival := d.line.accepted(g, answer, now, ip)
		w.promise(rival < 0, "(d) one child kills its siblings", "generation %d was accepted after its sibling %d", g, rival)
		w.promise(!d.signed, "(c) revoked is revoked", "generation %d was answered with %d after the revocation was acknowledged", g, answer)
		w.promise(honest && !d.caught, "(b) the second party is found", "generation %d was accepted, off the chain of what was used, or after a theft was found", g)
	} else if usable {
		w.promise(honest == (reason != token.ReasonReused), "(b) the second party is found", "generation %d was refused as %q; still honest: %v", g, reason, honest)
	}
	switch {
	case answer == 0 && by == theClient:
		w.promise(w.excused(d), "(a) honest clients are kept", "generation %d of %+v was refused as %q", g, before, reason)
	case reason == token.ReasonReused && by == aCopy && g >= d.reached && !d.robbed:
		w.promise(false, "(a) honest clients are kept", "a late copy of generation %d signed out a client that never went beyond it", g)
	}
	w.promise(!d.bound || by != aThief || answer == 0 && reason != token.ReasonReused, "(f) a bound token is nothing without its key", "generation %d got %d %q", g, answer, reason)
	w.follow(d, g, by, answer, reason, honest)
	w.noteEvent(d, want)
	w.check(d)
	return answer
}

// excused reports whether the history of its device is a reason for an honest client to sign in again.
func (w *forkWorld) excused(d *forkDevice) bool {
	now := w.now()
	return d.row == nil || d.signed || d.robbed || d.late ||
		!now.Before(d.signedIn.Add(w.config.DeviceLifetime)) || !now.Before(d.line.seen.Add(w.config.DeviceIdle)) ||
		w.config.MaxRefreshes > 0 && max(d.line.newest, d.client) > w.config.MaxRefreshes
}

// follow keeps the story of a device.
func (w *forkWorld) follow(d *forkDevice, g int64, by forkParty, answer int64, reason string, honest bool) {
	d.caught = d.caught || reason == token.ReasonReused
	switch {
	case by == aThief:
		if answer != 0 || reason == token.ReasonReused {
			d.robbed = true
		}
	case answer != 0:
		d.reached = max(d.reached, g)
	case by == aCopy && reason == token.ReasonReused:
		d.late = true
		if !d.robbed {
			w.lates++
		}
	}
	if reason == token.ReasonReused && (d.robbed || by == aThief) {
		w.found++
	}
	if honest && by == aThief && answer != 0 {
		w.robberies++
	}
}

const noProof = "no proof"

// ask presents a token to the service, with a proof if there is a key.
func (w *forkWorld) ask(d *forkDevice, g int64, ip string, key *prover) (answer int64, reason string) {
	text := w.codec.Mint(devicetoken.Token{UserID: d.key.UserID, DeviceID: d.key.ID, Generation: g, Secret: d.secret})
	got, err := w.Tokens.Refresh(w.t.Context(), token.RefreshRequest{Token: text, Proof: key.proof(w.forkBench), From: at(ip)})
	if err != nil {
		refusal := auth.AsError(err)
		switch refusal.Kind {
		case auth.KindInvalidGrant:
			return 0, refusal.Reason
		case auth.KindInvalidProof:
			return 0, noProof
		}
		return 0, err.Error()
	}
	next, err := w.codec.Parse(got.RefreshToken)
	if err != nil || next.UserID != d.key.UserID || next.DeviceID != d.key.ID || next.Secret != d.secret {
		w.rt.Fatalf("the answer holds another device's token: %+v, %v", next, err)
	}
	return next.Generation, ""
}

// check compares the row with the model's.
func (w *forkWorld) check(d *forkDevice) {
	got, err := w.store.Device(w.t.Context(), d.key.UserID, d.key.ID)
	if d.row == nil {
		w.promise(auth.AsError(err).Kind == auth.KindNotFound, "(e) the model agrees on the row", "a device that the copy did not hold: %+v, %v", got, err)
		return
	}
	if err != nil {
		w.rt.Fatalf("read device: %v", err)
	}
	row := forkRow{
		generation: got.Generation, base: got.Base, floor: got.Floor, repeats: got.Repeats, maxRefreshes: got.MaxRefreshes,
		rotatedAt: got.RotatedAt, lastSeen: got.LastSeenAt, expires: got.ExpiresAt, lastIP: got.LastIP, jkt: got.JKT, revoked: got.RevokeReason,
	}
	w.promise(row == *d.row && (got.RevokedAt != nil) == (row.revoked != ""), "(e) the model agrees on the row", "the row is %+v, the model's %+v", row, *d.row)
}

var forkEvents = map[models.Outcome]models.EventKind{
	models.Forked: models.EventDeviceForked, models.Reused: models.EventDeviceReused, models.Restored: models.EventDeviceRestored,
}

func (w *forkWorld) noteEvent(d *forkDevice, o models.Outcome) {
	kind := forkEvents[o]
	if kind == "" {
		return
	}
	switch children := d.row.generation - d.row.floor + 1; {
	case o == models.Forked && children > token.ForkWarnAt:
		return // later children of one base are not recorded
	case o == models.Forked && children == token.ForkWarnAt:
		kind += " " + token.ForkWarnDetail
	}
	w.events[kind]++
}

// forkBench is what the sequences of one database share.
type forkBench struct {
	*desk
	keysAt    time.Time // when the signing keys were read last
	t         *testing.T
	emails    [2]string
	passwords [2]string
	renewals  int // of passwords
	owners    *prover
	thiefs    *prover

	sequences, steps                int
	thefts, robberies, found, lates int
	sinces, ended                   int // acts "everything since", and the devices that they signed out
	outcomes                        map[models.Outcome]int
	firstBroken                     string
}
