package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// worker is one closed-loop client and what it saw.
type worker struct {
	o          *options
	client     *client
	devices    []device // refreshed in turn; every other act is of the first
	turn       int
	held       []device // what a run of sign-ins made
	number     int
	signIns    int // so far
	left, done *atomic.Int64
	times      []time.Duration
	counts     map[string]int64
	errors     map[string]int64
	phones     []*phone // with --dpop
	end        func()   // ends the run for all
}

func (w *worker) run(ctx context.Context) {
	defer w.client.close()
	w.counts, w.errors = map[string]int64{}, map[string]int64{}
	w.times = make([]time.Duration, 0, 1<<14)
	pace := w.pacer()
	for ctx.Err() == nil && w.left.Add(-1) >= 0 && pace(ctx) {
		what := w.o.Scenario
		if what == "mixed" {
			what = draw()
		}
		began := time.Now()
		err := w.act(what)
		if errors.Is(err, errUsedUp) {
			w.end() // the others' rate alone would say nothing
			return
		}
		w.times = append(w.times, time.Since(began))
		w.counts[what]++
		if err != nil {
			w.errors[err.Error()]++
			pause(ctx, 10*time.Millisecond) // a server that is down is not asked as fast as the machine can
		}
		w.done.Add(1)
	}
}

// draw picks the next act of the mixed scenario.
func draw() string {
	switch n := rand.IntN(100); { //nolint:gosec // a mix of load, not a secret
	case n < 1:
		return "login"
	case n < 95:
		return "refresh"
	case n < 99:
		return "whoami"
	}
	return "revoke"
}

// nextAccount goes through the accounts, for one account may not sign in as often as a load does.
func (w *worker) nextAccount() int {
	n := w.number + w.signIns*w.o.Clients
	w.signIns++
	return n
}

func (w *worker) act(what string) error {
	switch what {
	case "login":
		d, err := w.o.login(w.client, w.nextAccount())
		if err != nil {
			return err
		}
		if w.o.Scenario == "login" {
			return w.hold(d)
		}
		if w.devices[0].Refresh != "" {
			return w.signOut(d) // or the account would run into its limit of devices
		}
		w.devices[0] = d
		return nil
	case "refresh":
		d, proof, over := w.nextProof()
		if over {
			return errUsedUp
		}
		status, answer, err := w.client.do("POST", "/oauth/token", "application/x-www-form-urlencoded", "", proof,
			[]byte("grant_type=refresh_token&refresh_token="+d.Refresh))
		if err != nil || status != 200 {
			return &unexpected{what, status, string(answer), err}
		}
		*d = device{member(answer, "access_token"), member(answer, "refresh_token")}
		return nil
	case "whoami":
		status, answer, err := w.client.do("GET", "/api/whoami", "", w.devices[0].Access, "", nil)
		if err != nil || status != 200 {
			return &unexpected{what, status, string(answer), err}
		}
		return nil
	}
	if err := w.signOut(w.devices[0]); err != nil {
		return err
	}
	d, err := w.o.login(w.client, w.nextAccount())
	w.devices[0] = d
	return err
}

// heldDevices is how many devices the clients of one account keep signed in between them in a run of sign-ins; by default an account
// may have 100.
const heldDevices = 80

// hold keeps a device until the clock has stopped, since signing out is not what is measured; past the account's share the
// oldest one goes at once.
func (w *worker) hold(d device) error {
	w.held = append(w.held, d)
	sharing := (w.o.Clients + w.o.Accounts - 1) / w.o.Accounts
	if len(w.held) <= max(heldDevices/sharing, 1) {
		return nil
	}
	oldest := w.held[0]
	w.held = w.held[1:]
	return w.signOut(oldest)
}

// letGo signs out what is held.
func (w *worker) letGo() error {
	defer w.client.close()
	for _, d := range w.held {
		if err := w.signOut(d); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) signOut(d device) error {
	status, answer, err := w.client.do("POST", "/oauth/revoke", "application/x-www-form-urlencoded", "", "", []byte("token="+d.Refresh))
	if err != nil || status != 200 {
		return &unexpected{"revoke", status, string(answer), err}
	}
	return nil
}

// pacer spreads the wanted rate evenly over the clients and over time.
func (w *worker) pacer() func(context.Context) bool {
	if w.o.Rate <= 0 {
		return func(context.Context) bool { return true }
	}
	every := time.Duration(float64(w.o.Clients) / w.o.Rate * float64(time.Second))
	next := time.Now().Add(every * time.Duration(w.number) / time.Duration(w.o.Clients))
	return func(ctx context.Context) bool {
		ok := pause(ctx, time.Until(next))
		next = next.Add(every)
		if behind := time.Since(next); behind > time.Second {
			next = time.Now() // never catches up in a burst
		}
		return ok
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
