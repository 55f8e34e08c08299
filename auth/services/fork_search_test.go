package services_test

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// TestSearchForAHoleInTheForkRule plays random stories of honest clients, late copies, thieves, owners and restored
// databases against the real service, and holds these promises at every step:
//
//	(a) An honest client with one writer is never refused, unless its device was signed out, is past its life, idle or out
//	    of refreshes, a thief used it, a copy of an older request of its own landed after it had used the successor, or the
//	    database went back to before its sign-in.
//	(b) The tokens used form one chain, each an answer to the one before. A client that presents one that is neither the last
//	    used nor an answer to it, be it the base of others, a dead sibling or its descendant, ends the device at that presentation.
//	(c) After an acknowledged revocation nothing succeeds, unless the database is restored from an older copy.
//	(d) Of the children of one token at most one is ever accepted.
//	(e) Answers, rows and events are the model's.
//	(f) The token of a device that is bound to a key does nothing without the key, neither good nor harm.
//	(g) The same answer is given again to a retry within the window from the same address, and to the holder of the
//	    key, and to no other client: two parties who share every answer could never be told apart.
//	(h) No device that signed in after X outlives "X and everything since", except the one that acts, and no other ends.
//
// Longer: go test ./auth/services -run ForAHole -rapid.checks=20000 -rapid.steps=100
func TestSearchForAHoleInTheForkRule(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		checks, steps := 200, 50
		if store.Dialect() == "sqlite" {
			b := newForkBench(t, store)
			if _, err := store.Pools()[0].ExecContext(t.Context(), "PRAGMA synchronous = OFF"); err != nil { // power cuts are not in this story
				t.Fatal(err)
			}
			b.search(bounded(checks, 1), steps)
			return
		}
		newForkBench(t, store).search(bounded(checks/5, 10), steps)
	})
}

// bounded returns how many sequences to play: n, or a share of what the command line asks for.
func bounded(n, share int) int {
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "rapid.checks" {
			n, _ = strconv.Atoi(f.Value.String())
			n = max(n/share, 1)
		}
	})
	return n // with -short rapid plays a fifth of it
}

// setFlag sets a flag of rapid for this test, unless the command line did.
func setFlag(t *testing.T, name string, value int, always bool) {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given && !always {
		return
	}
	was := flag.Lookup(name).Value.String()
	if err := flag.Lookup(name).Value.Set(strconv.Itoa(value)); err != nil { // unlike flag.Set, this does not make it given
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Lookup(name).Value.Set(was) })
}

func newForkBench(t *testing.T, store *models.Store) *forkBench {
	t.Helper()
	b := &forkBench{desk: newDesk(t, store), t: t, outcomes: map[models.Outcome]int{}, owners: newProver(t, 1), thiefs: newProver(t, 2)}
	for i := range b.emails {
		b.emails[i], b.passwords[i] = fmt.Sprintf("user-%d@example.com", i), b.nextPassword()
		if _, err := b.Operator.AddUser(t.Context(), b.emails[i], b.passwords[i], models.RoleUser); err != nil {
			t.Fatal(err)
		}
	}
	b.exec("CREATE TABLE older_devices AS SELECT * FROM devices WHERE 1 = 0")
	return b
}

func (b *forkBench) search(checks, steps int) {
	setFlag(b.t, "rapid.checks", checks, true)
	setFlag(b.t, "rapid.steps", steps, false)
	defer b.report(time.Now())
	rapid.Check(b.t, func(rt *rapid.T) {
		if b.firstBroken == "" {
			b.sequences++
		}
		b.exec("DELETE FROM devices", "DELETE FROM events")
		w := &forkWorld{forkBench: b, rt: rt, events: map[models.EventKind]int{}}
		w.change(w.t, func(c *services.Config) {
			c.RetryWindow = rapid.SampledFrom([]time.Duration{10 * time.Second, 10 * time.Second, 0, time.Minute}).Draw(rt, "window")
			c.DeviceIdle = rapid.SampledFrom([]time.Duration{30 * forkDay, forkDay}).Draw(rt, "idle")
			c.DeviceLifetime = rapid.SampledFrom([]time.Duration{90 * forkDay, 10 * forkDay}).Draw(rt, "lifetime")
			c.MaxRefreshes = rapid.SampledFrom([]int64{0, 0, 12, 4}).Draw(rt, "refreshes")
		})
		w.signIn(0, forkHome, false)
		rt.Repeat(map[string]func(*rapid.T){"": w.judge, "step": w.step})
		w.checkEvents()
		w.judge(rt)
	})
}

const forkDay = 24 * time.Hour

// judge ends a sequence that broke a promise.
func (w *forkWorld) judge(rt *rapid.T) {
	if len(w.broken) == 0 {
		return
	}
	slices.Sort(w.broken)
	if w.firstBroken == "" {
		w.firstBroken = fmt.Sprintf("found in sequence %d, at step %d in all: %s", w.sequences, w.steps, strings.Join(w.broken, "\n"))
	}
	rt.Fatalf("broken:\n%s", strings.Join(w.broken, "\n"))
}

// step makes the next thing in a story happen.
func (w *forkWorld) step(rt *rapid.T) {
	w.rt = rt
	if w.firstBroken == "" {
		w.steps++
	}
	w.sleep(rapid.SampledFrom(forkPauses).Draw(rt, "pause"))
	rapid.SampledFrom(forkSteps).Draw(rt, "what")(w, rt)
}

// Waits just below, at and just above every limit.
var forkPauses = slices.Concat(
	slices.Repeat([]time.Duration{0, time.Second, time.Minute, 15 * time.Minute, time.Hour}, 6),
	slices.Repeat([]time.Duration{10 * time.Second, 10*time.Second + time.Microsecond}, 4),
	[]time.Duration{forkDay - time.Second, forkDay - time.Second, forkDay, 8 * forkDay, 31 * forkDay},
)

func (b *forkBench) report(began time.Time) {
	var kinds []string
	for o := models.Rotated; o <= models.Unbound; o++ {
		kinds = append(kinds, fmt.Sprintf("%s %d", forkOutcomes[o], b.outcomes[o]))
	}
	b.t.Logf("%s: %d sequences, %d steps in %.1f s: %s; %d thefts; honest tokens answered to thieves: %d; devices ended after a theft: %d, and by a late copy alone: %d; %d times everything since ended %d devices", b.store.Dialect(),
		b.sequences, b.steps, time.Since(began).Seconds(), strings.Join(kinds, ", "), b.thefts, b.robberies, b.found, b.lates, b.sinces, b.ended)
	if b.firstBroken != "" {
		b.t.Log(b.firstBroken)
	}
}
