package services_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"latchkey/auth/browser"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// TestSearchForWhatOutlivesEverythingSince plays random stories of sign-ins in every way, factors, trusted browsers and what waits to become a
// device, while the clock also steps back or stands still, and signs out a device and everything since: on the portal, confirmed and not, through
// the API, and by the link "This wasn't me". Apps also sign in again on their phones, and take the places of their earlier devices. After each act it holds:
//
//	(a) No device that signed in after X, in whatever way, outlives it, except the one that acts. By the link none does.
//	(b) No factor that was added after X outlives a confirmed act, recovery codes that an older factor confirmed included.
//	(c) What waited to become a device never does: second steps, codes, approvals. Nor does a browser stay trusted.
//	(d) Devices and factors from before X stay, and so do all factors without a confirmation.
//	(e) What was added after X never confirms that it goes.
//	(f) A sign-in takes the place and the name of one device where it proves to come from it, and of none otherwise. It counts as
//	    later than what signed in before it, however old its place is.
//
// Longer: go test ./auth/services -run WhatOutlives -rapid.checks=5000 -rapid.steps=80
func TestSearchForWhatOutlivesEverythingSince(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		checks := 30
		if store.Dialect() == "sqlite" {
			if _, err := store.Pools()[0].ExecContext(t.Context(), "PRAGMA synchronous = OFF"); err != nil { // power cuts are not in this story
				t.Fatal(err)
			}
		} else {
			checks = 8
		}
		b := newSinceBench(t, store)
		setFlag(t, "rapid.checks", bounded(checks, 1), true)
		setFlag(t, "rapid.steps", 30, false)
		defer b.report(time.Now())
		rapid.Check(t, func(rt *rapid.T) {
			w := b.world(rt)
			rt.Repeat(map[string]func(*rapid.T){"": func(*rapid.T) {}, "step": w.step})
			w.act("at the end")
		})
	})
}

// sinceDevice is a device in a story, and how to find out whether it is signed in.
type sinceDevice struct {
	id    uuid.UUID
	how   string
	order int
	key   browser.Key // of a browser
	token string      // the latest of an app; empty: a browser
	gone  bool

	// Of an app.
	client, name string
	phone        *sincePhone // that it named; nil: none
	bound        *prover     // the key that it is bound to; nil: none
	former       string      // the token before the latest
}

// sinceFactor is a factor in a story.
type sinceFactor struct {
	id      uuid.UUID // of recovery codes, the first one's
	kind    models.FactorKind
	order   int
	secret  string // of an authenticator app
	last    int64  // the step of its last code
	passkey holder
	codes   []string // that were not used
}

// waiting is what waits to become a device.
type waiting struct {
	what string
	take func() error
}

// sinceBench is what the stories of one database share: ada, and the clients.
type sinceBench struct {
	*visitor
	t    *testing.T
	keys []*prover // of the phones

	stories, steps, acts, ended, removed, refused int
	took, shared                                  int            // places, and sign-ins that proved one and were too many
	made                                          map[string]int // devices, by how they signed in
}

// sinceWorld is one story.
type sinceWorld struct {
	*sinceBench
	rt      *rapid.T
	order   int
	devices []*sinceDevice
	factors []*sinceFactor
	waits   []waiting
	trusted []string // secrets of cookies
	phones  []*sincePhone
}

func newSinceBench(t *testing.T, store *models.Store) *sinceBench {
	t.Helper()
	b := &sinceBench{visitor: newVisitor(t, store), t: t, made: map[string]int{}, keys: []*prover{newProver(t, 11), newProver(t, 12)}}
	b.registerTV(t)
	return b
}

// world begins a story: ada's account without anything but her password.
func (b *sinceBench) world(rt *rapid.T) *sinceWorld {
	b.stories++
	var statements []string
	for _, table := range []string{"devices", "factors", "trusted_browsers", "challenges", "device_codes", "consents", "one_time_tokens", "events", "known_places", "attempts"} {
		statements = append(statements, "DELETE FROM "+table)
	}
	(&forkBench{desk: b.desk, t: b.t}).exec(append(statements, "UPDATE users SET second_factor = false, locked_at = NULL")...)
	w := &sinceWorld{sinceBench: b, rt: rt, phones: b.newPhones()}
	b.advance(25 * time.Hour) // limits begin again
	if err := b.Keys.Load(b.t.Context()); err != nil {
		rt.Fatal(err)
	}
	w.signInBrowser()
	return w
}

// sincePauses are what passes between two steps: now and then nothing at all, or the clock is set back.
var sincePauses = slices.Concat(
	slices.Repeat([]time.Duration{0, time.Microsecond, time.Second, 31 * time.Second, 31 * time.Second, time.Minute}, 3),
	[]time.Duration{-time.Second, -time.Minute, -time.Hour, -time.Hour, 10 * time.Minute},
)

func (w *sinceWorld) step(rt *rapid.T) {
	w.rt = rt
	w.steps++
	w.advance(rapid.SampledFrom(sincePauses).Draw(rt, "pause"))
	pick(w, "what", sinceSteps)(w)
}

// pick draws one of a list.
func pick[T any](w *sinceWorld, what string, list []T) T {
	return list[rapid.IntRange(0, len(list)-1).Draw(w.rt, what)]
}

func (w *sinceWorld) next() int { w.order++; return w.order }

func (w *sinceWorld) add(d *sinceDevice) {
	d.order = w.next()
	w.devices = append(w.devices, d)
	w.made[d.how]++
}

// act signs a device out with everything since, and judges what is left.
func (w *sinceWorld) act(how string) {
	if len(w.devices) == 0 {
		return
	}
	x := pick(w, "the device", w.devices)
	factors := w.stored()
	known := slices.Clone(w.devices)
	keep, confirmed, err := w.ask(how, x)
	if err != nil {
		w.refused++
		w.same(factors, err)
		return
	}
	w.acts++
	for _, d := range known {
		alive := w.alive(d)
		switch {
		case d == keep:
			w.hold(alive, "the device that acts, %s, was signed out", d.how)
		case d.order >= x.order:
			if !d.gone {
				w.ended++
			}
			w.hold(!alive, "(a) %s, number %d, outlives number %d", d.how, d.order, x.order)
			d.gone = true
		default:
			w.hold(alive != d.gone, "(d) %s, number %d, from before number %d: alive %v, gone %v", d.how, d.order, x.order, alive, d.gone)
		}
	}
	for _, p := range w.waits {
		w.hold(p.take() != nil, "(c) %s became a device", p.what)
	}
	w.waits = nil
	browsers, err := w.store.TrustedBrowsers(w.t.Context(), w.ada.ID, w.now())
	w.hold(err == nil && len(browsers) == 0, "(c) %d browsers are trusted, %v", len(browsers), err)
	w.trusted = nil
	w.judgeFactors(x, confirmed)
	if len(w.devices) > 12 { // the story stays with the living
		w.devices = slices.DeleteFunc(w.devices, func(d *sinceDevice) bool { return d.gone })
	}
}

// judgeFactors compares the factors that are left with those that should be.
func (w *sinceWorld) judgeFactors(x *sinceDevice, confirmed bool) {
	left := w.stored()
	strong := slices.ContainsFunc(w.factors, func(f *sinceFactor) bool {
		return f.kind != models.FactorRecoveryCode && (!confirmed || f.order < x.order)
	})
	w.factors = slices.DeleteFunc(w.factors, func(f *sinceFactor) bool {
		goes := confirmed && (f.order >= x.order || f.kind == models.FactorRecoveryCode && !strong)
		if goes {
			w.removed++
		}
		_, stays := left[f.id]
		w.hold(stays != goes, "(b), (d) the %s, number %d, since number %d, confirmed %v: it stays %v", f.kind, f.order, x.order, confirmed, stays)
		return goes
	})
}

// same holds that a refused act has changed nothing.
func (w *sinceWorld) same(factors map[uuid.UUID]bool, refusal error) {
	w.hold(len(w.stored()) == len(factors), "an act that was refused (%v) removed factors", refusal)
	for _, d := range w.devices {
		w.hold(w.alive(d) != d.gone, "an act that was refused (%v) signed out %s", refusal, d.how)
	}
}

// stored are ada's factors in the database.
func (w *sinceWorld) stored() map[uuid.UUID]bool {
	ids := map[uuid.UUID]bool{}
	for _, f := range w.factorsOf(w.t) {
		ids[f.ID] = true
	}
	return ids
}

// alive finds out whether a device is signed in, by what it holds.
func (w *sinceWorld) alive(d *sinceDevice) bool {
	if d.token == "" {
		_, err := w.Browsers.Authenticate(w.t.Context(), d.key, w.laptop)
		return err == nil
	}
	_, err := w.refresh(d)
	return err == nil
}

// refresh lets an app refresh.
func (w *sinceWorld) refresh(d *sinceDevice) (token.Answer, error) {
	answer, err := w.Tokens.Refresh(w.t.Context(), token.RefreshRequest{Token: d.token, Proof: w.proofBy(d.bound), From: w.phone})
	if err == nil {
		d.former, d.token = d.token, answer.RefreshToken
	}
	return answer, err
}

func (w *sinceWorld) hold(kept bool, format string, args ...any) {
	if !kept {
		w.rt.Fatalf("broken: "+format, args...)
	}
}

// some returns a device that is signed in and fits, or nil.
func (w *sinceWorld) some(what string, fits func(*sinceDevice) bool) *sinceDevice {
	list := slices.DeleteFunc(slices.Clone(w.devices), func(d *sinceDevice) bool { return d.gone || !fits(d) })
	if len(list) == 0 {
		return nil
	}
	return pick(w, what, list)
}

// browserOf returns the session of a browser that is signed in.
func (w *sinceWorld) browserOf(d *sinceDevice) *browser.Session {
	by, err := w.Browsers.Authenticate(w.t.Context(), d.key, w.laptop)
	if err != nil {
		w.rt.Fatalf("%s, number %d, is out: %v", d.how, d.order, err)
	}
	by.Keep = func(renewed browser.Key) { d.key = renewed }
	return by
}

func (b *sinceBench) report(began time.Time) {
	var ways []string
	for how, n := range b.made {
		ways = append(ways, fmt.Sprintf("%s %d", how, n))
	}
	slices.Sort(ways)
	b.t.Logf("%s: %d stories, %d steps in %.1f s; devices: %s; %d acts, %d refused; they ended %d devices and removed %d factors; %d places taken, %d proved too often",
		b.store.Dialect(), b.stories, b.steps, time.Since(began).Seconds(), strings.Join(ways, ", "), b.acts, b.refused, b.ended, b.removed, b.took, b.shared)
	if !b.t.Failed() && b.stories > 100 && (len(b.made) < 12 || b.ended == 0 || b.removed == 0 || b.took == 0 || b.shared == 0) {
		b.t.Errorf("the stories lack something: %v, %d ended, %d removed, %d places taken, %d proved too often", b.made, b.ended, b.removed, b.took, b.shared)
	}
}

var errNothing = errors.New("there was nothing to do it with")
