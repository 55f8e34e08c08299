package services_test

import (
	"slices"

	"pgregory.net/rapid"

	"latchkey/auth/token"
	"latchkey/models"
)

// forkSteps are the possible steps; those that appear more often happen more often.
var forkSteps = slices.Concat(
	slices.Repeat([]func(*forkWorld, *rapid.T){(*forkWorld).clientRefreshes}, 14),
	slices.Repeat([]func(*forkWorld, *rapid.T){(*forkWorld).thiefActs}, 7),
	slices.Repeat([]func(*forkWorld, *rapid.T){(*forkWorld).copyLands}, 3),
	slices.Repeat([]func(*forkWorld, *rapid.T){(*forkWorld).newSignIn, (*forkWorld).theft}, 2),
	[]func(*forkWorld, *rapid.T){
		(*forkWorld).revocation, (*forkWorld).everythingSince,
		(*forkWorld).copyOfDatabase, (*forkWorld).restoreOfDatabase,
	},
)

// The fates of a client's request.
const (
	answered   = iota
	answerLost // the service did its work, and the client does not know
	requestLost
)

// clientRefreshes lets a device's client present its token. Without a response it keeps that token and presents it again in a later
// step: at once, after the window, or after days, from its network at that time.
func (w *forkWorld) clientRefreshes(rt *rapid.T) {
	d := w.some(rt, func(d *forkDevice) bool { return d.client != 0 })
	if d == nil {
		w.newSignIn(rt)
		return
	}
	ip := w.address(rt)
	fate := rapid.SampledFrom([]int{answered, answered, answered, answerLost, answerLost, requestLost}).Draw(rt, "fate")
	if rapid.IntRange(0, 4).Draw(rt, "copy") == 4 {
		w.stuck = append(w.stuck, copyOnTheWay{d, d.client, ip})
	}
	if fate == requestLost {
		return
	}
	answer := w.present(d, d.client, theClient, ip)
	switch {
	case fate == answerLost:
	case answer == 0:
		d.client = 0 // invalid_grant: it must sign in again
	default:
		d.client = answer
	}
}

// copyLands delivers a copy of an earlier request from the network. No client reads the response.
func (w *forkWorld) copyLands(rt *rapid.T) {
	if len(w.stuck) == 0 {
		w.clientRefreshes(rt)
		return
	}
	i := rapid.IntRange(0, len(w.stuck)-1).Draw(rt, "which copy")
	c := w.stuck[i]
	w.stuck = slices.Delete(w.stuck, i, i+1)
	w.present(c.d, c.g, aCopy, c.ip)
}

// theft copies a token that a client holds, or that is in transit.
func (w *forkWorld) theft(rt *rapid.T) {
	d, g := w.some(rt, func(d *forkDevice) bool { return d.client != 0 }), int64(0)
	if d != nil {
		g = d.client
	}
	if len(w.stuck) > 0 && rapid.Bool().Draw(rt, "from the wire") {
		c := rapid.SampledFrom(w.stuck).Draw(rt, "which copy")
		d, g = c.d, c.g
	}
	if d != nil {
		w.thefts++
		d.thieves = append(d.thieves, g)
	}
}

// thiefActs lets a thief present a token, from his own network or from his victim's. He may lose responses, too.
func (w *forkWorld) thiefActs(rt *rapid.T) {
	d := w.some(rt, func(d *forkDevice) bool { return len(d.thieves) > 0 })
	if d == nil {
		w.clientRefreshes(rt)
		return
	}
	i := rapid.IntRange(0, len(d.thieves)-1).Draw(rt, "which thief")
	answer := w.present(d, d.thieves[i], aThief, w.address(rt))
	if answer != 0 && rapid.IntRange(0, 3).Draw(rt, "answer lost") < 3 {
		d.thieves[i] = answer
	}
}

func (w *forkWorld) newSignIn(rt *rapid.T) {
	if len(w.devices) >= 6 { // one that is over is forgotten: the story stays with the living
		i := slices.IndexFunc(w.devices, func(d *forkDevice) bool { return d.row == nil || d.row.revoked != "" })
		if i < 0 {
			return
		}
		gone := w.devices[i]
		w.devices = slices.Delete(w.devices, i, i+1)
		w.stuck = slices.DeleteFunc(w.stuck, func(c copyOnTheWay) bool { return c.d == gone })
	}
	w.signIn(rapid.IntRange(0, 1).Draw(rt, "user"), w.address(rt), rapid.IntRange(0, 4).Draw(rt, "bound") == 4)
}

func (w *forkWorld) revocation(rt *rapid.T) {
	how := rapid.SampledFrom([]string{"portal", "portal", "RFC 7009", "itself", "others", "password", "reset", "disable", "operator"}).Draw(rt, "how")
	d := rapid.SampledFrom(w.devices).Draw(rt, "device")
	if err := forkRevocations[how](w, d); err != nil {
		rt.Fatalf("%s: %v", how, err)
	}
	w.checkAll()
}

func (w *forkWorld) copyOfDatabase(*rapid.T) { w.keepCopy() }

func (w *forkWorld) restoreOfDatabase(rt *rapid.T) {
	if w.older == nil {
		w.clientRefreshes(rt)
		return
	}
	w.restore()
	w.checkAll()
}

// some returns a matching device, seldom one that is signed out.
func (w *forkWorld) some(rt *rapid.T, fits func(*forkDevice) bool) *forkDevice {
	var list, living []*forkDevice
	for _, d := range w.devices {
		if !fits(d) {
			continue
		}
		list = append(list, d)
		if d.row != nil && d.row.revoked == "" {
			living = append(living, d)
		}
	}
	if len(living) > 0 && rapid.IntRange(0, 7).Draw(rt, "out as well") != 7 {
		list = living
	}
	if len(list) == 0 {
		return nil
	}
	return rapid.SampledFrom(list).Draw(rt, "device")
}

func (w *forkWorld) address(rt *rapid.T) string {
	return rapid.SampledFrom([]string{forkHome, forkHome, forkHome, forkAway}).Draw(rt, "from")
}

// checkAll checks that no other device was changed.
func (w *forkWorld) checkAll() {
	for _, d := range w.devices {
		w.check(d)
	}
}

// checkEvents counts the events of the sequence.
func (w *forkWorld) checkEvents() {
	got := map[models.EventKind]int{}
	for _, email := range w.emails {
		user, err := w.Operator.FindUser(w.t.Context(), email)
		if err != nil {
			w.rt.Fatalf("find user: %v", err)
		}
		list, err := w.store.Events(w.t.Context(), user.ID, models.EventCursor{}, 10_000)
		if err != nil {
			w.rt.Fatalf("events: %v", err)
		}
		for _, e := range list {
			kind := e.Kind
			if e.Detail == token.ForkWarnDetail {
				kind += models.EventKind(" " + e.Detail)
			}
			got[kind]++
		}
	}
	for _, kind := range []models.EventKind{models.EventDeviceForked, models.EventDeviceForked + " " + token.ForkWarnDetail, models.EventDeviceReused, models.EventDeviceRestored} {
		w.promise(got[kind] == w.events[kind], "(e) the model agrees on the events", "%d events %q, the model says %d", got[kind], kind, w.events[kind])
	}
}

var forkOutcomes = map[models.Outcome]string{
	models.Rotated: "rotated", models.Repeated: "repeated", models.Forked: "forked", models.Restored: "restored", models.Reused: "reused",
	models.Revoked: "revoked", models.Expired: "expired", models.Idle: "idle", models.RefreshLimit: "refresh limit", models.Unknown: "unknown", models.Unbound: "unbound",
}
