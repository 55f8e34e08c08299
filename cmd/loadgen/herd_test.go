package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// herd is a simulation of many apps that come back together after an outage of an hour: their access tokens have all ended. It has steps of a tenth of
// a second and one source of chance, so that its result is always the same.
//
// The server does the work of one refresh after another in the order of arrival, capacity of them a second. It answers 503 with Retry-After to
// a request that has waited for five seconds, as Latchkey does when a statement takes that long, and throws a request away whose app has
// hung up; either costs it a tenth of a refresh.
type herd struct {
	apps     int
	capacity int                                                                           // refreshes a second
	outage   bool                                                                          // the server answered 503 for an hour, and each app is between two tries; else all come within a second, as when a network is back
	wait     func(failures int, retryAfter time.Duration, chance *rand.Rand) time.Duration // until the next try
}

const (
	herdStep     = 100 * time.Millisecond
	herdPatience = 5 * time.Second  // of the server
	herdTimeout  = 10 * time.Second // of an app
	herdHint     = 2 * time.Second  // Retry-After
	herdEnd      = 30 * time.Minute // of the simulation
	herdRefusal  = 0.1              // of the work of a refresh
)

// herdResult says when the last app was served and when half of them were (0: never), the most requests in a second, and the requests in vain.
type herdResult struct {
	half, all time.Duration
	peak      int
	wasted    int
}

type herdCall struct{ app, arrived int }

func (h herd) run() (r herdResult) {
	chance := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a simulation
	steps := int(herdEnd / herdStep)
	calendar := make([][]int, steps) // which apps call in which step
	at := func(step int, d time.Duration, app int) {
		if step += max(1, int(d/herdStep)); step < steps {
			calendar[step] = append(calendar[step], app)
		}
	}
	for app := range h.apps {
		first := below(time.Second, chance)
		if h.outage {
			first = time.Duration(chance.Float64() * float64(h.wait(100, herdHint, chance)))
		}
		at(0, first, app)
	}
	failures, hungUp := make([]int, h.apps), make([]int, h.apps)
	var queue []herdCall
	served, second := 0, 0
	for step := range steps {
		if step%int(time.Second/herdStep) == 0 {
			second = 0
		}
		chance.Shuffle(len(calendar[step]), func(i, j int) { calendar[step][i], calendar[step][j] = calendar[step][j], calendar[step][i] })
		for _, app := range calendar[step] {
			queue = append(queue, herdCall{app, step})
		}
		second += len(calendar[step])
		r.peak = max(r.peak, second)
		calendar[step] = nil
		h.hangUp(queue, step, hungUp, failures, &r, func(app int) { at(step, h.wait(failures[app], 0, chance), app) })
		for budget := float64(h.capacity) * herdStep.Seconds(); budget > 0 && len(queue) > 0; queue = queue[1:] {
			c := queue[0]
			switch waited := time.Duration(step-c.arrived) * herdStep; {
			case waited >= herdTimeout:
				budget -= herdRefusal
			case waited >= herdPatience:
				budget -= herdRefusal
				r.wasted++
				failures[c.app]++
				hungUp[c.app] = step
				at(step, h.wait(failures[c.app], herdHint, chance), c.app)
			default:
				budget--
				served++
				hungUp[c.app] = step
				if r.half == 0 && 2*served >= h.apps {
					r.half = time.Duration(step) * herdStep
				}
				if served == h.apps {
					r.all = time.Duration(step) * herdStep
					return r
				}
			}
		}
	}
	return r
}

// hangUp lets the apps whose time is up try again. Their requests stay in the queue: the server does not know.
func (h herd) hangUp(queue []herdCall, step int, last, failures []int, r *herdResult, again func(app int)) {
	for _, c := range queue {
		waited := time.Duration(step-c.arrived) * herdStep
		if waited < herdTimeout {
			return // the queue is in the order of arrival
		}
		if last[c.app] < c.arrived {
			last[c.app] = step
			r.wasted++
			failures[c.app]++
			again(c.app)
		}
	}
}

// doubling is a second, then two, four and so on up to five minutes.
func doubling(failures int) time.Duration {
	return min(time.Second<<min(failures-1, 20), 5*time.Minute)
}

func below(d time.Duration, chance *rand.Rand) time.Duration {
	return time.Duration(chance.Int64N(int64(d)))
}

// herdRule is when an app tries again after so many failures in a row, with the Retry-After of the latest answer, 0 if there was none.
type herdRule struct {
	name string
	wait func(failures int, retryAfter time.Duration, chance *rand.Rand) time.Duration
}

func grows(failures int, hint time.Duration, chance *rand.Rand) time.Duration {
	if hint == 0 {
		return doubling(failures)/2 + below(doubling(failures), chance)
	}
	return hint + below(doubling(failures), chance)
}

var herdRules = []herdRule{
	{"at once", func(int, time.Duration, *rand.Rand) time.Duration { return 0 }},
	{"every 5 seconds", func(int, time.Duration, *rand.Rand) time.Duration { return 5 * time.Second }},
	{"after `Retry-After` and up to a second", func(failures int, hint time.Duration, chance *rand.Rand) time.Duration {
		if hint == 0 {
			return grows(failures, 0, chance)
		}
		return hint + below(time.Second, chance)
	}},
	{"after up to 1, 2, 4 … seconds", func(failures int, _ time.Duration, chance *rand.Rand) time.Duration {
		return below(doubling(failures), chance)
	}},
	{"after `Retry-After` and up to 1, 2, 4 … seconds", grows},
	{"the same, from the start after 6 tries", func(failures int, hint time.Duration, chance *rand.Rand) time.Duration {
		return grows((failures-1)%6+1, hint, chance) // the reference clients, whose patience ends after about so many
	}},
}

const theRule = 4 // of herdRules: what the guide says

// The simulated server is small, so that the test is quick: what counts is how long it would take for all, here 100 seconds.
func TestTheGuideSaysWhatTheHerdSimulationGives(t *testing.T) {
	const apps, capacity = 5_000, 50
	results := make([]herdResult, len(herdRules))
	for i, rule := range herdRules {
		for _, outage := range []bool{true, false} { // the last one stays
			r := herd{apps: apps, capacity: capacity, outage: outage, wait: rule.wait}.run()
			t.Logf("%s, 503 before %v: half after %v, all after %v, at most %d requests in a second, %.1f in vain for each app", rule.name, outage, r.half, r.all, r.peak, r.inVain(apps))
			results[i] = r
		}
	}
	raw, err := os.ReadFile("../../views/docs_guide.templ")
	if err != nil {
		t.Fatal(err)
	}
	guide := strings.Join(strings.Fields(string(raw)), " ")
	good, hasty := results[theRule], results[2]
	if hasty.half != 0 {
		t.Errorf("after a fixed time half of the apps are served after %v: the guide says otherwise", hasty.half)
	}
	for _, sentence := range []string{
		fmt.Sprintf("the refreshes of all are %d seconds of work", apps/capacity),
		fmt.Sprintf("the last is served after %.0f seconds, and an app asks %.1f times in vain", good.all.Seconds(), good.inVain(apps)),
		fmt.Sprintf("fewer than half are served within %.0f minutes", herdEnd.Minutes()),
	} {
		if !strings.Contains(guide, sentence) {
			t.Errorf("the guide does not say: %s", sentence)
		}
	}
	if like := results[5]; like.all == 0 || like.all > 2*good.all {
		t.Errorf("the reference clients are served after %v, an app by the rule after %v", like.all, good.all)
	}
}

func (r herdResult) inVain(apps int) float64 { return float64(r.wasted) / float64(apps) }
